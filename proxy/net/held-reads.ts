// Octets that TLS had decrypted when its reader asked for a pause: unlike a socket it hands out all
// that it has. They wait here, no more than one read of the socket holds.
import { ByteQueue } from './byte-queue.ts';
import type { EventLoop, Flushable } from './event-loop.ts';

/** Who reads. */
export interface HeldReader {
  /** Octets may be handed out. */
  readonly isReading: boolean;
  onHeldBytes(buffer: Buffer, length: number): void;
  /** Nothing waits any more. */
  onHeldOut(): void;
}

/** Keeps order: while some wait, what arrives waits behind them. */
export class HeldReads implements Flushable {
  readonly #queue = new ByteQueue();
  readonly #loop: EventLoop;
  readonly #reader: HeldReader;
  #isQueued = false;

  constructor(loop: EventLoop, reader: HeldReader) {
    this.#loop = loop;
    this.#reader = reader;
  }

  get isEmpty(): boolean {
    return this.#queue.bytes === 0;
  }

  add(buffer: Buffer, length: number): void {
    this.#queue.addBytes(buffer.subarray(0, length));
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
      this.#reader.onHeldBytes(buffer, length);
    }
    if (this.isEmpty && this.#reader.isReading) this.#reader.onHeldOut();
  }

  discard(): void {
    this.#queue.discard();
  }
}
