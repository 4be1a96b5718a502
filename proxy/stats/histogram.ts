// Histograms with log-linear buckets: two significant decimal digits, 90 buckets a decade, one for
// zero. The layout (and so every quantile) is that of the histograms Envoy uses. Recording is an
// addition in an array; folding and reading happen when somebody asks.
import type { Histogram, HistogramUnit } from './metrics.ts';
import type { HistogramSnapshot } from './snapshot.ts';

const BUCKETS_PER_DECADE = 90;
/** Values below this find their bucket in a table. */
const TABLE_SIZE = 1000;
/** Larger values count as this one: 2^53 - 1, which no duration or size reaches. */
const MAX_VALUE = Number.MAX_SAFE_INTEGER;
/** Envoy Histogram::PercentScale: percents are recorded as integers of this resolution. */
const PERCENT_SCALE = 1_000_000;
/** Room for values below 100, which is all that most histograms ever see. */
const FIRST_LENGTH = 1 + 2 * BUCKETS_PER_DECADE;

const NOTHING: readonly number[] = [];
/** Of most histograms there are: nothing is recorded in them, or few values that are alike. */
const NO_COUNTS = new Uint32Array(0);

/** Who ends the intervals of histograms in which something is recorded. */
export interface AwakeHistograms {
  add(histogram: LogLinearHistogram): void;
}

