// A field block on its way: HEADERS alone is decoded where it lies; one that goes on in
// CONTINUATION frames is collected, within limits (VU#421644).
import type { ProtocolError } from '../protocol-error.ts';
import { H2_ERROR } from './errors.ts';
import { DEFAULT_MAX_FRAME_BYTES } from './frame-types.ts';

/** CONTINUATION frames behind one HEADERS; more only where the limit of heads needs them. */
export const MAX_CONTINUATION_FRAMES = 8;

const NOTHING = Buffer.alloc(0);

/** The block that is being received on a connection; there is one at most. */
export class HeaderBlock {
  /** Its stream; 0: none is being received. */
  streamId = 0;
  /** The HEADERS frame had END_STREAM. */
  endStream = false;
  /** Octets of its frames, their headers included. */
  wireBytes = 0;
  /** The block so far: `buffer[0, length)`. */
  buffer: Buffer = NOTHING;
  length = 0;
  readonly #maxBytes: number;
  readonly #maxFrames: number;
  #frames = 0;

  /** `maxHeadBytes` is the limit of a decoded head. */
  constructor(maxHeadBytes: number) {
    // Huffman coding of unlucky octets makes a block larger than what it says, but not by far.
    this.#maxBytes = 2 * maxHeadBytes + DEFAULT_MAX_FRAME_BYTES;
    const needed = Math.ceil(maxHeadBytes / DEFAULT_MAX_FRAME_BYTES) + 1;
    this.#maxFrames = Math.max(MAX_CONTINUATION_FRAMES, needed);
  }

  /** HEADERS without END_HEADERS. */
  begin(streamId: number, endStream: boolean, wireBytes: number): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.wireBytes = wireBytes;
    this.length = 0;
    this.#frames = 0;
  }

  /** A CONTINUATION frame of `wireBytes` came. */
  onContinuation(wireBytes: number): ProtocolError | null {
    this.wireBytes += wireBytes;
    this.#frames += 1;
    return this.#frames > this.#maxFrames ? H2_ERROR.continuations : null;
  }

  /** Adds a fragment; the error: the block is too large to be a head within the limits. */
  append(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const length = this.length + end - start;
    if (length > this.#maxBytes) return H2_ERROR.blockSize;
    if (length > this.buffer.length) {
      const size = Math.min(this.#maxBytes, Math.max(length, 2 * this.buffer.length));
      const grown = Buffer.allocUnsafeSlow(size);
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    buffer.copy(this.buffer, this.length, start, end);
    this.length = length;
    return null;
  }

  /** The block is complete and decoded, or the connection is. */
  clear(): void {
    this.streamId = 0;
    this.length = 0;
    this.buffer = NOTHING;
  }
}
