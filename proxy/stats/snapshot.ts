// What a worker's statistics look like on their way to the primary: plain, serialisable values.

/** Every cell of one worker at one moment. Names are full and dotted. */
export interface StatsSnapshot {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  readonly textReadouts: Readonly<Record<string, string>>;
  /** Sparse log-linear buckets: index to count; plus the sum of recorded values. */
  readonly histograms: Readonly<Record<string, HistogramSnapshot>>;
  /** Counters and gauges that were written but are 0 now: `usedonly` shows them. */
  readonly usedZeroes: readonly string[];
}

/** One histogram since it was made. */
export interface HistogramSnapshot {
  readonly unit: string;
  readonly sum: number;
  readonly count: number;
  /** Pairs in rising order: bucket index, count. */
  readonly buckets: readonly number[];
  /** The same for what was recorded in the last complete flush interval. */
  readonly intervalBuckets: readonly number[];
}

/** A snapshot of nothing. */
export const EMPTY_SNAPSHOT: StatsSnapshot = {
  counters: {},
  gauges: {},
  textReadouts: {},
  histograms: {},
  usedZeroes: [],
};
