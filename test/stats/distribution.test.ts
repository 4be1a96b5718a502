// Quantiles and bounds, against numbers that Envoy 1.40 printed for the same samples.
import t from 'tap';
import {
  approximateSum,
  countsBelow,
  DEFAULT_BOUNDS,
  quantilesOf,
} from '../../proxy/stats/distribution.ts';
import { LogLinearHistogram } from '../../proxy/stats/histogram.ts';

const SIZES = [0, 0, 5, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, 12_345, 12_399, 123_456];

function bucketsOf(values: readonly number[]): readonly number[] {
  const histogram = new LogLinearHistogram('h', 'bytes');
  for (const value of values) histogram.record(value);
  return histogram.snapshot().buckets;
}

t.test('quantiles are those of Envoy', async (t) => {
  t.same(
    quantilesOf(bucketsOf([0, 1, 3, 37]), 'ms'),
    [0, 0, 1.05, 3.05, 37.5, 37.5, 37.5, 37.5, 37.5, 37.5],
  );
  t.same(
    quantilesOf(bucketsOf(SIZES), 'bytes'),
    [
      0, 9.05, 103.33333333333333, 1066.6666666666667, 12666.666666666666, 125000, 125000, 125000,
      125000, 125000,
    ],
  );
});

t.test('quantiles of nothing are not numbers', async (t) => {
  t.ok(quantilesOf([], 'ms').every((value) => Number.isNaN(value)));
});

t.test('a bound counts its own bucket, as in Envoy', async (t) => {
  t.same(
    countsBelow(bucketsOf(SIZES), DEFAULT_BOUNDS, 'bytes'),
    [2, 2, 3, 5, 6, 6, 9, 9, 9, 12, 12, 12, 12, 14, 14, 15, 15, 15, 15],
  );
});

t.test('the sum is near the true one', async (t) => {
  const sum = approximateSum(bucketsOf([0, 1, 3, 37]), 'ms');
  t.ok(Math.abs(sum - 41.59013270882123) < 1e-9, `${sum}`);
});
