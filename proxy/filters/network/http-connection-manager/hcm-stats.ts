// The counters of one connection manager, found once when its filter chain is built.
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../../stats/metrics.ts';

/** Cells that Envoy has in every connection manager and nothing here changes: see ClusterStats. */
const UNTOUCHED_COUNTERS = [
  'downstream_cx_http3_total',
  'downstream_rq_http3_total',
  'downstream_rq_rejected_via_ip_detection',
  'tracing.client_enabled',
  'tracing.health_check',
  'tracing.not_traceable',
  'tracing.random_sampling',
  'tracing.service_forced',
];

/** The same for gauges. Octets are handed on as they come, so that none wait to be read. */
const UNTOUCHED_GAUGES = [
  'downstream_cx_http1_soft_drain',
  'downstream_cx_http3_active',
  'downstream_cx_rx_bytes_buffered',
];

/** `http1.*`: one set for all connection managers, as in Envoy. */
export class Http1CodecStats {
  readonly droppedHeadersWithUnderscores: Counter;
  readonly rejectedForUnderscores: Counter;

  constructor(root: StatsScope) {
    const scope = root.scope('http1');
    this.droppedHeadersWithUnderscores = scope.counter('dropped_headers_with_underscores');
    this.rejectedForUnderscores = scope.counter('requests_rejected_with_underscores_in_headers');
    scope.counter('metadata_not_supported_error');
    scope.counter('response_flood');
  }
}

/** Response counters by status class. */
export class ClassCounters {
  readonly completed: Counter;
  readonly #byClass: readonly Counter[];

  constructor(scope: StatsScope) {
    this.completed = scope.counter('downstream_rq_completed');
    this.#byClass = [1, 2, 3, 4, 5].map((digit) => scope.counter(`downstream_rq_${digit}xx`));
  }

  /** Counts a finished response. */
  count(status: number): void {
    this.completed.inc();
    const counter = this.#byClass[Math.floor(status / 100) - 1];
    if (counter !== undefined) counter.inc();
  }
}

