// What a bandwidth limit was configured with, and its statistics.
import type { Live } from '../../../model/runtime.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../../stats/metrics.ts';

/** envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit, complete. */
export interface BandwidthConfig {
  readonly statPrefix: string;
  /** Read for each message. */
  readonly enabled: Live<boolean>;
  readonly limitsRequests: boolean;
  readonly limitsResponses: boolean;
  /** Octets a second, of all limited streams together. */
  readonly bytesPerSecond: number;
  readonly fillIntervalMs: number;
  readonly addsTrailers: boolean;
  /** In front of the trailers' names, with its dash; '' for none. */
  readonly trailerPrefix: string;
}

/** Of one direction: `<stat_prefix>.http_bandwidth_limit.request_*` */
export class BandwidthStats {
  readonly enabled: Counter;
  readonly enforced: Counter;
  readonly incomingTotalSize: Counter;
  readonly allowedTotalSize: Counter;
  readonly pending: Gauge;
  readonly incomingSize: Gauge;
  readonly allowedSize: Gauge;
  readonly transferDuration: Histogram;

  constructor(root: StatsScope, statPrefix: string, direction: 'request' | 'response') {
    const scope = root.scope(`${statPrefix}.http_bandwidth_limit`);
    this.enabled = scope.counter(`${direction}_enabled`);
    this.enforced = scope.counter(`${direction}_enforced`);
    this.incomingTotalSize = scope.counter(`${direction}_incoming_total_size`);
    this.allowedTotalSize = scope.counter(`${direction}_allowed_total_size`);
    this.pending = scope.gauge(`${direction}_pending`);
    this.incomingSize = scope.gauge(`${direction}_incoming_size`);
    this.allowedSize = scope.gauge(`${direction}_allowed_size`);
    this.transferDuration = scope.histogram(`${direction}_transfer_duration`, 'ms');
  }
}
