// What a worker's statistics look like on their way to the primary: plain, serialisable values.
import type { CellShape } from './metrics.ts';

/** Every cell of one worker at one moment. Names are full and dotted. */
export interface StatsSnapshot {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  /** Gauges of 64 bits, in decimal digits. */
  readonly wideGauges: Readonly<Record<string, string>>;
  readonly textReadouts: Readonly<Record<string, string>>;
  /** Sparse log-linear buckets: index to count; plus the sum of recorded values. */
  readonly histograms: Readonly<Record<string, HistogramSnapshot>>;
  /** Counters and gauges that were written but are 0 now: `usedonly` shows them. */
  readonly usedZeroes: readonly string[];
  /** Cells that nobody has counted in yet, and that are not named above. */
  readonly untouched: readonly UntouchedCells[];
}

/** The same names below many prefixes, all 0. */
export interface UntouchedCells {
  readonly shape: CellShape;
  /** Dotted, each with its final dot. */
  readonly prefixes: readonly string[];
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
  wideGauges: {},
  textReadouts: {},
  histograms: {},
  usedZeroes: [],
  untouched: [],
};

/** The same with a value for each cell that nobody has counted in; `accepts` says which are kept. */
export function withUntouched(
  snapshot: StatsSnapshot,
  accepts: (name: string) => boolean = () => true,
): StatsSnapshot {
  if (snapshot.untouched.length === 0) return snapshot;
  const counters = { ...snapshot.counters };
  const gauges = { ...snapshot.gauges };
  const histograms = { ...snapshot.histograms };
  const add = <T>(into: Record<string, T>, name: string, value: T): void => {
    if (into[name] === undefined && accepts(name)) into[name] = value;
  };
  for (const { shape, prefixes } of snapshot.untouched) {
    const unused = shape.histograms.map(([name, unit]) => [name, unusedHistogram(unit)] as const);
    for (const prefix of prefixes) {
      for (const name of shape.counters) add(counters, prefix + name, 0);
      for (const name of shape.gauges) add(gauges, prefix + name, 0);
      for (const [name, histogram] of unused) add(histograms, prefix + name, histogram);
    }
  }
  return { ...snapshot, counters, gauges, histograms, untouched: [] };
}

function unusedHistogram(unit: string): HistogramSnapshot {
  return { unit, sum: 0, count: 0, buckets: [], intervalBuckets: [] };
}
