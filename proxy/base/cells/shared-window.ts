// What several processes count over the last moments: a ring of slots, each a tenth of the window.
// A slot holds its number and its count in one 64-bit cell, so that nobody has to clear it.

/** The last one is being filled: what is counted leaves after 0.9 to 1 window, as in Envoy. */
const SLOTS = 10;

/** Cells of a window in a region. */
export const WINDOW_INTS = 2 * SLOTS;

/** One slot's bits in both forms. Process-wide: each use is over before the next begins. */
const BITS = new BigInt64Array(1);
const HALVES = new Int32Array(BITS.buffer);
const COUNT = 0;
const PART = 1;

/** See the file's head. */
export class SharedWindow {
  #cells: BigInt64Array = new BigInt64Array(SLOTS);
  #first = 0;

  /**
   * Counts one. `nowMs` is of a monotonic clock that all processes share (SharedCells.nowMs);
   * `windowMs`, above 0, is the same in every process.
   */
  add(nowMs: number, windowMs: number): void {
    const part = partOf(nowMs, windowMs);
    const at = this.#first + (part % SLOTS);
    for (;;) {
      const found = Atomics.load(this.#cells, at);
      BITS[0] = found;
      HALVES[COUNT] = HALVES[PART] === (part | 0) ? (HALVES[COUNT] as number) + 1 : 1;
      HALVES[PART] = part;
      const next = BITS[0];
      if (Atomics.compareExchange(this.#cells, at, found, next) === found) return;
    }
  }

  /** What all processes counted in the window that ends now. */
  count(nowMs: number, windowMs: number): number {
    const part = partOf(nowMs, windowMs);
    let sum = 0;
    for (let slot = 0; slot < SLOTS; slot += 1) {
      BITS[0] = Atomics.load(this.#cells, this.#first + slot);
      // Others may be a little ahead.
      const age = Math.abs((part - (HALVES[PART] as number)) | 0);
      if (age < SLOTS) sum += HALVES[COUNT] as number;
    }
    return sum;
  }

  /** From now on it is the one in those cells; `first` is even. What was counted so far is forgotten. */
  bind(cells: Int32Array, first: number): void {
    this.#cells = new BigInt64Array(cells.buffer, cells.byteOffset, cells.length >> 1);
    this.#first = first / 2;
  }

  /** Back to an empty one of its own. */
  unbind(): void {
    this.#cells = new BigInt64Array(SLOTS);
    this.#first = 0;
  }
}

function partOf(nowMs: number, windowMs: number): number {
  return Math.floor((nowMs * SLOTS) / windowMs);
}
