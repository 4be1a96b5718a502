// Writes frames. Everything small goes through one scratch buffer, header and payload in one piece;
// large DATA is written from where it lies.
import { latin1Slice, latin1Write } from '../../base/latin1.ts';
import type { ByteSink } from '../codec.ts';
import type { FloodGuard } from './flood-guard.ts';
import {
  DEFAULT_MAX_FRAME_BYTES,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  PREFACE,
} from './frame-types.ts';
import type { HeadEncoder } from './head-decoder.ts';

/** Up to here a frame leaves as text, which the sink joins; above, its octets are copied once. */
const TEXT_FRAME_BYTES = 2048;

/** Filled and handed to the sink within one call, so all connections share it. */
const scratch = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + DEFAULT_MAX_FRAME_BYTES);

/** One connection's outgoing frames. */
export class FrameWriter {
  readonly #sink: ByteSink;
  readonly #guard: FloodGuard;

  constructor(sink: ByteSink, guard: FloodGuard) {
    this.#sink = sink;
    this.#guard = guard;
  }

  preface(): void {
    this.#sink.writeText(latin1Slice(PREFACE, 0, PREFACE.length));
  }

  /** SETTINGS with `pairs` of identifier and value. */
  settings(pairs: readonly number[]): void {
    this.#guard.onFrameSent(true);
    header(FRAME.settings, 0, 0, pairs.length * 3);
    let at = FRAME_HEADER_BYTES;
    for (let index = 0; index < pairs.length; index += 2) {
      scratch.writeUInt16BE(pairs[index] as number, at);
      scratch.writeUInt32BE(pairs[index + 1] as number, at + 2);
      at += 6;
    }
    this.#flush(at);
  }

  settingsAck(): void {
    this.#guard.onFrameSent(true);
    header(FRAME.settings, FLAG.ack, 0, 0);
    this.#flush(FRAME_HEADER_BYTES);
  }

  /** PING with the eight octets at `data[at]`. */
  ping(data: Buffer, at: number, isAck: boolean): void {
    this.#guard.onFrameSent(true);
    header(FRAME.ping, isAck ? FLAG.ack : 0, 0, 8);
    data.copy(scratch, FRAME_HEADER_BYTES, at, at + 8);
    this.#flush(FRAME_HEADER_BYTES + 8);
  }

  /** GOAWAY; `text` tells the peer's operator why. */
  goaway(lastStreamId: number, code: number, text: string): void {
    this.#guard.onFrameSent(false);
    header(FRAME.goaway, 0, 0, 8 + text.length);
    scratch.writeUInt32BE(lastStreamId, FRAME_HEADER_BYTES);
    scratch.writeUInt32BE(code, FRAME_HEADER_BYTES + 4);
    latin1Write(scratch, text, FRAME_HEADER_BYTES + 8);
    this.#flush(FRAME_HEADER_BYTES + 8 + text.length);
  }

  /** RST_STREAM; gives its octets. */
  rstStream(streamId: number, code: number): number {
    this.#guard.onFrameSent(true);
    return this.#number(FRAME.rstStream, streamId, code);
  }

  /** WINDOW_UPDATE; `streamId` 0 is the connection. Gives its octets. */
  windowUpdate(streamId: number, increment: number): number {
    this.#guard.onFrameSent(false);
    return this.#number(FRAME.windowUpdate, streamId, increment);
  }

  /** HEADERS, and CONTINUATION as needed, with the block of `encoder`; gives their octets. */
  headers(streamId: number, encoder: HeadEncoder, endStream: boolean): number {
    const { buffer, length } = encoder;
    let type: number = FRAME.headers;
    let flags: number = endStream ? FLAG.endStream : 0;
    let octets = 0;
    let from = 0;
    do {
      // Every peer takes frames of the default size.
      const to = Math.min(length, from + DEFAULT_MAX_FRAME_BYTES);
      if (to === length) flags |= FLAG.endHeaders;
      this.#guard.onFrameSent(false);
      header(type, flags, streamId, to - from);
      buffer.copy(scratch, FRAME_HEADER_BYTES, from, to);
      this.#flush(FRAME_HEADER_BYTES + to - from);
      octets += FRAME_HEADER_BYTES + to - from;
      type = FRAME.continuation;
      flags = 0;
      from = to;
    } while (from < length);
    return octets;
  }

  /** DATA with all of `data`, which must fit into a frame; gives the octets of the frame. */
  data(streamId: number, data: Buffer, endStream: boolean): number {
    const { length } = data;
    this.#guard.onDataSent();
    header(FRAME.data, endStream ? FLAG.endStream : 0, streamId, length);
    if (length <= TEXT_FRAME_BYTES) {
      data.copy(scratch, FRAME_HEADER_BYTES);
      this.#flush(FRAME_HEADER_BYTES + length);
    } else {
      this.#flush(FRAME_HEADER_BYTES);
      this.#sink.writeBytes(data);
    }
    return FRAME_HEADER_BYTES + length;
  }

  #number(type: number, streamId: number, value: number): number {
    header(type, 0, streamId, 4);
    scratch.writeUInt32BE(value, FRAME_HEADER_BYTES);
    this.#flush(FRAME_HEADER_BYTES + 4);
    return FRAME_HEADER_BYTES + 4;
  }

  #flush(end: number): void {
    if (end <= TEXT_FRAME_BYTES) this.#sink.writeText(latin1Slice(scratch, 0, end));
    else this.#sink.writeBytes(scratch.subarray(0, end));
  }
}

function header(type: number, flags: number, streamId: number, length: number): void {
  scratch[0] = length >>> 16;
  scratch[1] = length >>> 8;
  scratch[2] = length;
  scratch[3] = type;
  scratch[4] = flags;
  scratch[5] = streamId >>> 24;
  scratch[6] = streamId >>> 16;
  scratch[7] = streamId >>> 8;
  scratch[8] = streamId;
}
