// The sending half of an HTTP/2 connection: DATA as the peer's windows and the sink allow. What
// does not go out at once is copied and waits with its stream; streams that could go on take turns,
// a frame each.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import { Timer } from '../../base/timer-wheel.ts';
import { ByteQueue } from './byte-queue.ts';
import type { FloodGuard } from './flood-guard.ts';
import { DEFAULT_MAX_FRAME_BYTES, DEFAULT_WINDOW_BYTES, MAX_31_BITS } from './frame-types.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { HeadEncoder } from './head-decoder.ts';
import type { H2Io } from './io.ts';
import type { H2Stream } from './stream.ts';
import { StreamRing } from './stream-ring.ts';

/** DATA frames are not larger, even if the peer takes larger ones: others are to have their turn. */
const MAX_DATA_BYTES = 64 * 1024;

/** Told that a stream's message has left. */
export interface OutboundOwner {
  /** END_STREAM was written. */
  onLocalEnd(stream: H2Stream): void;
}

/** What an outbound half works with. */
export interface OutboundParts {
  readonly io: H2Io;
  readonly writer: FrameWriter;
  readonly guard: FloodGuard;
  readonly encoder: HeadEncoder;
  readonly owner: OutboundOwner;
  /** Ms that a complete message waits without progress; 0: for ever. */
  readonly flushTimeoutMs: number;
}

/** See the file's head. One a connection. */
export class Outbound {
  /** Octets that the peer lets the connection send. */
  window = DEFAULT_WINDOW_BYTES;
  /** Windows of new streams: the peer's SETTINGS_INITIAL_WINDOW_SIZE. */
  initialWindow = DEFAULT_WINDOW_BYTES;
  /** Octets that wait, over all streams. */
  pendingBytes = 0;
  #maxDataBytes = DEFAULT_MAX_FRAME_BYTES;
  readonly #parts: OutboundParts;
  /** Streams with content that their own windows have room for. */
  readonly #ready = new StreamRing();
  /** Streams without content that wait for the sink. */
  readonly #waiting = new StreamRing();

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  setMaxFrameBytes(octets: number): void {
    this.#maxDataBytes = Math.min(octets, MAX_DATA_BYTES);
  }

  /** Sends content, or queues a copy of what cannot leave now; see StreamSender.sendData. */
  sendData(stream: H2Stream, data: Buffer, endStream: boolean): boolean {
    const hasContent = data.length > 0;
    const isQueued = stream.pendingBytes > 0 || (hasContent && this.#ready.first !== null);
    const sent = isQueued ? 0 : this.#sendNow(stream, data, endStream);
    if (isQueued || sent < data.length) {
      this.#queue(stream, data, sent);
      return false;
    }
    return endStream || this.#mayGoOn(stream);
  }

  /** Sends trailers, behind what waits. */
  sendTrailers(stream: H2Stream): void {
    if (stream.pendingBytes === 0) this.#writeTrailers(stream);
    else this.#watch(stream);
  }

  /** The peer gave the connection room; false: more than a window can be. */
  grow(increment: number): boolean {
    this.window += increment;
    return this.window <= MAX_31_BITS;
  }

  /** The peer gave a stream room; false: more than a window can be. */
  growStream(stream: H2Stream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_31_BITS) return false;
    if (stream.pendingBytes === 0) return true;
    // SETTINGS may take back what was given.
    if (stream.sendWindow > 0) this.#ready.add(stream);
    else stream.ring?.remove(stream);
    return true;
  }

