// Writes blocks of octets to a descriptor in order and in the background: sonic-boom behind one
// class. A block that cannot be written is kept and tried again; the owner bounds what is queued.
import sonicBoom from 'sonic-boom';

/** Blocks queued behind each other are joined up to this size, so that one call writes many. */
const MAX_JOINED_BYTES = 256 * 1024;

/** sonic-boom in buffer mode, which its declarations leave out. */
interface BufferSonic {
  write(block: Buffer): boolean;
  flush(): void;
  end(): void;
  destroy(): void;
  on(event: 'write', listener: (bytes: number) => void): void;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): void;
  on(event: 'close', listener: () => void): void;
}

/** Told how writing goes. */
export interface BlockWriterHandler {
  /** Octets reached the descriptor. */
  onWritten(bytes: number): void;
  /** A write failed; its octets are still queued. */
  onWriteFailed(error: NodeJS.ErrnoException): void;
}

/** One open descriptor with what waits for it. */
export class BlockWriter {
  readonly #handler: BlockWriterHandler;
  readonly #sonic: BufferSonic;
  readonly #closed: Promise<void>;
  #pendingBytes = 0;
  #isEnding = false;
  #isClosed = false;

  constructor(descriptor: number, handler: BlockWriterHandler) {
    this.#handler = handler;
    this.#sonic = new sonicBoom.SonicBoom({
      fd: descriptor,
      contentMode: 'buffer',
      // 1 rather than 0: with 0 `flush` would not retry a failed block.
      minLength: 1,
      maxWrite: MAX_JOINED_BYTES,
      // A full pipe is tried again a little later, but not once we want to be gone.
      retryEAGAIN: () => !this.#isEnding,
    }) as unknown as BufferSonic;
    this.#sonic.on('write', (bytes) => this.#onWrite(bytes));
    this.#sonic.on('error', (error) => this.#onError(error));
    this.#closed = new Promise((resolve) => {
      this.#sonic.on('close', () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  /** Octets that were given to `write` and have not reached the descriptor. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Queues a block, which must not change any more. */
  write(block: Buffer): void {
    this.#pendingBytes += block.length;
    this.#sonic.write(block);
  }

  /** Tries again what failed before. */
  retry(): void {
    if (this.#pendingBytes > 0 && !this.#isEnding) this.#sonic.flush();
  }

  /** Writes what is queued if that works at once, then closes the descriptor. */
  end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#sonic.end();
    }
    return this.#closed;
  }

  #onWrite(bytes: number): void {
    this.#pendingBytes -= bytes;
    this.#handler.onWritten(bytes);
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return;
    this.#handler.onWriteFailed(error);
    if (!this.#isEnding) return;
    this.#isClosed = true;
    this.#sonic.destroy();
  }
}
