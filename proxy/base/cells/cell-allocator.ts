// Hands out ranges of numbers below a bound. Sizes are rounded up to powers of two, so that what one
// user gave back fits the next.

/** Places that are free are found in constant time. */
export class CellAllocator {
  readonly #capacity: number;
  readonly #smallest: number;
  #next = 0;
  /** First numbers of ranges that were given back, by rounded size. */
  readonly #free = new Map<number, number[]>();

  /** `smallest` is a power of two: every range begins at a multiple of it. */
  constructor(capacity: number, smallest: number) {
    this.#capacity = capacity;
    this.#smallest = smallest;
  }

  /** The first number of a range of `size`; -1: there is no room. */
  take(size: number): number {
    const rounded = this.#rounded(size);
    const known = this.#free.get(rounded)?.pop();
    if (known !== undefined) return known;
    if (this.#next + rounded > this.#capacity) return -1;
    const first = this.#next;
    this.#next += rounded;
    return first;
  }

  /** The range is free again. */
  giveBack(first: number, size: number): void {
    const rounded = this.#rounded(size);
    const list = this.#free.get(rounded);
    if (list === undefined) this.#free.set(rounded, [first]);
    else list.push(first);
  }

  #rounded(size: number): number {
    let rounded = this.#smallest;
    while (rounded < size) rounded *= 2;
    return rounded;
  }
}
