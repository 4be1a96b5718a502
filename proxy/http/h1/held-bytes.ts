// Bytes that a client sent behind a request that is not answered yet: kept in a copy, in order,
// until their turn comes. Reading is paused meanwhile, so that this is one read, seldom two.

/** More than this arriving in spite of a paused reader is an attack or a broken transport. */
export const MAX_HELD_BYTES = 1024 * 1024;

/** A queue of bytes with one owner. */
export class HeldBytes {
  buffer: Buffer = NOTHING;
  start = 0;
  end = 0;

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  /** Appends a copy of `buffer[from, end)`; false when that is too much. */
  append(buffer: Buffer, from: number, end: number): boolean {
    const kept = this.end - this.start;
    const total = kept + end - from;
    if (total > MAX_HELD_BYTES) return false;
    const grown = Buffer.allocUnsafeSlow(total);
    this.buffer.copy(grown, 0, this.start, this.end);
    buffer.copy(grown, kept, from, end);
    this.buffer = grown;
    this.start = 0;
    this.end = total;
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    this.buffer = NOTHING;
    this.start = 0;
    this.end = 0;
  }
}

const NOTHING = Buffer.alloc(0);
