// What a worker's statistics look like on their way to the primary: plain, serialisable values.

/** Every cell of one worker at one moment. Names are full and dotted. */
export interface StatsSnapshot {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  readonly textReadouts: Readonly<Record<string, string>>;
  /** Sparse log-linear buckets: index to count; plus the sum of recorded values. */
  readonly histograms: Readonly<Record<string, HistogramSnapshot>>;
}

/** One histogram since the last reset. */
export interface HistogramSnapshot {
  readonly unit: string;
  readonly sum: number;
  readonly count: number;
  /** Pairs: bucket index, count. */
  readonly buckets: readonly number[];
}
