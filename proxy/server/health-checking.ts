// Active health checks in the primary: hosts are asked once for all workers.
import type { Logger } from '../base/log.ts';
import { SocketConnector } from '../net/connector.ts';
import { EventLoop } from '../net/event-loop.ts';
import { HealthChecks, type HealthChecksParts } from '../upstream/health/health-checks.ts';
import { CLIENT_CODECS } from '../upstream/pool/client-codecs.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** What checks tell, and to whom. */
export type HealthCheckOutputs = Omit<HealthChecksParts, 'services' | 'later'>;

/** Makes the checks of a process over the system's sockets. */
export function healthChecking(outputs: HealthCheckOutputs, log: Logger): HealthChecks {
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
      log,
    },
    later: queueMicrotask,
    ...outputs,
  });
}
