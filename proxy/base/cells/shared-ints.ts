// A block of plain 32-bit cells that several processes read and write: states, stamps, small counts.

/** What is written before it is bound stays in this process and is forgotten then. */
export class SharedInts {
  readonly size: number;
  #cells: Int32Array;
  #first = 0;

  /** `size` cells, all 0. */
  constructor(size: number) {
    this.size = size;
    this.#cells = new Int32Array(size);
  }

  get(index: number): number {
    return Atomics.load(this.#cells, this.#first + index);
  }

  set(index: number, value: number): void {
    Atomics.store(this.#cells, this.#first + index, value);
  }

  /** Returns the value before. */
  add(index: number, amount: number): number {
    return Atomics.add(this.#cells, this.#first + index, amount);
  }

  /** Sets `value` if the cell holds `expected`; returns what it held. */
  compareExchange(index: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.#cells, this.#first + index, expected, value);
  }

  /** From now on its cells are those from `first` on. */
  bind(cells: Int32Array, first: number): void {
    this.#cells = cells;
    this.#first = first;
  }

  /** Back to cells of its own, all 0. */
  unbind(): void {
    this.bind(new Int32Array(this.size), 0);
  }
}
