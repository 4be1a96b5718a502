import t from 'tap';
import { ResponseStats } from '../../proxy/stats/response-stats.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

t.test('cells appear with their first use', async (t) => {
  const store = new StatsStore(null);
  const stats = new ResponseStats(store, 'a.');
  const before = store.snapshot();
  t.same([before.counters, before.histograms], [{}, {}]);
  for (const status of [404, 404, 410, 100]) stats.charge(status);
  t.same(store.snapshot().counters, {
    'a.upstream_rq_404': 2,
    'a.upstream_rq_410': 1,
    'a.upstream_rq_4xx': 3,
    'a.upstream_rq_100': 1,
    'a.upstream_rq_1xx': 1,
    'a.upstream_rq_completed': 4,
  });
});

t.test('statuses beyond those with a class are counted as unknown', async (t) => {
  const store = new StatsStore(null);
  const stats = new ResponseStats(store, '');
  for (const status of [99, 600, 999, 599]) stats.charge(status);
  t.same(store.snapshot().counters, {
    upstream_rq_unknown: 3,
    upstream_rq_599: 1,
    upstream_rq_5xx: 1,
    upstream_rq_completed: 4,
  });
});
