import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ClusterStats } from '../../proxy/upstream/cluster-stats.ts';

t.test('counters of a status appear with their first use', async (t) => {
  const stats = new StatsStore(null);
  const cluster = new ClusterStats(stats.scope('cluster').scope('c'));
  const names = (): string[] =>
    Object.keys(stats.snapshot().counters).filter((name) => /_rq_(404|4xx)$/.test(name));
  t.strictSame(names(), []);
  const notFound = cluster.status(404);
  t.equal(cluster.status(404), notFound);
  t.strictSame(names().sort(), [
    'cluster.c.external.upstream_rq_404',
    'cluster.c.external.upstream_rq_4xx',
    'cluster.c.upstream_rq_404',
    'cluster.c.upstream_rq_4xx',
  ]);
  t.equal(cluster.status(410).codeClass, notFound.codeClass, 'a class is counted in one cell');
});

t.test('every name is declared once', async (t) => {
  const declared: string[] = [];
  const stats = new StatsStore((name) => {
    declared.push(name);
    return true;
  });
  new ClusterStats(stats.scope('cluster').scope('c'));
  t.equal(new Set(declared).size, declared.length);
});
