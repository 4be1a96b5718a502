// Earliest deadline first: whoever is taken comes back 1/weight later, so that over time each gets
// its share and heavy ones are spread evenly instead of in runs. A binary heap in flat arrays.

/** Schedules the numbers 0 to count - 1. Allocates nothing after it was made. */
export class EdfSchedule {
  /** Heap of items; the arrays below are indexed by item. */
  readonly #heap: Int32Array;
  readonly #deadline: Float64Array;
  /** Breaks ties: who was put in first is taken first. */
  readonly #order: Float64Array;
  #nextOrder: number;
  #now = 0;

  /** `weightOf` gives the first weight of each item, above 0. `count` is at least 1. */
  constructor(count: number, weightOf: (item: number) => number) {
    this.#heap = new Int32Array(count);
    this.#deadline = new Float64Array(count);
    this.#order = new Float64Array(count);
    this.#nextOrder = count;
    for (let item = 0; item < count; item += 1) {
      this.#heap[item] = item;
      this.#deadline[item] = 1 / weightOf(item);
      this.#order[item] = item;
    }
    for (let slot = (count >> 1) - 1; slot >= 0; slot -= 1) this.#sink(slot);
  }

  /** The item whose turn it is; it stays first until `postpone` is called. */
  first(): number {
    return this.#heap[0] as number;
  }

  /** Puts the first item behind, to come again in 1/weight; weight above 0. */
  postpone(weight: number): void {
    const item = this.first();
    this.#now = this.#deadline[item] as number;
    this.#deadline[item] = this.#now + 1 / weight;
    this.#order[item] = this.#nextOrder;
    this.#nextOrder += 1;
    this.#sink(0);
  }

  #sink(start: number): void {
    const heap = this.#heap;
    const item = heap[start] as number;
    let slot = start;
    for (;;) {
      let child = slot * 2 + 1;
      if (child >= heap.length) break;
      if (
        child + 1 < heap.length &&
        this.#isBefore(heap[child + 1] as number, heap[child] as number)
      ) {
        child += 1;
      }
      if (this.#isBefore(item, heap[child] as number)) break;
      heap[slot] = heap[child] as number;
      slot = child;
    }
    heap[slot] = item;
  }

  #isBefore(left: number, right: number): boolean {
    const leftDeadline = this.#deadline[left] as number;
    const rightDeadline = this.#deadline[right] as number;
    if (leftDeadline !== rightDeadline) return leftDeadline < rightDeadline;
    return (this.#order[left] as number) < (this.#order[right] as number);
  }
}

/** True when all hosts weigh the same: the simple form of a policy will do. */
export function haveEqualWeights(weights: readonly number[]): boolean {
  return weights.every((weight) => weight === weights[0]);
}
