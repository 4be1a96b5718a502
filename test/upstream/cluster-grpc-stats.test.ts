import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import {
  ClusterGrpcStats,
  MAX_GRPC_METHODS,
  MAX_GRPC_NAME_LENGTH,
} from '../../proxy/upstream/cluster-grpc-stats.ts';

function setUp() {
  const store = new StatsStore(null);
  const stats = new ClusterGrpcStats(store.scope('cluster').scope('c'));
  return { stats, counters: () => store.snapshot().counters };
}

const DO = { service: 'pkg.Svc', method: 'Do' };

t.test('cells appear with their first use', async (t) => {
  const { stats, counters } = setUp();
  const call = stats.of('grpc', DO);
  t.same(counters(), {});
  call.chargeStatus('0');
  call.chargeStatus('13');
  call.chargeRequestMessages(3);
  t.same(counters(), {
    'cluster.c.grpc.pkg.Svc.Do.0': 1,
    'cluster.c.grpc.pkg.Svc.Do.13': 1,
    'cluster.c.grpc.pkg.Svc.Do.success': 1,
    'cluster.c.grpc.pkg.Svc.Do.failure': 1,
    'cluster.c.grpc.pkg.Svc.Do.total': 2,
    'cluster.c.grpc.pkg.Svc.Do.request_message_count': 3,
  });
});

t.test('both dialects and all methods have cells of their own', async (t) => {
  const { stats, counters } = setUp();
  stats.of('grpc-web', DO).chargeResponseMessages(2);
  stats.all('grpc').chargeStatus('5');
  t.equal(stats.of('grpc', DO), stats.of('grpc', DO));
  t.equal(stats.all('grpc'), stats.all('grpc'));
  t.same(Object.keys(counters()).sort(), [
    'cluster.c.grpc-web.pkg.Svc.Do.response_message_count',
    'cluster.c.grpc.5',
    'cluster.c.grpc.failure',
    'cluster.c.grpc.total',
  ]);
});

t.test('methods beyond the bound, and names beyond theirs, count together', async (t) => {
  const { stats } = setUp();
  const long = { service: 's'.repeat(MAX_GRPC_NAME_LENGTH - 'grpc...m'.length), method: 'm' };
  t.not(stats.of('grpc', long), stats.all('grpc'));
  t.equal(stats.of('grpc', { ...long, method: 'mm' }), stats.all('grpc'));
  for (let index = 1; index < MAX_GRPC_METHODS; index += 1) {
    const method = `m${index}`;
    t.notOk(stats.of('grpc', { service: 's', method }) === stats.all('grpc'), method);
  }
  t.equal(stats.of('grpc', { service: 's', method: 'one more' }), stats.all('grpc'));
  t.not(stats.of('grpc', long), stats.all('grpc'), 'those that are known stay');
});

t.test('an upstream cannot make as many statuses as it likes', async (t) => {
  const { stats, counters } = setUp();
  const call = stats.of('grpc', DO);
  for (let status = 0; status < 1000; status += 1) call.chargeStatus(`${status}`);
  call.chargeStatus('x'.repeat(1000));
  t.equal(Object.keys(counters()).length, 32 + 3);
  t.equal(counters()['cluster.c.grpc.pkg.Svc.Do.total'], 1001);
});
