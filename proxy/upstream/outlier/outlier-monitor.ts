// A host of a worker under outlier detection: what its requests came to is counted together with all
// other workers, and the last failure in a row that is allowed is reported.
import type { OutlierConfig } from '../../model/outlier.ts';
import type { HostMonitor, LocalOriginEvent } from '../host-monitor.ts';
import type { Streak } from './host-counts.ts';
import type { SharedHostCounts } from './shared-host-counts.ts';

/** Hears of hosts that failed too often in a row: the primary. */
export interface StreakSink {
  /** `address` is `ip:port`. Once for each streak, whichever worker saw its end. */
  onStreak(cluster: string, address: string, streak: Streak): void;
}

/** What a monitor is made with. */
export interface OutlierMonitorParts {
  readonly cluster: string;
  readonly address: string;
  readonly config: OutlierConfig;
  readonly counts: SharedHostCounts;
  /** False: each worker counts for itself, and begins anew once it has reported. */
  readonly isShared: boolean;
  readonly sink: StreakSink;
}

const FIRST_ERROR = 500;
const FIRST_BEYOND_ERRORS = 600;
/** Where the proxy's own failures count as the host's, they count as these answers. */
const OK = 200;
const UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;

/** See the file's head. */
export class OutlierMonitor implements HostMonitor {
  readonly address: string;
  readonly detectsDegraded: boolean;
  readonly #parts: OutlierMonitorParts;

  constructor(parts: OutlierMonitorParts) {
    this.address = parts.address;
    this.detectsDegraded = parts.config.detectsDegraded;
    this.#parts = parts;
  }

  onResponse(status: number): void {
    const { counts, config } = this.#parts;
    if (status < FIRST_ERROR || status >= FIRST_BEYOND_ERRORS) {
      counts.succeed('external');
      counts.resetStreak('5xx');
      counts.resetStreak('gateway');
      return;
    }
    counts.fail('external');
    if (isGatewayError(status)) this.#lengthen('gateway', config.consecutiveGatewayFailure);
    else counts.resetStreak('gateway');
    this.#lengthen('5xx', config.consecutive5xx);
  }

  onDegradedResponse(): void {
    if (this.#parts.config.detectsDegraded) this.#lengthen('degraded', 1);
  }

  onLocalOrigin(event: LocalOriginEvent): void {
    if (this.#parts.config.splitsLocalOrigin) this.#countApart(event);
    else this.#countAsResponse(event);
  }

  #countApart(event: LocalOriginEvent): void {
    const { counts, config } = this.#parts;
    if (event === 'connect-succeeded' || event === 'session-began') {
      counts.succeed('local');
      counts.resetStreak('local-origin');
      return;
    }
    counts.fail('local');
    this.#lengthen('local-origin', config.consecutiveLocalOriginFailure);
  }

  #countAsResponse(event: LocalOriginEvent): void {
    // After a connect a response will say how it went.
    if (event === 'connect-succeeded') return;
    if (event === 'session-began') this.onResponse(OK);
    else this.onResponse(event === 'timed-out' ? GATEWAY_TIMEOUT : UNAVAILABLE);
  }

  /** As Envoy, only the failure that makes it so many is told of: more of them are no news. */
  #lengthen(streak: Streak, most: number): void {
    const { counts, sink, cluster, address, isShared } = this.#parts;
    if (counts.lengthen(streak) !== most) return;
    if (!isShared) counts.resetStreak(streak);
    sink.onStreak(cluster, address, streak);
  }
}

function isGatewayError(status: number): boolean {
  return status >= 502 && status <= GATEWAY_TIMEOUT;
}
