// Streams that we reset: what the peer sent before it heard of that still arrives, and is no error.

/** Streams that are remembered at most; older ones are all taken for reset. */
const MAX_REMEMBERED = 1024;

/** Ids of streams reset by us. */
export class ResetMemory {
  readonly #ids = new Set<number>();
  /** The highest id that was forgotten. */
  #forgotten = 0;

  add(streamId: number): void {
    this.#ids.add(streamId);
    if (this.#ids.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      this.#forgotten = Math.max(this.#forgotten, oldest);
      return;
    }
  }

  /** The peer ended the stream itself: nothing may follow, whatever it knows of our reset. */
  remove(streamId: number): void {
    this.#ids.delete(streamId);
  }

  /** True for a stream that we reset; for very old ones it is assumed. */
  has(streamId: number): boolean {
    return streamId <= this.#forgotten || this.#ids.has(streamId);
  }
}