/** `http.<stat_prefix>.*` with Envoy's names in camel case. */
export class HcmStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxSslTotal: Counter;
  readonly cxSslActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp1Active: Gauge;
  readonly cxHttp2Total: Counter;
  readonly cxHttp2Active: Gauge;
  readonly cxUpgradesTotal: Counter;
  readonly cxUpgradesActive: Gauge;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyActiveRq: Counter;
  readonly cxDestroyLocalActiveRq: Counter;
  readonly cxDestroyRemoteActiveRq: Counter;
  readonly cxProtocolError: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  readonly cxDrainClose: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequestsReached: Counter;
  readonly cxDelayedCloseTimeout: Counter;
  readonly cxOverloadDisableKeepalive: Counter;
  readonly cxLengthMs: Histogram;
  /** Set when statistics are asked for. */
  readonly cxTxBytesBuffered: Gauge;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
  readonly rqTotal: Counter;
  readonly rqHttp1Total: Counter;
  readonly rqHttp2Total: Counter;
  readonly rqActive: Gauge;
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  readonly rqNonRelativePath: Counter;
  readonly rqTooLarge: Counter;
  readonly rqTimeout: Counter;
  readonly rqHeaderTimeout: Counter;
  readonly rqIdleTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqFailedPathNormalization: Counter;
  readonly rqRedirectedWithNormalizedPath: Counter;
  readonly rqResponseBeforeRqComplete: Counter;
  readonly rqOverloadClose: Counter;
  readonly rqTooManyPrematureResets: Counter;
  readonly rqWsOnNonWsRoute: Counter;
  readonly rsTooLarge: Counter;
  readonly rqTime: Histogram;
  readonly #responses: ClassCounters;
  /** `listener.<address>.http.<stat_prefix>.` */
  readonly #listenerResponses: ClassCounters;

  constructor(scope: StatsScope, listenerScope: StatsScope) {
    const counter = (name: string): Counter => scope.counter(`downstream_${name}`);
    this.cxTotal = counter('cx_total');
    this.cxActive = scope.gauge('downstream_cx_active');
    this.cxSslTotal = counter('cx_ssl_total');
    this.cxSslActive = scope.gauge('downstream_cx_ssl_active');
    this.cxHttp1Total = counter('cx_http1_total');
    this.cxHttp1Active = scope.gauge('downstream_cx_http1_active');
    this.cxHttp2Total = counter('cx_http2_total');
    this.cxHttp2Active = scope.gauge('downstream_cx_http2_active');
    this.cxUpgradesTotal = counter('cx_upgrades_total');
    this.cxUpgradesActive = scope.gauge('downstream_cx_upgrades_active');
    this.cxDestroy = counter('cx_destroy');
    this.cxDestroyLocal = counter('cx_destroy_local');
    this.cxDestroyRemote = counter('cx_destroy_remote');
    this.cxDestroyActiveRq = counter('cx_destroy_active_rq');
    this.cxDestroyLocalActiveRq = counter('cx_destroy_local_active_rq');
    this.cxDestroyRemoteActiveRq = counter('cx_destroy_remote_active_rq');
    this.cxProtocolError = counter('cx_protocol_error');
    this.cxRxBytesTotal = counter('cx_rx_bytes_total');
    this.cxTxBytesTotal = counter('cx_tx_bytes_total');
    this.cxDrainClose = counter('cx_drain_close');
    this.cxIdleTimeout = counter('cx_idle_timeout');
    this.cxMaxDurationReached = counter('cx_max_duration_reached');
    this.cxMaxRequestsReached = counter('cx_max_requests_reached');
    this.cxOverloadDisableKeepalive = counter('cx_overload_disable_keepalive');
    this.cxDelayedCloseTimeout = counter('cx_delayed_close_timeout');
    this.cxLengthMs = scope.histogram('downstream_cx_length_ms', 'ms');
    this.cxTxBytesBuffered = scope.gauge('downstream_cx_tx_bytes_buffered');
    this.flowPaused = counter('flow_control_paused_reading_total');
    this.flowResumed = counter('flow_control_resumed_reading_total');
    this.rqTotal = counter('rq_total');
    this.rqHttp1Total = counter('rq_http1_total');
    this.rqHttp2Total = counter('rq_http2_total');
    this.rqActive = scope.gauge('downstream_rq_active');
    this.rqRxReset = counter('rq_rx_reset');
    this.rqTxReset = counter('rq_tx_reset');
    this.rqNonRelativePath = counter('rq_non_relative_path');
    this.rqTooLarge = counter('rq_too_large');
    this.rqTimeout = counter('rq_timeout');
    this.rqHeaderTimeout = counter('rq_header_timeout');
    this.rqIdleTimeout = counter('rq_idle_timeout');
    this.rqMaxDurationReached = counter('rq_max_duration_reached');
    this.rqFailedPathNormalization = counter('rq_failed_path_normalization');
    this.rqRedirectedWithNormalizedPath = counter('rq_redirected_with_normalized_path');
    this.rqResponseBeforeRqComplete = counter('rq_response_before_rq_complete');
    this.rqOverloadClose = counter('rq_overload_close');
    this.rqTooManyPrematureResets = counter('rq_too_many_premature_resets');
    this.rqWsOnNonWsRoute = counter('rq_ws_on_non_ws_route');
    this.rsTooLarge = scope.counter('rs_too_large');
    this.rqTime = scope.histogram('downstream_rq_time', 'ms');
    this.#responses = new ClassCounters(scope);
    this.#listenerResponses = new ClassCounters(listenerScope);
    for (const name of UNTOUCHED_COUNTERS) scope.counter(name);
    for (const name of UNTOUCHED_GAUGES) scope.gauge(name);
  }

  /** A connection is there. */
  opened(isTls: boolean): void {
    this.cxTotal.inc();
    this.cxActive.inc();
    if (!isTls) return;
    this.cxSslTotal.inc();
    this.cxSslActive.inc();
  }

  /** It is not any more. */
  gone(isTls: boolean): void {
    this.cxActive.dec();
    if (isTls) this.cxSslActive.dec();
  }

  /** We give a stream up. Envoy counts that on both sides. */
  countOwnReset(): void {
    this.rqTxReset.inc();
    this.rqRxReset.inc();
  }

  /** Counts an exchange whose response was sent as far as there was one. */
  countEnd({ startMs, lastRequestByteMs, lastResponseByteMs }: StreamInfo): void {
    if (lastResponseByteMs < 0) return;
    this.rqTime.record(lastResponseByteMs - startMs);
    // To Envoy, ending a request that is still coming is a reset.
    if (lastRequestByteMs < 0) this.rqRxReset.inc();
  }

  /** Counts a response by its class. */
  countResponse(status: number): void {
    this.#responses.count(status);
    this.#listenerResponses.count(status);
  }
}
