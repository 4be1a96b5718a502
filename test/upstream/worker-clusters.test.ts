import t from 'tap';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, endpointConfig } from '../support/cluster-config.ts';
import { FakeWaiter } from '../support/fake-waiter.ts';
import { balancerContext } from '../support/hosts.ts';
import { type UpstreamFixture, upstreamFixture } from '../support/upstream-fixture.ts';

interface ClustersFixture extends UpstreamFixture {
  readonly clusters: WorkerClusters;
  upsert(...configs: ClusterConfig[]): void;
  remove(name: string): void;
}

function clustersFixture(): ClustersFixture {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters(fixture.context);
  return {
    ...fixture,
    clusters,
    upsert: (...upserted) => clusters.apply({ upserted, removed: [] }),
    remove: (name) => clusters.apply({ upserted: [], removed: [name] }),
  };
}

function addresses(cluster: WorkerCluster | null): string[] {
  return (cluster?.hostSet.hosts ?? []).map((host) => host.address.text);
}

function dnsCluster(members: Partial<ClusterConfig> = {}): ClusterConfig {
  return clusterConfig({
    discovery: 'strict-dns',
    endpoints: [
      endpointConfig({ address: 'a.test', port: 80 }),
      endpointConfig({ address: 'b.test', port: 81, weight: 5, hostname: 'named' }),
    ],
    ...members,
  });
}

t.test('a static cluster is there at once and counted', async (t) => {
  const { clusters, upsert, stat } = clustersFixture();
  t.equal(clusters.get('c'), null);
  upsert(clusterConfig({ endpoints: [endpointConfig(), endpointConfig({ port: 8081 })] }));
  t.strictSame(addresses(clusters.get('c')), ['127.0.0.1:8080', '127.0.0.1:8081']);
  t.equal(stat('cluster_manager.active_clusters'), 1);
  t.equal(stat('cluster.c.membership_total'), 2);
  t.equal(stat('cluster.c.membership_healthy'), 2);
  t.equal(stat('cluster.c.membership_change'), 1);
});

t.test('the same configuration again does nothing', async (t) => {
  const { clusters, upsert } = clustersFixture();
  upsert(clusterConfig());
  const before = clusters.get('c');
  upsert(clusterConfig());
  t.equal(clusters.get('c'), before);
});

t.test('a changed configuration takes over while requests in flight finish', async (t) => {
  const { clusters, upsert, connector, stat } = clustersFixture();
  upsert(clusterConfig());
  const old = clusters.get('c') as WorkerCluster;
  const waiter = new FakeWaiter();
  old.httpPool(old.hostSet.hosts[0] as Host, 'HTTP/1.1')?.acquire(waiter);
  connector.last().accept();
  upsert(clusterConfig({ connectTimeoutMs: 1 }));
  t.not(clusters.get('c'), old);
  t.equal(stat('cluster_manager.active_clusters'), 1);
  t.equal(stat('cluster.c.upstream_rq_active'), 1, 'counted on under the same name');
  connector.last().receive('R');
  t.equal(waiter.state, 'answered');
  t.equal(connector.live().length, 0);
  t.equal(stat('cluster.c.upstream_rq_total'), 1, 'statistics outlive the old cluster');
});

t.test('a removed cluster is gone by name at once', async (t) => {
  const { clusters, upsert, remove, stat, stats } = clustersFixture();
  upsert(clusterConfig(), clusterConfig({ name: 'd' }));
  remove('c');
  remove('unknown');
  t.equal(clusters.get('c'), null);
  t.strictSame(
    [...clusters.clusters()].map((cluster) => cluster.config.name),
    ['d'],
  );
  t.equal(stat('cluster_manager.active_clusters'), 1);
  t.notOk('cluster.c.upstream_rq_total' in stats.snapshot().counters);
});

t.test('a DNS cluster is warming until its first endpoints, even if there are none', async (t) => {
  const { clusters, upsert, stat } = clustersFixture();
  upsert(dnsCluster());
  t.equal(clusters.get('c'), null);
  t.equal(stat('cluster_manager.warming_clusters'), 1);
  clusters.setEndpoints('c', []);
  t.strictSame(addresses(clusters.get('c')), []);
  t.equal(stat('cluster_manager.warming_clusters'), 0);
  t.equal(clusters.get('c')?.pickHost(balancerContext()), null);
});

