import t from 'tap';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import type { LoadBalancerContext } from '../../../proxy/upstream/cluster-manager.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { HEALTH_FLAG } from '../../../proxy/upstream/host-health.ts';
import { WorkerClusters } from '../../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';
import { balancerContext } from '../../support/hosts.ts';
import { upstreamFixture } from '../../support/upstream-fixture.ts';

const AGGREGATE = clusterConfig({
  ...{ name: 'all', discovery: 'aggregate', memberClusters: ['a', 'b'], endpoints: [] },
});
/** One host for each priority. */
function member(name: string, port: number, priorities = 1): ClusterConfig {
  const endpoints = Array.from({ length: priorities }, (_, priority) =>
    endpointConfig({ port: port + priority, priority }),
  );
  return clusterConfig({ name, endpoints });
}

function fixture(...upserted: ClusterConfig[]) {
  const parts = upstreamFixture();
  const clusters = new WorkerClusters(parts.context);
  clusters.apply({ upserted: [AGGREGATE, ...upserted], removed: [] });
  const pick = (context: Partial<LoadBalancerContext> = {}): Host | null =>
    clusters.get('all')?.pickHost({ ...balancerContext(), ...context }) ?? null;
  const fail = (cluster: string, port: number): void =>
    clusters.setHostFlags(
      cluster,
      new Map([[`127.0.0.1:${port}`, HEALTH_FLAG.failedOutlierCheck]]),
    );
  return { ...parts, clusters, pick, fail };
}

t.test('members may come, change and go', async (t) => {
  const { clusters, pick, fail } = fixture();
  t.equal(pick(), null, 'nobody is there yet');
  clusters.apply({ upserted: [member('b', 2000)], removed: [] });
  t.equal(pick()?.address.text, '127.0.0.1:2000');
  clusters.apply({ upserted: [member('a', 1000)], removed: [] });
  t.equal(pick()?.address.text, '127.0.0.1:1000', 'the preferred one');
  fail('a', 1000);
  t.equal(pick()?.address.text, '127.0.0.1:2000', 'its host failed');
  clusters.apply({ upserted: [member('a', 1500)], removed: [] });
  t.equal(pick()?.address.text, '127.0.0.1:1500', 'another configuration');
  clusters.apply({ upserted: [], removed: ['a'] });
  t.equal(pick()?.address.text, '127.0.0.1:2000');
  clusters.apply({ upserted: [], removed: ['b'] });
  t.equal(pick(), null);
});

t.test('a retry avoids the priorities of members that were tried', async (t) => {
  const { pick } = fixture(member('a', 1000, 2), member('b', 2000));
  const first = pick() as Host;
  const second = pick({ triedHosts: [first] }) as Host;
  const third = pick({ triedHosts: [first, second] }) as Host;
  t.strictSame(
    [first, second, third].map(({ address }) => address.port),
    [1000, 1001, 2000],
  );
  t.equal(pick({ triedHosts: [first, second, third] })?.address.port, 1000, 'all were tried');
});

t.test('pools and what they count are the member’s', async (t) => {
  const { clusters, pick, stat } = fixture(member('a', 1000));
  const host = pick() as Host;
  const all = clusters.get('all');
  t.equal(all?.httpPool(host, 'HTTP/1.1'), clusters.get('a')?.httpPool(host, 'HTTP/1.1'));
  t.equal(all?.tunnelPool(host), clusters.get('a')?.tunnelPool(host));
  all?.httpPool(host, 'HTTP/1.1')?.acquire(new FakeWaiter());
  t.equal(stat('cluster.a.upstream_cx_total'), 1);
  t.equal(stat('cluster.all.upstream_cx_total'), 0);
});

t.test('each priority is as generous as its own cluster says', async (t) => {
  const half = (name: string, port: number, overprovisioningPercent: number) =>
    clusterConfig({
      name,
      priorities: { ...AGGREGATE.priorities, overprovisioningPercent },
      endpoints: [
        endpointConfig({ port }),
        endpointConfig({ port: port + 1, healthStatus: 'unhealthy' }),
      ],
    });
  const generous = fixture(half('a', 1000, 200), half('b', 2000, 200));
  const strict = fixture(half('a', 1000, 100), half('b', 2000, 100));
  const share = (pick: () => Host | null) =>
    Array.from({ length: 500 }, () => pick()?.clusterName).filter((name) => name === 'a').length;
  t.equal(share(generous.pick), 500);
  const halves = share(strict.pick);
  t.ok(halves > 200 && halves < 300, String(halves));
});
