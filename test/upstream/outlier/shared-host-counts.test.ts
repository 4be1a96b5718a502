import t from 'tap';
import { SharedInts } from '../../../proxy/base/cells/shared-ints.ts';
import {
  HOST_COUNT_CELLS,
  hostCountsKey,
  SharedHostCounts,
} from '../../../proxy/upstream/outlier/shared-host-counts.ts';

/** Counts of one host as several processes see them. */
function views(count: number): readonly SharedHostCounts[] {
  const cells = new Int32Array(HOST_COUNT_CELLS + 3);
  return Array.from({ length: count }, () => {
    const ints = new SharedInts(HOST_COUNT_CELLS);
    ints.bind(cells, 3);
    return new SharedHostCounts(ints);
  });
}

t.test('of failures in a row every process sees another number', async (t) => {
  const [one, two] = views(2) as [SharedHostCounts, SharedHostCounts];
  t.same([one.lengthen('5xx'), two.lengthen('5xx'), one.lengthen('5xx')], [1, 2, 3]);
  t.equal(two.lengthen('gateway'), 1, 'each streak for itself');
  two.resetStreak('5xx');
  t.same([one.lengthen('5xx'), two.lengthen('gateway')], [1, 2]);
});

t.test('what is taken was counted by all, and is counted anew', async (t) => {
  const [one, two] = views(2) as [SharedHostCounts, SharedHostCounts];
  one.succeed('external');
  two.succeed('external');
  two.fail('external');
  one.fail('local');
  t.same(one.take('external'), { total: 3, success: 2 });
  t.same(one.take('external'), { total: 0, success: 0 });
  t.same(two.take('local'), { total: 1, success: 0 });
});

t.test('clusters and hosts have cells of their own', async (t) => {
  t.not(hostCountsKey('a', '10.0.0.1:80'), hostCountsKey('b', '10.0.0.1:80'));
  t.not(hostCountsKey('a', '10.0.0.1:80'), hostCountsKey('a', '10.0.0.1:81'));
});
