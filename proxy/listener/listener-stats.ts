// `listener.<address>.*`, with Envoy's names in camel case.
import type { Counter, Gauge, Histogram, StatsScope } from '../stats/metrics.ts';

/** Cells that Envoy has in every listener and nothing here changes: see ClusterStats. */
const UNTOUCHED_COUNTERS = ['extension_config_missing', 'network_extension_config_missing'];

/** Found once when the listener is made. */
export class ListenerStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxDestroy: Counter;
  readonly cxOverflow: Counter;
  readonly cxOverloadReject: Counter;
  readonly cxTransportSocketConnectTimeout: Counter;
  readonly cxLengthMs: Histogram;
  readonly globalCxOverflow: Counter;
  readonly preCxTimeout: Counter;
  readonly preCxActive: Gauge;
  readonly listenerFilterError: Counter;
  readonly listenerFilterRemoteClose: Counter;
  readonly noFilterChainMatch: Counter;
  /** `worker_<index>.`: how evenly the workers share the connections. */
  readonly workerCxTotal: Counter;
  readonly workerCxActive: Gauge;
  /** Always 1: Node hands them over one by one. */
  readonly acceptedPerEvent: Histogram;

  /** `scope` is `listener.<address>.` */
  constructor(scope: StatsScope, workerIndex: number) {
    this.cxTotal = scope.counter('downstream_cx_total');
    this.cxActive = scope.gauge('downstream_cx_active');
    this.cxDestroy = scope.counter('downstream_cx_destroy');
    this.cxOverflow = scope.counter('downstream_cx_overflow');
    this.cxOverloadReject = scope.counter('downstream_cx_overload_reject');
    this.cxTransportSocketConnectTimeout = scope.counter(
      'downstream_cx_transport_socket_connect_timeout',
    );
    this.cxLengthMs = scope.histogram('downstream_cx_length_ms', 'ms');
    this.globalCxOverflow = scope.counter('downstream_global_cx_overflow');
    this.preCxTimeout = scope.counter('downstream_pre_cx_timeout');
    this.preCxActive = scope.gauge('downstream_pre_cx_active');
    this.listenerFilterError = scope.counter('downstream_listener_filter_error');
    this.listenerFilterRemoteClose = scope.counter('downstream_listener_filter_remote_close');
    this.noFilterChainMatch = scope.counter('no_filter_chain_match');
    const worker = scope.scope(`worker_${workerIndex}`);
    this.workerCxTotal = worker.counter('downstream_cx_total');
    this.workerCxActive = worker.gauge('downstream_cx_active');
    this.acceptedPerEvent = scope.histogram('connections_accepted_per_socket_event', 'unspecified');
    for (const name of UNTOUCHED_COUNTERS) scope.counter(name);
  }

  /** A connection has a filter chain. */
  opened(): void {
    this.cxTotal.inc();
    this.cxActive.inc();
    this.workerCxTotal.inc();
    this.workerCxActive.inc();
  }

  /** It is gone. */
  closed(lengthMs: number): void {
    this.cxActive.dec();
    this.workerCxActive.dec();
    this.cxDestroy.inc();
    this.cxLengthMs.record(lengthMs);
  }
}
