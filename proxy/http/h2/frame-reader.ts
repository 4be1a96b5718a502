// Cuts a connection's octets into frames. Frames are handed on where they lie in the read buffer;
// only one that a read has cut is copied, except DATA, whose content is handed on piece by piece.
import type { ProtocolError } from '../protocol-error.ts';
import { H2_ERROR } from './errors.ts';
import { DEFAULT_MAX_FRAME_BYTES, FLAG, FRAME, FRAME_HEADER_BYTES } from './frame-types.ts';

/** Told what a reader found; `reader` holds the header of the current frame. */
export interface FrameHandler {
  /** A frame begins; an error ends the reading. */
  onFrameStart(): ProtocolError | null;
  /** The whole payload of a frame that is not DATA, in `buffer[start, end)`. */
  onFrame(buffer: Buffer, start: number, end: number): ProtocolError | null;
  /** Content of a DATA frame; `isLast`: none follows in this frame. Called at least once a frame. */
  onDataPart(buffer: Buffer, start: number, end: number, isLast: boolean): ProtocolError | null;
}

const PHASE = Object.freeze({ header: 0, payload: 1, skip: 2, padLength: 3, data: 4 } as const);
type Phase = (typeof PHASE)[keyof typeof PHASE];

const NOTHING = Buffer.alloc(0);

/** See the file's head. One a connection. */
export class FrameReader {
  /** Header of the current frame. */
  type = 0;
  flags = 0;
  streamId = 0;
  length = 0;
  /** Of a DATA frame: octets of padding, the length octet included; known at its first part. */
  padding = 0;
  /** True once nothing more is to be read: an error, or the owner gave up. */
  isStopped = false;
  error: ProtocolError | null = null;
  readonly #handler: FrameHandler;
  #phase: Phase = PHASE.header;
  /** Octets of the current frame that have not come; of DATA, those of content. */
  #left = 0;
  readonly #header = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #held: Buffer = NOTHING;
  #heldLength = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Octets that are kept for a frame that is not complete. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  /** Reads `buffer[from, end)`; stops at the first error. */
  read(buffer: Buffer, from: number, end: number): void {
    let at = from;
    while (at < end && !this.isStopped) at = this.#step(buffer, at, end);
  }

  /** Forgets what is held and reads nothing more. */
  stop(): void {
    this.isStopped = true;
    this.#held = NOTHING;
    this.#heldLength = 0;
  }

  #step(buffer: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case PHASE.header:
        return this.#readHeader(buffer, at, end);
      case PHASE.payload:
        return this.#readPayload(buffer, at, end);
      case PHASE.data:
        return this.#readData(buffer, at, end);
      case PHASE.padLength:
        return this.#readPadLength(buffer, at);
      default:
        return this.#skip(at, end);
    }
  }

  #readHeader(buffer: Buffer, at: number, end: number): number {
    if (this.#headerLength === 0 && end - at >= FRAME_HEADER_BYTES) {
      this.#begin(buffer, at);
      return at + FRAME_HEADER_BYTES;
    }
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerLength, end - at);
    buffer.copy(this.#header, this.#headerLength, at, at + taken);
    this.#headerLength += taken;
    if (this.#headerLength === FRAME_HEADER_BYTES) {
      this.#headerLength = 0;
      this.#begin(this.#header, 0);
    }
    return at + taken;
  }

  #begin(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.length = length;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    // RFC 9113 §4.1: the highest bit is ignored.
    this.streamId =
      ((bytes[at + 5]! & 0x7f) << 24) |
      (bytes[at + 6]! << 16) |
      (bytes[at + 7]! << 8) |
      bytes[at + 8]!;
    this.#left = length;
    this.padding = 0;
    if (length > DEFAULT_MAX_FRAME_BYTES) this.#fail(H2_ERROR.frameSize);
    else if (this.#judge(this.#handler.onFrameStart())) this.#enterPayload();
  }

  #enterPayload(): void {
    if (this.type === FRAME.data) this.#enterData();
    else if (this.type > FRAME.continuation)
      this.#phase = this.length > 0 ? PHASE.skip : PHASE.header;
    else if (this.length > 0) this.#phase = PHASE.payload;
    else this.#judge(this.#handler.onFrame(NOTHING, 0, 0));
  }

  #enterData(): void {
    if ((this.flags & FLAG.padded) === 0) {
      this.#phase = PHASE.data;
      if (this.length === 0) this.#emit(NOTHING, 0, 0);
    } else if (this.length === 0) {
      this.#fail(H2_ERROR.fixedSize);
    } else {
      this.#phase = PHASE.padLength;
    }
  }

  #readPadLength(buffer: Buffer, at: number): number {
    const padding = buffer[at]! + 1;
    if (padding > this.length) {
      this.#fail(H2_ERROR.padding);
      return at;
    }
    this.padding = padding;
    this.#left = this.length - padding;
    this.#phase = PHASE.data;
    if (this.#left === 0) this.#emit(NOTHING, 0, 0);
    return at + 1;
  }

  #readData(buffer: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    this.#emit(buffer, at, to);
    return to;
  }

  #emit(buffer: Buffer, start: number, end: number): void {
    const isLast = this.#left === 0;
    if (isLast) {
      // The padding itself follows; its length octet has been read.
      this.#left = Math.max(0, this.padding - 1);
      this.#phase = this.#left > 0 ? PHASE.skip : PHASE.header;
    }
    this.#judge(this.#handler.onDataPart(buffer, start, end, isLast));
  }

  #readPayload(buffer: Buffer, at: number, end: number): number {
    if (this.#heldLength === 0 && end - at >= this.length) {
      this.#phase = PHASE.header;
      this.#judge(this.#handler.onFrame(buffer, at, at + this.length));
      return at + this.length;
    }
    const to = Math.min(end, at + this.#left);
    this.#hold(buffer, at, to);
    this.#left -= to - at;
    if (this.#left > 0) return to;
    this.#phase = PHASE.header;
    const held = this.#held;
    this.#heldLength = 0;
    this.#judge(this.#handler.onFrame(held, 0, this.length));
    // A quiet connection keeps no memory for a frame that was large once.
    if (held.length > 1024) this.#held = NOTHING;
    return to;
  }

  #hold(buffer: Buffer, from: number, to: number): void {
    if (this.#held.length < this.length) {
      const grown = Buffer.allocUnsafeSlow(this.length);
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    buffer.copy(this.#held, this.#heldLength, from, to);
    this.#heldLength += to - from;
  }

  #skip(at: number, end: number): number {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    if (this.#left === 0) this.#phase = PHASE.header;
    return to;
  }

  #judge(error: ProtocolError | null): boolean {
    if (error !== null) this.#fail(error);
    return !this.isStopped;
  }

  #fail(error: ProtocolError): void {
    this.error = error;
    this.stop();
  }
}
