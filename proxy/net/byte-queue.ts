// Octets on their way from one end of an in-memory connection to the other.

/** Room of the first buffer, which small writes share: one message's head fits. */
const FIRST_BYTES = 2048;
/** Room of further ones while some wait. */
const SHARED_BYTES = 16 * 1024;

/** Octets in `buffer[0, length)`. */
interface Chunk {
  readonly buffer: Buffer;
  length: number;
}

/** Copies what it is given; small writes share a buffer. */
export class ByteQueue {
  /** Octets that wait. */
  bytes = 0;
  readonly #chunks: Chunk[] = [];

  addText(text: string): void {
    if (text.length === 0) return;
    const chunk = this.#room(text.length);
    chunk.length += chunk.buffer.write(text, chunk.length, 'latin1');
    this.bytes += text.length;
  }

  addBytes(data: Buffer): void {
    const chunk = this.#room(data.length);
    data.copy(chunk.buffer, chunk.length);
    chunk.length += data.length;
    this.bytes += data.length;
  }

  /** The oldest octets, which are the caller's from now on; only when some wait. */
  take(): { readonly buffer: Buffer; readonly length: number } {
    const chunk = this.#chunks.shift() as Chunk;
    this.bytes -= chunk.length;
    return chunk;
  }

  discard(): void {
    this.#chunks.length = 0;
    this.bytes = 0;
  }

  #room(needed: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.buffer.length - last.length >= needed) return last;
    const least = last === undefined ? FIRST_BYTES : SHARED_BYTES;
    const chunk = { buffer: Buffer.allocUnsafe(Math.max(needed, least)), length: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}
