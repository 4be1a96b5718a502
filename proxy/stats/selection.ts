// Which statistics a reader asked for, in the order they are printed.
import type { SafeRegex } from '../base/safe-regex.ts';
import { countsBelow } from './distribution.ts';
import { type HistogramSnapshot, type StatsSnapshot, withUntouched } from './snapshot.ts';

/** `type=` of /stats. */
export type StatsType = 'All' | 'Counters' | 'Gauges' | 'Histograms' | 'TextReadouts';

/** What is to be printed. */
export interface StatsSelection {
  /** Only what was ever written. */
  readonly usedOnly: boolean;
  /** Names must match some part of it; null: all names. */
  readonly filter: SafeRegex | null;
  /** Names must not match `filter`. */
  readonly invertFilter: boolean;
  readonly type: StatsType;
}

/** A name with its value. */
export type Named<T> = readonly [name: string, value: T];

/** A number as it is printed; one of 64 bits is a `bigint`. */
export type PrintedNumber = number | bigint;

/** Each list in rising order of name. */
export interface SelectedStats {
  readonly textReadouts: readonly Named<string>[];
  readonly counters: readonly Named<number>[];
  readonly gauges: readonly Named<PrintedNumber>[];
  readonly histograms: readonly Named<HistogramSnapshot>[];
}

/** Bucket bounds of a histogram by name: stats_config.histogram_bucket_settings or the default. */
export type BoundsOf = (name: string) => readonly number[];

/** How many values lie at or below each of a histogram's bounds. */
export interface BoundedCounts {
  readonly bounds: readonly number[];
  readonly interval: readonly number[];
  readonly cumulative: readonly number[];
}

/** Picks and sorts. */
export function selectStats(all: StatsSnapshot, selection: StatsSelection): SelectedStats {
  const { type } = selection;
  // What nobody counted in was never used.
  const snapshot = selection.usedOnly ? all : withUntouched(all);
  const usedZeroes = selection.usedOnly ? new Set(snapshot.usedZeroes) : null;
  const numberUsed = (value: number, name: string) => value !== 0 || usedZeroes?.has(name) === true;
  const wants = (wanted: StatsType) => type === 'All' || type === wanted;
  return {
    textReadouts: wants('TextReadouts')
      ? pick(snapshot.textReadouts, selection, (text) => text !== '')
      : [],
    counters: wants('Counters') ? pick(snapshot.counters, selection, numberUsed) : [],
    gauges: wants('Gauges') ? selectGauges(snapshot, selection, numberUsed) : [],
    histograms: wants('Histograms')
      ? pick(snapshot.histograms, selection, (histogram) => histogram.count > 0)
      : [],
  };
}

function selectGauges(
  { gauges, wideGauges }: StatsSnapshot,
  selection: StatsSelection,
  isUsed: (value: number, name: string) => boolean,
): readonly Named<PrintedNumber>[] {
  const wide = pick(wideGauges, selection, (digits) => digits !== '0').map(
    ([name, digits]): Named<PrintedNumber> => [name, BigInt(digits)],
  );
  return [...pick(gauges, selection, isUsed), ...wide].sort(byName);
}

/** Counters and gauges as one list in order of name. */
export function numbersOf(selected: SelectedStats): readonly Named<PrintedNumber>[] {
  return [...selected.counters, ...selected.gauges].sort(byName);
}

/** Counts of a histogram below each of its bounds. */
export function boundedCounts(
  histogram: HistogramSnapshot,
  bounds: readonly number[],
): BoundedCounts {
  return {
    bounds,
    interval: countsBelow(histogram.intervalBuckets, bounds, histogram.unit),
    cumulative: countsBelow(histogram.buckets, bounds, histogram.unit),
  };
}

/** The same, each bound without what is below the one before. */
export function disjointCounts(counts: BoundedCounts): BoundedCounts {
  const apart = (list: readonly number[]) =>
    list.map((count, index) => count - (list[index - 1] ?? 0));
  return {
    bounds: counts.bounds,
    interval: apart(counts.interval),
    cumulative: apart(counts.cumulative),
  };
}

function pick<T>(
  values: Readonly<Record<string, T>>,
  selection: StatsSelection,
  isUsed: (value: T, name: string) => boolean,
): readonly Named<T>[] {
  const { filter, invertFilter, usedOnly } = selection;
  return Object.entries(values)
    .filter(([name, value]) => !usedOnly || isUsed(value, name))
    .filter(([name]) => filter === null || filter.find(name) !== invertFilter)
    .sort(byName);
}

function byName(left: Named<unknown>, right: Named<unknown>): number {
  if (left[0] === right[0]) return 0;
  return left[0] < right[0] ? -1 : 1;
}
