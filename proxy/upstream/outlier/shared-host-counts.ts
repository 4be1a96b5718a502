// What all workers count of one host, in cells that they share with the primary. Every change is one
// atomic step: of failures in a row each worker sees another number, so that exactly one of them sees
// the last that is allowed.
import type { SharedInts } from '../../base/cells/shared-ints.ts';
import type { HostCounts, Origin, Streak } from './host-counts.ts';

/** Cells of one host. */
export const HOST_COUNT_CELLS = 8;

const STREAK: Readonly<Record<Streak, number>> = {
  '5xx': 0,
  gateway: 1,
  'local-origin': 2,
  degraded: 3,
};
/** Since the primary last took them. A request changes one of the two: no total can lag behind. */
const SUCCESSES: Readonly<Record<Origin, number>> = { external: 4, local: 6 };
const FAILURES: Readonly<Record<Origin, number>> = { external: 5, local: 7 };

/** Key of a host's cells. Clusters of the same name, as one replaces the other, count together. */
export function hostCountsKey(cluster: string, address: string): string {
  return `cluster/${cluster}/outlier/${address}`;
}

/** See the file's head. */
export class SharedHostCounts implements HostCounts {
  readonly #cells: SharedInts;

  /** Of `HOST_COUNT_CELLS` cells. */
  constructor(cells: SharedInts) {
    this.#cells = cells;
  }

  succeed(origin: Origin): void {
    this.#cells.add(SUCCESSES[origin], 1);
  }

  fail(origin: Origin): void {
    this.#cells.add(FAILURES[origin], 1);
  }

  /** One more in a row; how many there are now. */
  lengthen(streak: Streak): number {
    return this.#cells.add(STREAK[streak], 1) + 1;
  }

  resetStreak(streak: Streak): void {
    const cell = STREAK[streak];
    // Nearly always it is 0 already, and who only reads does not take the line from the others.
    if (this.#cells.get(cell) !== 0) this.#cells.set(cell, 0);
  }

  take(origin: Origin): { readonly total: number; readonly success: number } {
    const success = this.#take(SUCCESSES[origin]);
    return { total: success + this.#take(FAILURES[origin]), success };
  }

  #take(cell: number): number {
    const value = this.#cells.get(cell);
    // What is added meanwhile stays for the next time.
    this.#cells.add(cell, -value);
    return value;
  }
}
