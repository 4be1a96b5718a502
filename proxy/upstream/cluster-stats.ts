// The counters of one cluster, found once when somebody first counts in one of them.
import type { H2Counters } from '../http/h2/counters.ts';
import { Http2CodecStats } from '../stats/http2-codec-stats.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../stats/metrics.ts';
import { RetryCounters } from '../stats/retry-counters.ts';
import { ClusterGrpcStats } from './cluster-grpc-stats.ts';
import { ClusterResponseStats } from './cluster-response-stats.ts';

/**
 * Cells that Envoy has in every cluster and nothing here changes: they stay at 0, so that a
 * dashboard or an alert that names them finds them. Whoever implements the feature takes its name out.
 */
const UNTOUCHED_COUNTERS = [
  'assignment_stale',
  'assignment_timeout_received',
  'assignment_use_cached',
  'bind_errors',
  // The primary counts these for clusters that it resolves: see DnsStats.
  'update_attempt',
  'update_empty',
  'update_failure',
  'update_no_rebuild',
  'update_success',
  'upstream_cx_connect_with_0_rtt',
  'upstream_cx_http3_total',
  'upstream_cx_preconnect_skipped',
  'upstream_http3_broken',
  'upstream_rq_0rtt',
  'upstream_rq_maintenance_mode',
  'upstream_rq_rx_reset_no_error',
] as const;

/** The same for gauges. Nothing is buffered on the reading side: octets are handed on as they come. */
const UNTOUCHED_GAUGES = [
  'upstream_cx_rx_bytes_buffered',
  'upstream_queue_overloaded',
  'version',
  'warming_state',
] as const;

/** Those of the HTTP/1.1 codec, which appear with the first connection. */
const UNTOUCHED_HTTP1_COUNTERS = [
  'dropped_headers_with_underscores',
  'metadata_not_supported_error',
  'requests_rejected_with_underscores_in_headers',
  'response_flood',
] as const;

