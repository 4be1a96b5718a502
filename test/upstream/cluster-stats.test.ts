import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ClusterStats } from '../../proxy/upstream/cluster-stats.ts';

t.test('every name is declared once', async (t) => {
  const declared: string[] = [];
  const stats = new StatsStore((name) => {
    declared.push(name);
    return true;
  });
  new ClusterStats(stats.scope('cluster').scope('c'));
  t.equal(new Set(declared).size, declared.length);
});
