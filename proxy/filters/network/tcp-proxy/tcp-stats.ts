// `tcp.<stat_prefix>.*` with Envoy's names in camel case.
import type { Counter, Gauge, StatsScope } from '../../../stats/metrics.ts';

/** Cells that Envoy has and nothing here changes; a dashboard that names them finds them. */
const UNTOUCHED_COUNTERS = [
  'downstream_cx_drain_close',
  'downstream_cx_overload_close',
  'early_data_received_count_total',
  'route_delayed_total',
  'upstream_flush_total',
] as const;
/** Octets are handed on as they come: nothing is buffered on the reading side. */
const UNTOUCHED_GAUGES = ['downstream_cx_rx_bytes_buffered', 'upstream_flush_active'] as const;

/** See the file's head. */
export class TcpStats {
  readonly cxTotal: Counter;
  readonly cxNoRoute: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  /** Set when statistics are asked for. */
  readonly cxTxBytesBuffered: Gauge;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
  readonly idleTimeout: Counter;
  readonly maxDuration: Counter;

  constructor(scope: StatsScope) {
    this.cxTotal = scope.counter('downstream_cx_total');
    this.cxNoRoute = scope.counter('downstream_cx_no_route');
    this.cxRxBytesTotal = scope.counter('downstream_cx_rx_bytes_total');
    this.cxTxBytesTotal = scope.counter('downstream_cx_tx_bytes_total');
    this.cxTxBytesBuffered = scope.gauge('downstream_cx_tx_bytes_buffered');
    this.flowPaused = scope.counter('downstream_flow_control_paused_reading_total');
    this.flowResumed = scope.counter('downstream_flow_control_resumed_reading_total');
    this.idleTimeout = scope.counter('idle_timeout');
    this.maxDuration = scope.counter('max_downstream_connection_duration');
    for (const name of UNTOUCHED_COUNTERS) scope.counter(name);
    for (const name of UNTOUCHED_GAUGES) scope.gauge(name);
  }
}