/** `cluster.<name>.*`, with Envoy's names in camel case. */
export class ClusterStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp2Total: Counter;
  readonly cxConnectFail: Counter;
  readonly cxConnectTimeout: Counter;
  /** A TCP proxy gave up: max_connect_attempts. */
  readonly cxConnectAttemptsExceeded: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequests: Counter;
  readonly cxOverflow: Counter;
  readonly cxPoolOverflow: Counter;
  readonly cxNoneHealthy: Counter;
  readonly cxProtocolError: Counter;
  readonly cxCloseNotify: Counter;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyWithActiveRq: Counter;
  readonly cxDestroyLocalWithActiveRq: Counter;
  readonly cxDestroyRemoteWithActiveRq: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  /** Set when statistics are asked for. */
  readonly cxTxBytesBuffered: Gauge;
  readonly cxConnectMs: Histogram;
  readonly cxLengthMs: Histogram;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqPendingTotal: Counter;
  readonly rqPendingActive: Gauge;
  readonly rqActiveOverflow: Counter;
  readonly rqPendingOverflow: Counter;
  readonly rqPendingFailureEject: Counter;
  readonly rqCancelled: Counter;
  readonly rqTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly retries: RetryCounters;
  readonly backOffExponential: Counter;
  readonly backOffRateLimited: Counter;
  readonly rqPerTryTimeout: Counter;
  readonly rqPerTryIdleTimeout: Counter;
  /** Requests and copies of them of which more had to be kept than may be. */
  readonly retryOrShadowAbandoned: Counter;
  readonly internalRedirectSucceeded: Counter;
  readonly internalRedirectFailed: Counter;
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  /** Requests that a connection had served when it closed. */
  readonly rqPerCx: Histogram;
  readonly originalDstHostInvalid: Counter;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
  readonly flowBackedUp: Counter;
  readonly flowDrained: Counter;
  readonly responses: ClusterResponseStats;
  readonly grpc: ClusterGrpcStats;
  readonly #scope: StatsScope;

  /** `scope` is `cluster.<observability name>.` */
  constructor(scope: StatsScope) {
    this.#scope = scope;
    this.responses = new ClusterResponseStats(scope);
    this.grpc = new ClusterGrpcStats(scope);
    this.cxTotal = scope.counter('upstream_cx_total');
    this.cxActive = scope.gauge('upstream_cx_active');
    this.cxHttp1Total = scope.counter('upstream_cx_http1_total');
    this.cxHttp2Total = scope.counter('upstream_cx_http2_total');
    this.cxConnectFail = scope.counter('upstream_cx_connect_fail');
    this.cxConnectTimeout = scope.counter('upstream_cx_connect_timeout');
    this.cxConnectAttemptsExceeded = scope.counter('upstream_cx_connect_attempts_exceeded');
    this.cxIdleTimeout = scope.counter('upstream_cx_idle_timeout');
    this.cxMaxDurationReached = scope.counter('upstream_cx_max_duration_reached');
    this.cxMaxRequests = scope.counter('upstream_cx_max_requests');
    this.cxOverflow = scope.counter('upstream_cx_overflow');
    this.cxPoolOverflow = scope.counter('upstream_cx_pool_overflow');
    this.cxNoneHealthy = scope.counter('upstream_cx_none_healthy');
    this.cxProtocolError = scope.counter('upstream_cx_protocol_error');
    this.cxCloseNotify = scope.counter('upstream_cx_close_notify');
    this.cxDestroy = scope.counter('upstream_cx_destroy');
    this.cxDestroyLocal = scope.counter('upstream_cx_destroy_local');
    this.cxDestroyRemote = scope.counter('upstream_cx_destroy_remote');
    this.cxDestroyWithActiveRq = scope.counter('upstream_cx_destroy_with_active_rq');
    this.cxDestroyLocalWithActiveRq = scope.counter('upstream_cx_destroy_local_with_active_rq');
    this.cxDestroyRemoteWithActiveRq = scope.counter('upstream_cx_destroy_remote_with_active_rq');
    this.cxRxBytesTotal = scope.counter('upstream_cx_rx_bytes_total');
    this.cxTxBytesTotal = scope.counter('upstream_cx_tx_bytes_total');
    this.cxTxBytesBuffered = scope.gauge('upstream_cx_tx_bytes_buffered');
    this.cxConnectMs = scope.histogram('upstream_cx_connect_ms', 'ms');
    this.cxLengthMs = scope.histogram('upstream_cx_length_ms', 'ms');
    this.rqTotal = scope.counter('upstream_rq_total');
    this.rqActive = scope.gauge('upstream_rq_active');
    this.rqPendingTotal = scope.counter('upstream_rq_pending_total');
    this.rqPendingActive = scope.gauge('upstream_rq_pending_active');
    this.rqActiveOverflow = scope.counter('upstream_rq_active_overflow');
    this.rqPendingOverflow = scope.counter('upstream_rq_pending_overflow');
    this.rqPendingFailureEject = scope.counter('upstream_rq_pending_failure_eject');
    this.rqCancelled = scope.counter('upstream_rq_cancelled');
    this.rqTimeout = scope.counter('upstream_rq_timeout');
    this.retries = new RetryCounters(scope, '');
    this.backOffExponential = scope.counter('upstream_rq_retry_backoff_exponential');
    this.backOffRateLimited = scope.counter('upstream_rq_retry_backoff_ratelimited');
    this.rqPerTryTimeout = scope.counter('upstream_rq_per_try_timeout');
    this.rqPerTryIdleTimeout = scope.counter('upstream_rq_per_try_idle_timeout');
    this.retryOrShadowAbandoned = scope.counter('retry_or_shadow_abandoned');
    this.internalRedirectSucceeded = scope.counter('upstream_internal_redirect_succeeded_total');
    this.internalRedirectFailed = scope.counter('upstream_internal_redirect_failed_total');
    this.rqMaxDurationReached = scope.counter('upstream_rq_max_duration_reached');
    this.rqRxReset = scope.counter('upstream_rq_rx_reset');
    this.rqTxReset = scope.counter('upstream_rq_tx_reset');
    this.rqPerCx = scope.histogram('upstream_rq_per_cx', 'unspecified');
    this.originalDstHostInvalid = scope.counter('original_dst_host_invalid');
    this.flowPaused = scope.counter('upstream_flow_control_paused_reading_total');
    this.flowResumed = scope.counter('upstream_flow_control_resumed_reading_total');
    this.flowBackedUp = scope.counter('upstream_flow_control_backed_up_total');
    this.flowDrained = scope.counter('upstream_flow_control_drained_total');
    for (const name of UNTOUCHED_COUNTERS) scope.counter(name);
    for (const name of UNTOUCHED_GAUGES) scope.gauge(name);
  }

  /** The first HTTP/2 connection is about to be made: what its codecs count in. */
  declareHttp2(): H2Counters {
    return new Http2CodecStats(this.#scope);
  }

  /** The first HTTP/1.1 connection is about to be made. */
  declareHttp1(): void {
    for (const name of UNTOUCHED_HTTP1_COUNTERS) this.#scope.counter(`http1.${name}`);
  }
}
