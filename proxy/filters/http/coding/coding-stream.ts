// Runs octets through one of node:zlib's streams: one piece at work at a time, the others wait and
// go as one. Compressing is done by threads of the system, so that one stream's content stops
// nobody else; the price is that everything comes later.
import type { Transform } from 'node:stream';

/** Octets that may wait before whoever sends is held back. */
const MAX_WAITING_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Gets what comes out, later, and never inside a call. */
export interface CodingOwner {
  /** Octets in order, nobody else's. `given`: those that made them and were not counted yet. */
  onCoded(data: Buffer): void;
  /** All octets are out: `end` was called and nothing follows. */
  onCodingEnd(): void;
  /** The content is not what it claims to be; nothing follows. */
  onCodingError(error: NodeJS.ErrnoException): void;
  /** Less waits than before: more may come. */
  onCodingReady(): void;
}

/** One body. */
export class CodingStream {
  readonly #stream: Transform;
  readonly #owner: CodingOwner;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isAtWork = false;
  #hasEnd = false;
  #isClosed = false;
  /** Octets in and out of the piece that is at work. */
  #pieceIn = 0;
  #pieceOut = 0;
  readonly #onWritten = (): void => this.#next();

  constructor(stream: Transform, owner: CodingOwner) {
    this.#stream = stream;
    this.#owner = owner;
    stream.on('data', (data: Buffer) => this.#onData(data));
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error) => this.#onError(error));
  }

  /** Better wait for `onCodingReady` before more comes. */
  get isFull(): boolean {
    return this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  /** Octets that came out of the piece at hand for each that went in. */
  get ratio(): number {
    return this.#pieceIn === 0 ? 0 : this.#pieceOut / this.#pieceIn;
  }

  /** Takes `data`, which is borrowed. */
  push(data: Buffer): void {
    if (this.#isClosed || data.length === 0) return;
    this.#waiting.push(Buffer.from(data));
    this.#waitingBytes += data.length;
    if (!this.#isAtWork) this.#next();
  }

  /** Nothing follows. */
  end(): void {
    if (this.#isClosed || this.#hasEnd) return;
    this.#hasEnd = true;
    if (!this.#isAtWork) this.#next();
  }

  /** Whoever takes the octets is slow: what comes out waits in the stream, a little of it. */
  pause(): void {
    if (!this.#isClosed) this.#stream.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#stream.resume();
  }

  /** Frees what the stream has; the owner hears nothing more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#stream.destroy();
  }

  /** What waits goes to work. */
  #next(): void {
    this.#isAtWork = false;
    if (this.#isClosed) return;
    const wasFull = this.isFull;
    const piece = this.#takeWaiting();
    if (piece.length > 0 || this.#hasEnd) {
      this.#isAtWork = true;
      this.#pieceIn = piece.length;
      this.#pieceOut = 0;
      if (this.#hasEnd) this.#stream.end(piece);
      else this.#stream.write(piece, this.#onWritten);
    }
    if (wasFull) this.#owner.onCodingReady();
  }

  #takeWaiting(): Buffer {
    const waiting = this.#waiting;
    const only = waiting.length === 1 ? waiting[0] : undefined;
    const piece = waiting.length === 0 ? NOTHING : (only ?? Buffer.concat(waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
    return piece;
  }

  #onData(data: Buffer): void {
    if (this.#isClosed) return;
    this.#pieceOut += data.length;
    this.#owner.onCoded(data);
  }

  #onEnd(): void {
    if (this.#isClosed) return;
    this.close();
    this.#owner.onCodingEnd();
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return;
    this.close();
    this.#owner.onCodingError(error);
  }
}
