// The JSON form of /stats.
import { QUANTILES, quantilesOf } from './distribution.ts';
import { bucketLowerBound, bucketWidth } from './histogram.ts';
import {
  type BoundsOf,
  boundedCounts,
  disjointCounts,
  type Named,
  numbersOf,
  type SelectedStats,
} from './selection.ts';
import type { HistogramSnapshot } from './snapshot.ts';
import type { HistogramDisplay } from './text.ts';

/** The same statistics as `statsAsText`, in Envoy's JSON. */
export function statsAsJson(
  selected: SelectedStats,
  display: HistogramDisplay,
  boundsOf: BoundsOf,
): string {
  const stats: string[] = [];
  for (const [name, value] of selected.textReadouts) stats.push(JSON.stringify({ name, value }));
  for (const [name, value] of numbersOf(selected)) {
    // Not by JSON.stringify, which has no numbers of 64 bits.
    stats.push(`{"name":${JSON.stringify(name)},"value":${value}}`);
  }
  if (selected.histograms.length > 0) {
    const histograms = histogramsJson(selected.histograms, display, boundsOf);
    stats.push(JSON.stringify({ histograms }));
  }
  return `{"stats":[${stats.join(',')}]}`;
}

function histogramsJson(
  histograms: readonly Named<HistogramSnapshot>[],
  display: HistogramDisplay,
  boundsOf: BoundsOf,
): object {
  const percents = QUANTILES.map((quantile) => Number((quantile * 100).toPrecision(6)));
  switch (display) {
    case 'summary':
      return {
        supported_quantiles: percents,
        computed_quantiles: histograms.map(([name, histogram]) => ({
          name,
          values: quantilesJson(histogram),
        })),
      };
    case 'detailed':
      return {
        supported_percentiles: percents,
        details: histograms.map(([name, histogram]) => ({
          name,
          totals: bucketsJson(histogram.buckets, histogram.unit),
          intervals: bucketsJson(histogram.intervalBuckets, histogram.unit),
          percentiles: quantilesJson(histogram),
        })),
      };
    case 'cumulative':
    case 'disjoint':
      return histograms.map(([name, histogram]) => ({
        name,
        buckets: boundsJson(histogram, boundsOf(name), display === 'disjoint'),
      }));
  }
}

function quantilesJson(histogram: HistogramSnapshot): readonly object[] {
  const interval = quantilesOf(histogram.intervalBuckets, histogram.unit);
  const cumulative = quantilesOf(histogram.buckets, histogram.unit);
  // NaN becomes null, as JSON.stringify does it.
  return QUANTILES.map((_, index) => ({
    cumulative: cumulative[index],
    interval: interval[index],
  }));
}

function bucketsJson(buckets: readonly number[], unit: string): readonly object[] {
  const list: object[] = [];
  for (let at = 0; at < buckets.length; at += 2) {
    const index = buckets[at] ?? 0;
    list.push({
      lower_bound: bucketLowerBound(index, unit),
      width: bucketWidth(index, unit),
      count: buckets[at + 1] ?? 0,
    });
  }
  return list;
}

function boundsJson(
  histogram: HistogramSnapshot,
  bounds: readonly number[],
  isDisjoint: boolean,
): readonly object[] {
  const cumulative = boundedCounts(histogram, bounds);
  const counts = isDisjoint ? disjointCounts(cumulative) : cumulative;
  return bounds.map((bound, index) => ({
    upper_bound: bound,
    interval: counts.interval[index] ?? 0,
    cumulative: counts.cumulative[index] ?? 0,
  }));
}