/** One worker's distribution under one name: what was recorded ever, and in the last interval. */
export class LogLinearHistogram implements Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;
  readonly #scale: number;
  readonly #awake: AwakeHistograms | null;
  /**
   * Counts since the last flush; grown by whole decades. Empty while all of them are in one bucket:
   * ten thousand clusters record how long their update took, once in a while.
   */
  #fresh = NO_COUNTS;
  #freshCount = 0;
  /** Where `#freshCount` is as long as `#fresh` is empty. */
  #onlyIndex = 0;
  #sum = 0;
  /** Pairs: everything up to the last flush. */
  #flushed: readonly number[] = NOTHING;
  /** Pairs: what the last complete interval recorded. */
  #interval: readonly number[] = NOTHING;

  /** `awake` is told each time that `flush` has something to do again. */
  constructor(name: string, unit: HistogramUnit, awake: AwakeHistograms | null = null) {
    this.name = name;
    this.unit = unit;
    this.#awake = awake;
    this.#scale = unit === 'percent' ? PERCENT_SCALE : 1;
  }

  /** Counts `value`, cut to an integer; negative numbers count as 0. Percents are 0 to 1. */
  record(value: number): void {
    const scaled = value * this.#scale;
    const index =
      scaled < TABLE_SIZE ? (SMALL_VALUES[scaled > 0 ? scaled | 0 : 0] ?? 0) : bucketIndex(scaled);
    if (index < this.#fresh.length) this.#fresh[index] = (this.#fresh[index] ?? 0) + 1;
    else this.#recordRare(index);
    this.#freshCount += 1;
    this.#sum += value;
  }

  /** Ends an interval: called once per stats_flush_interval. False: another flush does nothing. */
  flush(): boolean {
    if (this.#freshCount === 0) {
      this.#interval = NOTHING;
      // Whoever records now and then gets it back.
      this.#fresh = NO_COUNTS;
      return false;
    }
    this.#interval = this.#freshPairs();
    this.#flushed = addBuckets(this.#flushed, this.#interval);
    this.#fresh.fill(0);
    this.#freshCount = 0;
    return true;
  }

  /** True once anything was recorded. */
  get isUsed(): boolean {
    return this.#freshCount > 0 || this.#flushed.length > 0;
  }

  snapshot(): HistogramSnapshot {
    const buckets =
      this.#freshCount === 0 ? this.#flushed : addBuckets(this.#flushed, this.#freshPairs());
    return {
      unit: this.unit,
      sum: this.#sum,
      count: countOf(buckets),
      buckets,
      intervalBuckets: this.#interval,
    };
  }

  /** The first value of a bucket for which there is no room. */
  #recordRare(index: number): void {
    if (this.#fresh.length === 0) {
      if (this.#freshCount === 0) {
        this.#onlyIndex = index;
        this.#awake?.add(this);
      }
      if (index === this.#onlyIndex) return;
    }
    this.#grow(index);
    this.#fresh[index] = (this.#fresh[index] ?? 0) + 1;
  }

  #grow(index: number): void {
    const wasOne = this.#fresh.length === 0;
    const decades = Math.ceil(Math.max(index, wasOne ? this.#onlyIndex : 0) / BUCKETS_PER_DECADE);
    const length = Math.max(FIRST_LENGTH, 1 + decades * BUCKETS_PER_DECADE);
    const larger = new Uint32Array(length);
    larger.set(this.#fresh);
    if (wasOne) larger[this.#onlyIndex] = this.#freshCount;
    this.#fresh = larger;
  }

  #freshPairs(): readonly number[] {
    return this.#fresh.length === 0 ? [this.#onlyIndex, this.#freshCount] : pairsOf(this.#fresh);
  }
}

/** The bucket of an integer: 0 for zero, then 90 for each power of ten from 1 on. */
export function bucketIndex(value: number): number {
  if (!(value >= 1)) return 0;
  let digits = Math.floor(Math.min(value, MAX_VALUE));
  if (digits < 10) return 1 + digits * 10 - 10;
  let decade = 1;
  while (digits >= 100) {
    digits = Math.floor(digits / 10);
    decade += 1;
  }
  return 1 + decade * BUCKETS_PER_DECADE + digits - 10;
}

const SMALL_VALUES = Uint16Array.from({ length: TABLE_SIZE }, (_, value) => bucketIndex(value));

/** The smallest value of a bucket, in the histogram's unit (percents: 0 to 1). */
export function bucketLowerBound(index: number, unit: string): number {
  if (index === 0) return 0;
  const decade = Math.floor((index - 1) / BUCKETS_PER_DECADE);
  const digits = 10 + ((index - 1) % BUCKETS_PER_DECADE);
  // Not digits * 10 ** (decade - 1), which is exact: 110 is 110.00000000000001 in Envoy's output.
  const bound = (digits / 10) * 10 ** decade;
  return unit === 'percent' ? bound / PERCENT_SCALE : bound;
}

/** How far a bucket reaches above its lower bound; 0 for the bucket of zero. */
export function bucketWidth(index: number, unit: string): number {
  if (index === 0) return 0;
  const decade = Math.floor((index - 1) / BUCKETS_PER_DECADE);
  const width = decade === 0 ? 0.1 : 10 ** (decade - 1);
  return unit === 'percent' ? width / PERCENT_SCALE : width;
}

/** Sums two lists of pairs (index, count) in rising order of index. */
export function addBuckets(left: readonly number[], right: readonly number[]): readonly number[] {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const sum: number[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const leftIndex = left[l] ?? Number.POSITIVE_INFINITY;
    const rightIndex = right[r] ?? Number.POSITIVE_INFINITY;
    const index = Math.min(leftIndex, rightIndex);
    let count = 0;
    if (leftIndex === index) {
      count += left[l + 1] ?? 0;
      l += 2;
    }
    if (rightIndex === index) {
      count += right[r + 1] ?? 0;
      r += 2;
    }
    sum.push(index, count);
  }
  return sum;
}

/** Number of values in a list of pairs. */
export function countOf(buckets: readonly number[]): number {
  let count = 0;
  for (let at = 1; at < buckets.length; at += 2) count += buckets[at] ?? 0;
  return count;
}

function pairsOf(counts: Uint32Array): readonly number[] {
  const pairs: number[] = [];
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index] ?? 0;
    if (count > 0) pairs.push(index, count);
  }
  return pairs;
}
