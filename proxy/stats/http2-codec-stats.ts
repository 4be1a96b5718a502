// `http2.*`: what HTTP/2 codecs count, at the root for listeners and below a cluster for upstreams.
// Made with the first codec that needs it, as in Envoy.
import type { Counter, Gauge, StatsScope } from './metrics.ts';

/** Names that Envoy has and nothing here changes. */
const UNTOUCHED_COUNTERS = ['cookies_total_bytes_too_large', 'metadata_empty_frames'];

/** The cells of one scope, with Envoy's names in camel case: what codecs know as H2Counters. */
export class Http2CodecStats {
  readonly droppedHeadersWithUnderscores: Counter;
  readonly requestsRejectedWithUnderscoresInHeaders: Counter;
  readonly goawaySent: Counter;
  readonly headerListSizeTooLarge: Counter;
  readonly headerOverflow: Counter;
  readonly headersCbNoStream: Counter;
  readonly inboundEmptyFramesFlood: Counter;
  readonly inboundPriorityFramesFlood: Counter;
  readonly inboundWindowUpdateFramesFlood: Counter;
  readonly keepaliveTimeout: Counter;
  readonly outboundControlFlood: Counter;
  readonly outboundFlood: Counter;
  readonly rxMessagingError: Counter;
  readonly rxReset: Counter;
  readonly trailers: Counter;
  readonly txFlushTimeout: Counter;
  readonly txReset: Counter;
  readonly streamRefusedErrors: Counter;
  readonly streamsActive: Gauge;
  readonly pendingSendBytes: Gauge;
  readonly deferredStreamClose: Gauge;
  readonly outboundFramesActive: Gauge;
  readonly outboundControlFramesActive: Gauge;

  /** `parent` is the root, or the cluster's scope. */
  constructor(parent: StatsScope) {
    const scope = parent.scope('http2');
    this.droppedHeadersWithUnderscores = scope.counter('dropped_headers_with_underscores');
    this.requestsRejectedWithUnderscoresInHeaders = scope.counter(
      'requests_rejected_with_underscores_in_headers',
    );
    this.goawaySent = scope.counter('goaway_sent');
    this.headerListSizeTooLarge = scope.counter('header_list_size_too_large');
    this.headerOverflow = scope.counter('header_overflow');
    this.headersCbNoStream = scope.counter('headers_cb_no_stream');
    this.inboundEmptyFramesFlood = scope.counter('inbound_empty_frames_flood');
    this.inboundPriorityFramesFlood = scope.counter('inbound_priority_frames_flood');
    this.inboundWindowUpdateFramesFlood = scope.counter('inbound_window_update_frames_flood');
    this.keepaliveTimeout = scope.counter('keepalive_timeout');
    this.outboundControlFlood = scope.counter('outbound_control_flood');
    this.outboundFlood = scope.counter('outbound_flood');
    this.rxMessagingError = scope.counter('rx_messaging_error');
    this.rxReset = scope.counter('rx_reset');
    this.trailers = scope.counter('trailers');
    this.txFlushTimeout = scope.counter('tx_flush_timeout');
    this.txReset = scope.counter('tx_reset');
    this.streamRefusedErrors = scope.counter('stream_refused_errors');
    this.streamsActive = scope.gauge('streams_active');
    this.pendingSendBytes = scope.gauge('pending_send_bytes');
    this.deferredStreamClose = scope.gauge('deferred_stream_close');
    this.outboundFramesActive = scope.gauge('outbound_frames_active');
    this.outboundControlFramesActive = scope.gauge('outbound_control_frames_active');
    for (const name of UNTOUCHED_COUNTERS) scope.counter(name);
  }
}