t.test('a replaced DNS cluster serves until the new one is warm', async (t) => {
  const { clusters, upsert, remove, stat } = clustersFixture();
  upsert(clusterConfig());
  const old = clusters.get('c');
  upsert(dnsCluster());
  t.equal(clusters.get('c'), old);
  upsert(dnsCluster({ connectTimeoutMs: 7 }));
  upsert(dnsCluster({ connectTimeoutMs: 7 }));
  clusters.setEndpoints('c', [{ ip: '10.0.0.1', port: 80, endpointIndex: 0 }]);
  t.equal(clusters.get('c')?.config.connectTimeoutMs, 7);
  upsert(clusterConfig(), dnsCluster());
  upsert(clusterConfig());
  t.equal(clusters.get('c')?.config.discovery, 'static', 'the warming one was given up');
  t.equal(stat('cluster_manager.warming_clusters'), 0);
  remove('c');
  clusters.setEndpoints('c', []);
  t.equal(clusters.get('c'), null);
});

t.test('hosts that keep their address keep their identity and connections', async (t) => {
  const { clusters, upsert, connector, stat } = clustersFixture();
  upsert(dnsCluster());
  clusters.setEndpoints('c', [
    { ip: '10.0.0.1', port: 80, endpointIndex: 0 },
    { ip: '10.0.0.2', port: 81, endpointIndex: 1 },
  ]);
  const cluster = clusters.get('c') as WorkerCluster;
  const [first, second] = cluster.hostSet.hosts as [Host, Host];
  t.strictSame([first.hostname, second.hostname], ['a.test', 'named']);
  t.equal(stat('cluster.c.max_host_weight'), 5);
  for (const each of [first, second]) {
    cluster.httpPool(each, 'HTTP/1.1')?.acquire(new FakeWaiter());
    connector.last().accept();
    connector.last().receive('R');
  }
  clusters.setEndpoints('c', [
    { ip: '10.0.0.3', port: 80, endpointIndex: 0 },
    { ip: '10.0.0.2', port: 81, endpointIndex: 1 },
    { ip: '10.0.0.2', port: 81, endpointIndex: 1 },
    { ip: '10.0.0.4', port: 80, endpointIndex: 9 },
  ]);
  t.strictSame(addresses(cluster), ['10.0.0.3:80', '10.0.0.2:81']);
  t.equal(cluster.hostSet.hosts[1], second);
  t.strictSame(
    connector.connections.map((connection) => connection.isClosed),
    [true, false],
  );
  t.equal(stat('cluster.c.membership_change'), 2);
  t.equal(stat('cluster_manager.cluster_updated'), 1);
});

t.test('a LOGICAL_DNS host moves, its connections stay', async (t) => {
  const { clusters, upsert, connector } = clustersFixture();
  upsert(dnsCluster({ discovery: 'logical-dns' }));
  clusters.setEndpoints('c', [{ ip: '10.0.0.1', port: 80, endpointIndex: 0 }]);
  const cluster = clusters.get('c') as WorkerCluster;
  const [only] = cluster.hostSet.hosts as [Host];
  cluster.httpPool(only, 'HTTP/1.1')?.acquire(new FakeWaiter());
  connector.last().accept();
  clusters.setEndpoints('c', [{ ip: '10.0.0.2', port: 80, endpointIndex: 0 }]);
  clusters.setEndpoints('c', []);
  t.strictSame(addresses(cluster), ['10.0.0.2:80']);
  t.equal(cluster.hostSet.hosts[0], only);
  t.equal(connector.last().isClosed, false);
  cluster.httpPool(only, 'HTTP/1.1')?.acquire(new FakeWaiter());
  t.equal(connector.last().remoteAddress.text, '10.0.0.2:80');
});

t.test('connections are made as the cluster says', async (t) => {
  const { clusters, upsert, connector } = clustersFixture();
  upsert(
    clusterConfig({
      endpoints: [endpointConfig({ address: '/run/app.sock', port: -1 })],
      perConnectionBufferLimitBytes: 4096,
      tcpKeepalive: { idleMs: 1000 },
      sourceAddresses: [{ ip: '127.0.0.9', port: 0, socketOptions: [] }],
    }),
  );
  const cluster = clusters.get('c') as WorkerCluster;
  cluster.httpPool(cluster.hostSet.hosts[0] as Host, 'HTTP/1.1')?.acquire(new FakeWaiter());
  t.equal(connector.last().remoteAddress.text, '/run/app.sock');
  t.strictSame(connector.last().options, {
    bufferLimitBytes: 4096,
    keepalive: { idleMs: 1000 },
    bindAddress: { ip: '127.0.0.9', port: 0, socketOptions: [] },
    socketOptions: [],
  });
});

t.test('names with a colon are made fit for statistics', async (t) => {
  const { upsert, stat } = clustersFixture();
  upsert(clusterConfig({ name: 'a:80', observabilityName: 'b:80' }));
  t.equal(stat('cluster.b_80.upstream_cx_total'), 0);
});
