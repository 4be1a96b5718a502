// What a connection sent before its terminal filter had it. Grows by doubling: octets that arrive one
// by one are not copied each time.

/** Room for most first packets. */
const MIN_BYTES = 2048;
const NO_OCTETS = Buffer.alloc(0);

/** One connection's. */
export class FirstOctets {
  #buffer: Buffer = NO_OCTETS;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies what arrived behind the rest. */
  add(buffer: Buffer, length: number): void {
    const needed = this.#length + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length, MIN_BYTES));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    buffer.copy(this.#buffer, this.#length, 0, length);
    this.#length = needed;
  }

  /** From an offset on; borrowed until the next call. */
  from(offset: number): Buffer {
    return this.#buffer.subarray(offset, this.#length);
  }

  /** The same for good: nothing is left. */
  takeFrom(offset: number): Buffer {
    const octets = this.from(offset);
    this.#buffer = NO_OCTETS;
    this.#length = 0;
    return octets;
  }
}
