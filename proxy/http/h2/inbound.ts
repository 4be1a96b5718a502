// The receiving half of an HTTP/2 connection: what the peer may send, and when it gets that back.
// Content for a paused stream waits here, and neither its window nor its share of the
// connection's is given back before its receiver goes on.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { CodecServices, TurnTarget } from '../codec.ts';
import { ByteQueue } from './byte-queue.ts';
import { DEFAULT_WINDOW_BYTES } from './frame-types.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { H2ProtocolOptions } from './options.ts';
import type { H2Stream } from './stream.ts';

const NOTHING = Buffer.alloc(0);

/** Told when a receiver heard everything that was kept for it. */
export interface InboundOwner {
  /** The end of the peer's message was delivered. */
  onEndDelivered(stream: H2Stream): void;
  /** The peer's message is complete, but its receiver does not take it yet. */
  noteDeferred(stream: H2Stream): void;
  /** Kept content was delivered outside of `onBytes`. */
  onDelivered(): void;
}

/** What an inbound half works with. */
export interface InboundParts {
  readonly options: H2ProtocolOptions;
  readonly services: CodecServices;
  readonly writer: FrameWriter;
  readonly owner: InboundOwner;
}

/** See the file's head. One a connection. */
export class Inbound implements TurnTarget {
  /** Octets that the peer may send on the connection. */
  window = DEFAULT_WINDOW_BYTES;
  /** Windows of new streams. */
  readonly initialWindow: number;
  readonly #fullWindow: number;
  readonly #parts: InboundParts;
  #uncredited = 0;
  /** Streams whose receivers go on at the end of the turn. */
  #due: H2Stream[] = [];

  constructor(parts: InboundParts) {
    this.#parts = parts;
    this.initialWindow = parts.options.initialStreamWindowSize;
    this.#fullWindow = parts.options.initialConnectionWindowSize;
  }

  /** Raises the connection's window from the default to what the options say. */
  open(): void {
    const increment = this.#fullWindow - this.window;
    if (increment <= 0) return;
    this.window += increment;
    this.#parts.writer.windowUpdate(0, increment);
  }

  /** DATA of `octets`, padding included, came; false: more than the connection's window. */
  take(octets: number): boolean {
    this.window -= octets;
    return this.window >= 0;
  }

  /** Octets that nobody will look at, of a stream or of none. */
  drop(octets: number): void {
    this.#uncredited += octets;
    if (this.#uncredited * 2 < this.#fullWindow) return;
    const increment = this.#uncredited;
    this.#uncredited = 0;
    this.window += increment;
    this.#parts.writer.windowUpdate(0, increment);
  }

  /** Octets that the stream's receiver took, or padding. */
  consume(stream: H2Stream, octets: number): void {
    if (stream.isPaused) {
      stream.withheld += octets;
      return;
    }
    this.drop(octets);
    stream.uncredited += octets;
    if (stream.uncredited * 2 < this.initialWindow || stream.isRemoteClosed) return;
    const increment = stream.uncredited;
    stream.uncredited = 0;
    stream.receiveWindow += increment;
    stream.wireBytesSent += this.#parts.writer.windowUpdate(stream.id, increment);
  }

  /** Hands content on, or keeps a copy while the receiver is paused. */
  deliver(stream: H2Stream, data: Buffer, isEnd: boolean): void {
    if (this.#mustWait(stream)) {
      if (stream.input === null) stream.input = new ByteQueue();
      stream.input.append(data, 0);
      if (isEnd) this.#parts.owner.noteDeferred(stream);
    } else {
      this.#hand(stream, data, isEnd);
    }
  }

  /** The stream's trailers came in `inputTrailers`; they are told behind what waits. */
  deliverTrailers(stream: H2Stream): void {
    const trailers = stream.inputTrailers;
    if (trailers === null) return;
    if (this.#mustWait(stream)) {
      this.#parts.owner.noteDeferred(stream);
      return;
    }
    stream.inputTrailers = null;
    stream.isEndDelivered = true;
    stream.receiver?.onTrailers(trailers);
    this.#parts.owner.onEndDelivered(stream);
  }

  /** A receiver goes on: at the end of the turn, so that it is not called back while it calls. */
  resume(stream: H2Stream): void {
    const octets = stream.withheld;
    stream.withheld = 0;
    if (octets > 0) this.consume(stream, octets);
    if (stream.isDeliveryDue || !this.#hasKept(stream)) return;
    stream.isDeliveryDue = true;
    this.#due.push(stream);
    if (this.#due.length === 1) this.#parts.services.flushLater(this);
  }

  /** The stream is over: its share of the connection's window is free. */
  forget(stream: H2Stream): void {
    const kept = stream.input === null ? 0 : stream.input.length;
    const octets = stream.withheld + kept;
    stream.withheld = 0;
    stream.input?.clear();
    stream.inputTrailers = null;
    if (octets > 0) this.drop(octets);
  }

  flush(): void {
    const due = this.#due;
    this.#due = [];
    for (const stream of due) {
      stream.isDeliveryDue = false;
      this.#deliverKept(stream);
    }
    this.#parts.owner.onDelivered();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    invariant(this.#uncredited >= 0, 'inbound: no credit is given twice');
    for (const stream of this.#due) {
      invariant(stream.isDeliveryDue, 'inbound: who is due knows it');
    }
  }

  #hand(stream: H2Stream, data: Buffer, isEnd: boolean): void {
    stream.isEndDelivered = isEnd;
    stream.receiver?.onData(data, isEnd);
    if (stream.owner === null) this.drop(data.length);
    else this.consume(stream, data.length);
    if (isEnd) this.#parts.owner.onEndDelivered(stream);
  }

  #mustWait(stream: H2Stream): boolean {
    return stream.isPaused || stream.isDeliveryDue || (stream.input?.length ?? 0) > 0;
  }

  #hasKept(stream: H2Stream): boolean {
    return (stream.input?.length ?? 0) > 0 || (stream.isRemoteClosed && !stream.isEndDelivered);
  }

  #deliverKept(stream: H2Stream): void {
    const { input } = stream;
    while (input !== null && input.length > 0 && !stream.isPaused && stream.owner !== null) {
      const data = input.peek(input.length);
      input.skip(data.length);
      const isAll = input.length === 0 && stream.isRemoteClosed && stream.inputTrailers === null;
      this.#hand(stream, data, isAll);
    }
    if (stream.owner === null || this.#mustWait(stream) || stream.isEndDelivered) return;
    if (stream.inputTrailers !== null) this.deliverTrailers(stream);
    else if (stream.isRemoteClosed) this.#hand(stream, NOTHING, true);
  }
}
