// Buckets of two significant digits, intervals, and merging.
import t from 'tap';
import {
  addBuckets,
  bucketIndex,
  bucketLowerBound,
  bucketWidth,
  countOf,
  LogLinearHistogram,
} from '../../proxy/stats/histogram.ts';

t.test('a bucket holds every integer that shares its two leading digits', async (t) => {
  for (const value of [0, 1, 9, 10, 11, 99, 100, 109, 110, 999, 1000, 12_399, 3_600_000, 2 ** 52]) {
    const index = bucketIndex(value);
    const low = Number(bucketLowerBound(index, 'ms').toPrecision(12));
    const high = low + bucketWidth(index, 'ms');
    t.ok(low <= value && (value < high || value === 0), `${low} <= ${value} < ${high}`);
  }
});

t.test('indices rise with the values, without a gap at a decade', async (t) => {
  let last = -1;
  for (let value = 0; value < 200_000; value += 1) {
    const index = bucketIndex(value);
    if (index < last) t.fail(`${value} falls below its predecessor`);
    last = index;
  }
  t.equal(bucketIndex(100), bucketIndex(99) + 1);
  t.equal(bucketIndex(1000), bucketIndex(999) + 1);
});

t.test('odd values are counted, not lost and not thrown at', async (t) => {
  const histogram = new LogLinearHistogram('h', 'ms');
  for (const value of [-5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 2.7]) {
    histogram.record(value);
  }
  t.equal(histogram.snapshot().count, 5);
  t.same(histogram.snapshot().buckets.slice(0, 2), [0, 2], 'negative and NaN count as zero');
});

t.test('an interval ends with a flush and the total goes on', async (t) => {
  const histogram = new LogLinearHistogram('h', 'ms');
  t.notOk(histogram.isUsed);
  histogram.record(1);
  t.same(histogram.snapshot().intervalBuckets, [], 'an open interval is not shown');
  t.equal(histogram.snapshot().count, 1);
  histogram.flush();
  histogram.record(500_000);
  const snapshot = histogram.snapshot();
  t.same(snapshot.intervalBuckets, [bucketIndex(1), 1]);
  t.same(snapshot.buckets, [bucketIndex(1), 1, bucketIndex(500_000), 1]);
  t.equal(snapshot.sum, 500_001);
  histogram.flush();
  histogram.flush();
  t.same(histogram.snapshot().intervalBuckets, [], 'nothing came in the last interval');
  t.equal(histogram.snapshot().count, 2);
  t.ok(histogram.isUsed);
});

t.test('values of one bucket, of another one behind it and of all between add up', async (t) => {
  const histogram = new LogLinearHistogram('h', 'ms');
  histogram.record(7_000_000);
  histogram.record(7_000_000);
  t.same(histogram.snapshot().buckets, [bucketIndex(7_000_000), 2]);
  histogram.record(3);
  histogram.record(9_000_000_000);
  const all = [bucketIndex(3), 1, bucketIndex(7_000_000), 2, bucketIndex(9_000_000_000), 1];
  t.same(histogram.snapshot().buckets, all);
  histogram.flush();
  histogram.record(3);
  histogram.flush();
  t.same(histogram.snapshot().intervalBuckets, [bucketIndex(3), 1]);
  t.same(histogram.snapshot().buckets, [bucketIndex(3), 2, ...all.slice(2)]);
  t.equal(histogram.snapshot().sum, 9_014_000_006);
});

t.test('who ends intervals hears of what is recorded when there was nothing to end', async (t) => {
  const awake = new Set<LogLinearHistogram>();
  const histogram = new LogLinearHistogram('h', 'ms', awake);
  t.equal(awake.size, 0);
  for (const values of [[5], [5, 5], [5, 6, 700]]) {
    for (const value of values) histogram.record(value);
    t.ok(awake.has(histogram), 'it has something to end');
    t.ok(histogram.flush(), 'which leaves the interval');
    t.notOk(histogram.flush(), 'and then nothing');
    awake.delete(histogram);
  }
  histogram.record(5);
  histogram.record(6);
  histogram.flush();
  awake.clear();
  histogram.record(6);
  t.equal(awake.size, 0, 'one that is flushed once is still known');
  t.same([histogram.flush(), histogram.flush()], [true, false]);
});

t.test('percents keep four decimals', async (t) => {
  const histogram = new LogLinearHistogram('h', 'percent');
  histogram.record(0.25);
  const [index = 0] = histogram.snapshot().buckets;
  t.equal(bucketLowerBound(index, 'percent'), 0.25);
});

t.test('two lists of buckets add up in order', async (t) => {
  const sum = addBuckets([1, 2, 5, 1], [0, 1, 5, 4, 9, 1]);
  t.same(sum, [0, 1, 1, 2, 5, 5, 9, 1]);
  t.equal(countOf(sum), 9);
  t.same(addBuckets([], [3, 1]), [3, 1]);
});
