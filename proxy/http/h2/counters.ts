// What an HTTP/2 codec counts: cells that somebody else owns, `http2.*` of the process for
// listeners and `cluster.<name>.http2.*` for upstreams.

/** A number that only rises. */
export interface CounterCell {
  inc(): void;
  add(amount: number): void;
}

/** A number that rises and falls. */
export interface GaugeCell extends CounterCell {
  dec(): void;
  sub(amount: number): void;
}

/** Envoy's HTTP/2 codec statistics, in camel case. */
export interface H2Counters {
  readonly droppedHeadersWithUnderscores: CounterCell;
  readonly requestsRejectedWithUnderscoresInHeaders: CounterCell;
  readonly goawaySent: CounterCell;
  readonly headerListSizeTooLarge: CounterCell;
  readonly headerOverflow: CounterCell;
  readonly headersCbNoStream: CounterCell;
  readonly inboundEmptyFramesFlood: CounterCell;
  readonly inboundPriorityFramesFlood: CounterCell;
  readonly inboundWindowUpdateFramesFlood: CounterCell;
  readonly keepaliveTimeout: CounterCell;
  readonly outboundControlFlood: CounterCell;
  readonly outboundFlood: CounterCell;
  readonly rxMessagingError: CounterCell;
  readonly rxReset: CounterCell;
  readonly trailers: CounterCell;
  readonly txFlushTimeout: CounterCell;
  readonly txReset: CounterCell;
  readonly streamRefusedErrors: CounterCell;
  readonly streamsActive: GaugeCell;
  readonly pendingSendBytes: GaugeCell;
  readonly deferredStreamClose: GaugeCell;
  readonly outboundFramesActive: GaugeCell;
  readonly outboundControlFramesActive: GaugeCell;
}
