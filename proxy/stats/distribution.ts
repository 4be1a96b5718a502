// Reading a distribution of log-linear buckets: quantiles and counts below a bound, with the
// arithmetic of Envoy's histogram library so that both print the same numbers.
import { bucketIndex, bucketLowerBound, bucketWidth, countOf } from './histogram.ts';

/** Envoy's computed quantiles, 0 to 1. */
export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

/** Envoy's default bucket bounds, in the histogram's own unit. */
export const DEFAULT_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000,
  1_800_000, 3_600_000,
];

/**
 * Values at `quantiles` (rising, 0 to 1), NaN without samples. A quantile is a sample (the ⌈q·n⌉th); the samples of a
 * bucket are taken to lie evenly in it, the kth of n at k/(n+1) of its width.
 */
export function quantilesOf(
  buckets: readonly number[],
  unit: string,
  quantiles: readonly number[] = QUANTILES,
): readonly number[] {
  const total = countOf(buckets);
  if (total === 0) return quantiles.map(() => Number.NaN);
  let at = 0;
  let below = 0;
  return quantiles.map((quantile) => {
    const wanted = quantile * total;
    while (at + 2 < buckets.length && below + (buckets[at + 1] ?? 0) < wanted) {
      below += buckets[at + 1] ?? 0;
      at += 2;
    }
    const index = buckets[at] ?? 0;
    const rank = Math.max(1, Math.ceil(wanted - below));
    const share = rank / ((buckets[at + 1] ?? 0) + 1);
    return bucketLowerBound(index, unit) + share * bucketWidth(index, unit);
  });
}

/** For each of the rising `bounds`: how many values are in the bound's own bucket or below it. */
export function countsBelow(
  buckets: readonly number[],
  bounds: readonly number[],
  unit: string,
): readonly number[] {
  let at = 0;
  let count = 0;
  return bounds.map((bound) => {
    const last = lastBucketUpTo(bound, unit);
    while (at < buckets.length && (buckets[at] ?? 0) <= last) {
      count += buckets[at + 1] ?? 0;
      at += 2;
    }
    return count;
  });
}

/** The sum of all values, each taken to lie where its bucket's mean is expected. */
export function approximateSum(buckets: readonly number[], unit: string): number {
  let sum = 0;
  for (let at = 0; at < buckets.length; at += 2) {
    const index = buckets[at] ?? 0;
    const left = bucketLowerBound(index, unit);
    const width = bucketWidth(index, unit);
    // As many values in the lower part as in the upper, if they are spread as 1/x.
    const middle = left === 0 ? 0 : left + (width * left) / (2 * left + width);
    sum += middle * (buckets[at + 1] ?? 0);
  }
  return sum;
}

/** The bucket that holds `bound`; bounds between 0 and 1 end with the bucket of zero. */
function lastBucketUpTo(bound: number, unit: string): number {
  return bucketIndex(unit === 'percent' ? Math.round(bound * 1_000_000) : bound);
}
