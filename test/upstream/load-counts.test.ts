import t from 'tap';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { Host } from '../../proxy/upstream/host.ts';
import { LoadCounts } from '../../proxy/upstream/load-counts.ts';
import { ReportedMetrics } from '../../proxy/upstream/reported-metrics.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';

const LOCALITY = { region: 'r', zone: 'z', subZone: '' };

function host(port: number): Host {
  const address = { ip: '10.0.0.1', port, text: `10.0.0.1:${port}` };
  const endpoint = { locality: LOCALITY, priority: 1, moreAddresses: [], hostname: '' };
  const place = { name: 'a', observabilityName: 'a' };
  return new Host(address, endpoint as never, place);
}

function cluster(hosts: readonly Host[]) {
  const config = { name: 'a', dropOverload: { numerator: 1, denominator: 100, category: 'c' } };
  return { config, hostSet: { hosts }, droppedRequests: 0 };
}

t.test(
  'counts what happened since it was last asked; requests under way are counted again',
  async (t) => {
    const counts = new LoadCounts();
    const [busy, idle] = [host(1), host(2)];
    const fake = cluster([busy, idle]);
    const take = () => counts.take(fake as unknown as WorkerCluster);
    t.same(take(), { cluster: 'a', endpoints: [], dropped: 0, dropCategory: 'c' });
    Object.assign(busy.stats, { rqTotal: 5, rqSuccess: 3, rqError: 1 });
    busy.stats.rqActive = 1;
    fake.droppedRequests = 7;
    const common = { ip: '10.0.0.1', port: 1, priority: 1, locality: LOCALITY, metrics: [] };
    t.same(take(), {
      ...{ cluster: 'a', dropped: 7, dropCategory: 'c' },
      endpoints: [{ ...common, success: 3, error: 1, issued: 5, active: 1 }],
    });
    t.same(take().endpoints, [{ ...common, success: 0, error: 0, issued: 0, active: 1 }]);
    busy.stats.rqActive = 0;
    busy.stats.rqSuccess += 1;
    t.same(take().endpoints, [{ ...common, success: 1, error: 0, issued: 0, active: 0 }]);
    t.same(take(), { cluster: 'a', endpoints: [], dropped: 0, dropCategory: 'c' });
  },
);

t.test('an attempt that never came to a stream is an error that was not issued', async (t) => {
  const counts = new LoadCounts();
  const dead = host(1);
  dead.stats.rqError = 2;
  const [load] = counts.take(cluster([dead]) as unknown as WorkerCluster).endpoints;
  t.match(load, { error: 2, issued: 0 });
});

t.test('tells the metrics that its responses reported', async (t) => {
  const counts = new LoadCounts();
  const told = host(1);
  told.reported = new ReportedMetrics(['cpu_utilization']);
  told.reported.onFields(HeaderList.of('endpoint-load-metrics', 'TEXT cpu_utilization=0.5'));
  Object.assign(told.stats, { rqTotal: 1, rqSuccess: 1 });
  const [load] = counts.take(cluster([told]) as unknown as WorkerCluster).endpoints;
  t.same(load?.metrics, [{ name: 'cpu_utilization', count: 1, total: 0.5 }]);
});
