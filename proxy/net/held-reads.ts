// Octets that TLS had decrypted when its reader asked for a pause: unlike a socket it hands out all
// that it has. They wait here, no more than one read of the socket holds.
import { ByteQueue } from './byte-queue.ts';
import type { ConnectionHandler } from './connection.ts';
import type { EventLoop, Flushable } from './event-loop.ts';

/** Who reads. */
export interface HeldReader {
  /** Octets may be handed out. */
  readonly isReading: boolean;
  readonly handler: ConnectionHandler | null;
  /** Nothing waits any more: the socket may go on. */
  onHeldOut(): void;
}

/** Keeps order: while some wait, what arrives waits behind them. */
export class HeldReads implements Flushable {
  readonly #queue = new ByteQueue();
  readonly #loop: EventLoop;
  readonly #reader: HeldReader;
  #isQueued = false;
  #hasEnd = false;

  constructor(loop: EventLoop, reader: HeldReader) {
    this.#loop = loop;
    this.#reader = reader;
  }

  get isEmpty(): boolean {
    return this.#queue.bytes === 0 && !this.#hasEnd;
  }

  add(buffer: Buffer, length: number): void {
    this.#queue.addBytes(buffer.subarray(0, length));
  }

  /** The end comes behind what waits. */
  addEnd(): void {
    this.#hasEnd = true;
  }

  /** Hands out what waits, at the end of the turn, until the reader pauses again. */
  release(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#loop.flushLater(this);
  }

  flush(): void {
    this.#isQueued = false;
    while (this.#queue.bytes > 0 && this.#reader.isReading) {
      const { buffer, length } = this.#queue.take();
      this.#reader.handler?.onBytes(buffer, length);
    }
    if (this.#queue.bytes > 0 || !this.#reader.isReading) return;
    const hasEnd = this.#hasEnd;
    this.#hasEnd = false;
    if (hasEnd) this.#reader.handler?.onEnd();
    else this.#reader.onHeldOut();
  }

  discard(): void {
    this.#queue.discard();
    this.#hasEnd = false;
  }
}
