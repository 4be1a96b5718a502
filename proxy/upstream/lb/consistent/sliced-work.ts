// Work that takes too long to be done at one go while connections wait: it is done in slices, and
// whoever ordered it goes on with what there was before.

/** Something large that is made little by little. */
export interface SlicedWork<T> {
  /** Does some `amount` of single operations; null: there is more to do. */
  advance(amount: number): T | null;
}

/** Runs a task in a later turn of the event loop. */
export type Later = (task: () => void) => void;

/** Operations of one slice: some 2 ms of a slow core, as one of them takes up to 500 ns. */
const SLICE = 4096;

/** All of it, now. */
export function finish<T>(work: SlicedWork<T>): T {
  for (;;) {
    const made = work.advance(Number.MAX_SAFE_INTEGER);
    if (made !== null) return made;
  }
}

/** One slice a turn, until it is made or `isWanted` says no. */
export function finishInSlices<T>(
  work: SlicedWork<T>,
  later: Later,
  hooks: { isWanted(): boolean; onMade(made: T): void },
): void {
  later(() => {
    if (!hooks.isWanted()) return;
    const made = work.advance(SLICE);
    if (made === null) finishInSlices(work, later, hooks);
    else hooks.onMade(made);
  });
}
