// Active health checks in the primary: hosts are asked once for all workers.
import type { LogSink } from '../base/log.ts';
import { SocketConnector } from '../net/connector.ts';
import { EventLoop } from '../net/event-loop.ts';
import { makeTlsServices } from '../tls/make-tls-services.ts';
import type { Secrets } from '../tls/secret-hub.ts';
import { HealthChecks, type HealthChecksParts } from '../upstream/health/health-checks.ts';
import { CLIENT_CODECS } from '../upstream/pool/client-codecs.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** What checks tell, and to whom. */
export interface HealthCheckOutputs extends Omit<HealthChecksParts, 'services' | 'later'> {
  /** Those that serve; what is asked over TLS needs them. */
  readonly secrets: Secrets;
}

/** Checks accept no connection, so no ticket is made of it. */
const NO_TICKETS = Buffer.alloc(0);

/** Makes the checks of a process over the system's sockets. */
export function healthChecking(
  { secrets, ...outputs }: HealthCheckOutputs,
  log: LogSink,
): HealthChecks {
  const loop = new EventLoop(SYSTEM_CLOCK);
  const random = new SystemRandom();
  return new HealthChecks({
    services: {
      clock: loop,
      timers: loop.timers,
      random,
      connector: new SocketConnector(loop),
      codecs: CLIENT_CODECS,
      codecServices: {
        nowMs: () => loop.nowMs(),
        timers: loop.timers,
        random,
        flushLater: (target) => loop.flushLater(target),
      },
      tls: makeTlsServices({
        ...{ secrets, clock: loop, ticketSecret: NO_TICKETS },
        log: log.logger('tls'),
      }),
      log: log.logger('health_checker'),
    },
    later: queueMicrotask,
    ...outputs,
  });
}
