import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ClusterResponseStats } from '../../proxy/upstream/cluster-response-stats.ts';

/** Counters of a cluster `c` that saw these responses. */
function counted(use: (stats: ClusterResponseStats) => void): Readonly<Record<string, number>> {
  const store = new StatsStore(null);
  use(new ClusterResponseStats(store.scope('c')));
  return store.snapshot().counters;
}

/** What one response with status 200 adds below a prefix. */
function ok(prefix: string): Readonly<Record<string, number>> {
  return {
    [`${prefix}upstream_rq_200`]: 1,
    [`${prefix}upstream_rq_2xx`]: 1,
    [`${prefix}upstream_rq_completed`]: 1,
  };
}

t.test('counts a response once in all, and apart by where its request came from', async (t) => {
  t.same(
    counted((stats) => stats.charge(200, false, false)),
    { ...ok('c.'), ...ok('c.external.') },
  );
  t.same(
    counted((stats) => stats.charge(200, true, false)),
    { ...ok('c.'), ...ok('c.internal.') },
  );
});

t.test('counts what a canary answered once more', async (t) => {
  t.same(
    counted((stats) => stats.charge(200, false, true)),
    { ...ok('c.'), ...ok('c.external.'), ...ok('c.canary.') },
  );
});

t.test('records times in the same places', async (t) => {
  const store = new StatsStore(null);
  const stats = new ClusterResponseStats(store.scope('c'));
  stats.recordTime(3, true, true);
  stats.recordTime(4, false, false);
  const { histograms } = store.snapshot();
  const counts = Object.entries(histograms).map(([name, { count }]) => [name, count]);
  t.same(Object.fromEntries(counts), {
    'c.upstream_rq_time': 2,
    'c.internal.upstream_rq_time': 1,
    'c.external.upstream_rq_time': 1,
    'c.canary.upstream_rq_time': 1,
  });
});