  /** Sends what has room now, and tells streams that may go on. */
  pump(): void {
    const { sink } = this.#parts.io;
    while (this.window > 0 && this.#ready.first !== null && sink.isWritable()) {
      this.#sendFrame(this.#ready.first);
    }
    while (this.#waiting.first !== null && sink.isWritable()) this.#wake(this.#waiting.first);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Drops what waits for a stream that is over. */
  forget(stream: H2Stream): void {
    stream.ring?.remove(stream);
    stream.outputTrailers = null;
    if (stream.flushTimer !== null) this.#parts.io.services.timers.cancel(stream.flushTimer);
    if (stream.output === null) return;
    this.#countPending(-stream.output.length);
    stream.output.clear();
  }

  checkInvariants(): void {
    invariant(this.pendingBytes >= 0, 'outbound: nothing is sent twice');
    for (const ring of [this.#ready, this.#waiting]) {
      const { first } = ring;
      if (first === null) continue;
      const isReady = first.pendingBytes > 0 && first.sendWindow > 0;
      invariant(isReady === (ring === this.#ready), 'outbound: who has content and room is ready');
    }
  }

  /** Octets of `data` that were written. */
  #sendNow(stream: H2Stream, data: Buffer, endStream: boolean): number {
    const { sink } = this.#parts.io;
    const { length } = data;
    if (length === 0) {
      if (endStream) this.#writeData(stream, data, true);
      return 0;
    }
    let at = 0;
    while (at < length && sink.isWritable()) {
      const room = Math.min(this.window, stream.sendWindow, this.#maxDataBytes);
      if (room <= 0) break;
      const to = Math.min(length, at + room);
      const isWhole = at === 0 && to === length;
      this.#writeData(stream, isWhole ? data : data.subarray(at, to), endStream && to === length);
      at = to;
    }
    return at;
  }

  #writeData(stream: H2Stream, data: Buffer, isLast: boolean): void {
    this.window -= data.length;
    stream.sendWindow -= data.length;
    stream.wireBytesSent += this.#parts.writer.data(stream.id, data, isLast);
    if (isLast) this.#end(stream);
  }

  #writeTrailers(stream: H2Stream): void {
    const { encoder, writer } = this.#parts;
    const trailers = stream.outputTrailers;
    if (trailers === null) return;
    stream.outputTrailers = null;
    encoder.encodeTrailers(trailers);
    const octets = writer.headers(stream.id, encoder, true);
    stream.wireBytesSent += octets;
    stream.headerBytesSent += octets;
    this.#end(stream);
  }

  #end(stream: H2Stream): void {
    stream.ring?.remove(stream);
    if (stream.flushTimer !== null) this.#parts.io.services.timers.cancel(stream.flushTimer);
    stream.closeLocal();
    this.#parts.owner.onLocalEnd(stream);
  }

  #queue(stream: H2Stream, data: Buffer, from: number): void {
    if (stream.output === null) stream.output = new ByteQueue();
    stream.output.append(data, from);
    this.#countPending(data.length - from);
    if (stream.sendWindow > 0) this.#ready.add(stream);
    else stream.ring?.remove(stream);
    if (stream.isEnded) this.#watch(stream);
    if (INVARIANTS) stream.checkInvariants();
  }

  #mayGoOn(stream: H2Stream): boolean {
    if (this.#parts.io.sink.isWritable()) return true;
    this.#parts.guard.showBacklog();
    this.#waiting.add(stream);
    return false;
  }

  #sendFrame(stream: H2Stream): void {
    const output = stream.output as ByteQueue;
    const room = Math.min(this.window, stream.sendWindow, this.#maxDataBytes);
    const data = output.peek(room);
    const isLast =
      data.length === output.length && stream.isEnded && stream.outputTrailers === null;
    // Out of the queue first: the end of a stream may end everything.
    this.#ready.remove(stream);
    this.#countPending(-data.length);
    output.skip(data.length);
    this.#writeData(stream, data, isLast);
    if (isLast) return;
    if (output.length > 0) {
      if (stream.sendWindow > 0) this.#ready.add(stream);
      if (stream.isEnded) this.#watch(stream);
    } else if (stream.isEnded) {
      this.#writeTrailers(stream);
    } else {
      this.#waiting.add(stream);
    }
  }

  #wake(stream: H2Stream): void {
    this.#waiting.remove(stream);
    stream.receiver?.onWritable();
  }

  /** A message that is complete waits for the peer: not for ever. */
  #watch(stream: H2Stream): void {
    const { flushTimeoutMs, io } = this.#parts;
    if (flushTimeoutMs === 0) return;
    if (stream.flushTimer === null) stream.flushTimer = new Timer(stream);
    io.services.timers.arm(stream.flushTimer, io.services.nowMs(), flushTimeoutMs);
  }

  #countPending(octets: number): void {
    this.pendingBytes += octets;
    const { pendingSendBytes } = this.#parts.io.counters;
    if (octets > 0) pendingSendBytes.add(octets);
    else if (octets < 0) pendingSendBytes.sub(-octets);
  }
}
