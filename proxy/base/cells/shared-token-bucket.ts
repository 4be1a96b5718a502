// A token bucket that several processes draw from, filled continuously as in Envoy: one 64-bit cell
// holds the time at which the bucket would have been empty. Nobody has to fill it.

/** How a bucket fills; the same in every process. */
export interface BucketRate {
  readonly maxTokens: number;
  /** Above 0; fractions are whole tokens after a while. */
  readonly tokensPerMs: number;
}

/** Cells of a bucket in a region. */
export const BUCKET_INTS = 2;

/** One number's bits in both forms. Process-wide: each use is over before the next begins. */
const NUMBER = new Float64Array(1);
const BITS = new BigInt64Array(NUMBER.buffer);

/** All 0 bits: nothing was ever drawn. */
const UNTOUCHED = 0n;

/** See the file's head. A new one is full. */
export class SharedTokenBucket {
  #cells: BigInt64Array = new BigInt64Array(1);
  #at = 0;

  /**
   * Draws `tokens`; false, and nothing drawn, when there are fewer. `nowMs` is of a monotonic clock
   * that all processes share (SharedCells.nowMs).
   */
  consume(tokens: number, nowMs: number, rate: BucketRate): boolean {
    for (;;) {
      const bits = Atomics.load(this.#cells, this.#at);
      const available = tokensOf(bits, nowMs, rate);
      if (available < tokens) return false;
      const next = bitsOf(nowMs - (available - tokens) / rate.tokensPerMs);
      if (Atomics.compareExchange(this.#cells, this.#at, bits, next) === bits) return true;
    }
  }

  /** Tokens that are in it now, fractions included. */
  available(nowMs: number, rate: BucketRate): number {
    return tokensOf(Atomics.load(this.#cells, this.#at), nowMs, rate);
  }

  /** Full again, in every process. */
  refill(): void {
    Atomics.store(this.#cells, this.#at, UNTOUCHED);
  }

  /** From now on it is the one in those cells; `first` is even. What was drawn so far is forgotten. */
  bind(cells: Int32Array, first: number): void {
    this.#cells = new BigInt64Array(cells.buffer, cells.byteOffset, cells.length >> 1);
    this.#at = first / BUCKET_INTS;
  }

  /** Back to a full one of its own. */
  unbind(): void {
    this.#cells = new BigInt64Array(1);
    this.#at = 0;
  }
}

function tokensOf(bits: bigint, nowMs: number, { maxTokens, tokensPerMs }: BucketRate): number {
  if (bits === UNTOUCHED) return maxTokens;
  BITS[0] = bits;
  return Math.min(maxTokens, Math.max(0, (nowMs - (NUMBER[0] as number)) * tokensPerMs));
}

function bitsOf(emptyMs: number): bigint {
  // All 0 bits say something else: the same moment with the sign bit set does not.
  NUMBER[0] = emptyMs === 0 ? -0 : emptyMs;
  return BITS[0] as bigint;
}
