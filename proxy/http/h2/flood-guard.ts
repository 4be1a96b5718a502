// Counts frames that cost a peer little and us more, as Envoy does, and says when they are too
// many. What waits to leave is counted since the connection's output was last seen empty.
import type { ByteSink } from '../codec.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { H2Counters } from './counters.ts';
import { H2_ERROR } from './errors.ts';
import type { H2ProtocolOptions } from './options.ts';

/** WINDOW_UPDATE frames that every connection may send besides those that our DATA calls for. */
const FREE_WINDOW_UPDATES = 5;
/** WINDOW_UPDATE frames per stream that are no answer to DATA. */
const WINDOW_UPDATES_PER_STREAM = 2;

/** One connection's counts. */
export class FloodGuard {
  /** The limit that was broken; for outbound frames the owner looks when it is safe to end. */
  error: ProtocolError | null = null;
  readonly #options: H2ProtocolOptions;
  readonly #counters: H2Counters;
  readonly #sink: ByteSink;
  #outbound = 0;
  #outboundControl = 0;
  /** What the gauges hold of ours. */
  #shown = 0;
  #shownControl = 0;
  #streams = 0;
  #emptyInARow = 0;
  #priorities = 0;
  #windowUpdates = 0;
  #dataSent = 0;

  constructor(options: H2ProtocolOptions, counters: H2Counters, sink: ByteSink) {
    this.#options = options;
    this.#counters = counters;
    this.#sink = sink;
  }

  /** A frame is about to be written; `isControl`: PING, SETTINGS or RST_STREAM. */
  onFrameSent(isControl: boolean): void {
    if (this.#outbound > 0 && this.#sink.bufferedBytes === 0) this.onDrained();
    this.#outbound += 1;
    if (isControl) {
      this.#outboundControl += 1;
      if (this.#outboundControl > this.#options.maxOutboundControlFrames) {
        this.#overflow(this.#counters.outboundControlFlood, H2_ERROR.controlFlood);
      }
    }
    if (this.#outbound > this.#options.maxOutboundFrames) {
      this.#overflow(this.#counters.outboundFlood, H2_ERROR.outboundFlood);
    }
  }

  /** DATA is about to be written. */
  onDataSent(): void {
    this.#dataSent += 1;
    this.onFrameSent(false);
  }

  /** Everything that was written has left. */
  onDrained(): void {
    this.#outbound = 0;
    this.#outboundControl = 0;
    if (this.#shown > 0 || this.#shownControl > 0) this.showBacklog();
  }

  /** Brings the gauges up to date; called while the sink is full, and when it is not any more. */
  showBacklog(): void {
    const { outboundFramesActive, outboundControlFramesActive } = this.#counters;
    outboundFramesActive.add(this.#outbound);
    outboundFramesActive.sub(this.#shown);
    outboundControlFramesActive.add(this.#outboundControl);
    outboundControlFramesActive.sub(this.#shownControl);
    this.#shown = this.#outbound;
    this.#shownControl = this.#outboundControl;
  }

  /** A stream was opened, by either side. */
  onStream(): void {
    this.#streams += 1;
  }

  /** HEADERS, CONTINUATION or DATA arrived. */
  onContentFrame(isEmpty: boolean): ProtocolError | null {
    if (!isEmpty) {
      this.#emptyInARow = 0;
      return null;
    }
    this.#emptyInARow += 1;
    if (this.#emptyInARow <= this.#options.maxConsecutiveInboundFramesWithEmptyPayload) return null;
    this.#counters.inboundEmptyFramesFlood.inc();
    return H2_ERROR.emptyFrames;
  }

  onPriority(): ProtocolError | null {
    this.#priorities += 1;
    const most = this.#options.maxInboundPriorityFramesPerStream * (1 + this.#streams);
    if (this.#priorities <= most) return null;
    this.#counters.inboundPriorityFramesFlood.inc();
    return H2_ERROR.priorityFrames;
  }

  onWindowUpdate(): ProtocolError | null {
    this.#windowUpdates += 1;
    const perData = this.#options.maxInboundWindowUpdateFramesPerDataFrameSent;
    const most =
      FREE_WINDOW_UPDATES + WINDOW_UPDATES_PER_STREAM * (this.#streams + perData * this.#dataSent);
    if (this.#windowUpdates <= most) return null;
    this.#counters.inboundWindowUpdateFramesFlood.inc();
    return H2_ERROR.windowUpdates;
  }

  #overflow(counter: { inc(): void }, error: ProtocolError): void {
    if (this.error !== null) return;
    counter.inc();
    this.error = error;
  }
}
