// What a gradient controller knows, in cells that all workers share: one limit holds for all of them,
// and whoever notices first that a window is over closes it for all. All cells 0: not begun.
import type { SharedInts } from '../../../base/cells/shared-ints.ts';
import { bucketIndex } from '../../../stats/histogram.ts';

/** By place in the block. Stamps are the low 32 bits of monotonic ms. */
export const CELL = {
  /** How many requests may be in flight; 0: not begun. */
  limit: 0,
  /** The limit to go back to; 0: nothing is measured now. */
  deferredLimit: 1,
  minRttUs: 2,
  sampleRttUs: 3,
  /** Gradient in thousandths, and the square root of the limit: for people. */
  gradient: 4,
  burst: 5,
  /** Counts measurements: a request of before the last one says nothing. */
  epoch: 6,
  windowEnd: 7,
  measureAt: 8,
  /** Windows in a row that left the limit at its least. */
  lowStreak: 9,
  samples: 10,
  /** Stamp of who changes the others, never 0; 0: nobody. */
  lock: 11,
} as const;

const FIRST_BUCKET = 12;
/** Durations beyond count as this one: 1,000 s. */
const MAX_US = 999_999_999;
const BUCKETS = bucketIndex(MAX_US) + 1;

/** Cells of the block. */
export const GRADIENT_CELLS = FIRST_BUCKET + BUCKETS;

/** Whoever holds the lock needs less than a millisecond; who takes that long has died. */
const LOCK_DIES_AFTER_MS = 1000;

/** The low 32 bits of a time. */
export function stampOf(ms: number): number {
  return Math.floor(ms) | 0;
}

/** How much later `stamp` is than `other`; they are less than 24 days apart. */
export function laterBy(stamp: number, other: number): number {
  return (stamp - other) | 0;
}

/** Takes the lock unless somebody living has it; `now` is a stamp. */
export function tryLock(cells: SharedInts, now: number): boolean {
  const held = cells.get(CELL.lock);
  if (held !== 0 && laterBy(now, held) < LOCK_DIES_AFTER_MS) return false;
  return cells.compareExchange(CELL.lock, held, now === 0 ? 1 : now) === held;
}

/** Gives the lock back. */
export function unlock(cells: SharedInts): void {
  cells.set(CELL.lock, 0);
}

/** Counts a duration; returns how many there are now. */
export function addSample(cells: SharedInts, us: number): number {
  cells.add(FIRST_BUCKET + bucketIndex(Math.min(us, MAX_US)), 1);
  return cells.add(CELL.samples, 1) + 1;
}

/** Takes all samples away; pairs of bucket and count, in rising order. */
export function takeSamples(cells: SharedInts): readonly number[] {
  const pairs: number[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const count = cells.get(FIRST_BUCKET + bucket);
    if (count === 0) continue;
    // Not set to 0: others may have counted in between.
    cells.add(FIRST_BUCKET + bucket, -count);
    pairs.push(bucket, count);
  }
  cells.set(CELL.samples, 0);
  return pairs;
}
