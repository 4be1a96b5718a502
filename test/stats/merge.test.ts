// Sums over workers, living and dead.
import t from 'tap';
import { foldEndedWorker, mergeSnapshots, resetBase } from '../../proxy/stats/merge.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../../proxy/stats/snapshot.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

function worker(requests: number): StatsSnapshot {
  const store = new StatsStore(null);
  store.counter('cluster.a.upstream_rq_total').add(requests);
  store.counter('cluster.a.membership_change').inc();
  store.gauge('cluster.a.upstream_cx_active').set(requests);
  store.gauge('cluster.a.membership_total').set(3);
  store.gauge('cluster.a.circuit_breakers.default.remaining_rq').set(10 - requests);
  store.gauge('server.total_connections').set(requests);
  const histogram = store.histogram('cluster.a.upstream_rq_time', 'ms');
  for (let n = 0; n < requests; n += 1) histogram.record(n);
  for (const _ of store.flushInterval());
  return store.snapshot();
}

t.test('workers add up, except where all say the same', async (t) => {
  const sum = mergeSnapshots([worker(2), worker(3)]);
  t.equal(sum.counters['cluster.a.upstream_rq_total'], 5);
  t.equal(sum.gauges['cluster.a.upstream_cx_active'], 5);
  t.equal(sum.gauges['cluster.a.membership_total'], 3);
  t.equal(sum.gauges['cluster.a.circuit_breakers.default.remaining_rq'], 7);
  t.equal(sum.gauges['server.total_connections'], 5, 'each worker has its own');
  t.equal(sum.counters['cluster.a.membership_change'], 1);
  const histogram = sum.histograms['cluster.a.upstream_rq_time'];
  t.equal(histogram?.count, 5);
  t.equal(histogram?.sum, 4);
  t.same(histogram?.buckets.slice(0, 2), [0, 2]);
  t.same(mergeSnapshots([]), EMPTY_SNAPSHOT);
});

t.test('a number of 64 bits keeps its digits through a sum', async (t) => {
  const primary = new StatsStore(null);
  const version = primary.scope('cluster_manager.cds').wideGauge('version');
  version.set('17241709254077376921');
  const sum = mergeSnapshots([primary.snapshot(), worker(1)]);
  t.same(sum.wideGauges, { 'cluster_manager.cds.version': '17241709254077376921' });
});

t.test('a dead worker leaves its counters and takes its gauges', async (t) => {
  const base = foldEndedWorker(foldEndedWorker(EMPTY_SNAPSHOT, worker(4)), worker(1));
  const sum = mergeSnapshots([base, worker(2)]);
  t.equal(sum.counters['cluster.a.upstream_rq_total'], 7);
  t.equal(sum.counters['cluster.a.membership_change'], 1, 'its replacement counts that again');
  t.equal(sum.gauges['cluster.a.upstream_cx_active'], 2);
  t.equal(sum.histograms['cluster.a.upstream_rq_time']?.count, 7);
  t.equal(base.histograms['cluster.a.upstream_rq_time']?.intervalBuckets.length, 0);
});

t.test('resetting the dead keeps the name and that it was used', async (t) => {
  const base = resetBase(foldEndedWorker(EMPTY_SNAPSHOT, worker(4)));
  t.equal(base.counters['cluster.a.upstream_rq_total'], 0);
  t.same(base.usedZeroes, ['cluster.a.upstream_rq_total']);
});
