// Clusters of a worker whose hosts the primary checks.
import t from 'tap';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import { PLAIN_ENDPOINT_CHECK } from '../../proxy/model/health-check.ts';
import { CheckReporter } from '../../proxy/upstream/check-reporter.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { HEALTH_FLAG, printFlags } from '../../proxy/upstream/host-health.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, endpointConfig } from '../support/cluster-config.ts';
import { FakeWaiter } from '../support/fake-waiter.ts';
import { healthCheckConfig } from '../support/health-config.ts';
import { upstreamFixture } from '../support/upstream-fixture.ts';

const A = '127.0.0.1:8080';
const FAILED = HEALTH_FLAG.failedActiveCheck;

function fixture() {
  const upstream = upstreamFixture();
  const told: string[] = [];
  const clusters = new WorkerClusters({
    ...upstream.context,
    healthReports: {
      onClusterTraffic: (cluster) => void told.push(`${cluster} is used`),
      onImmediateFailure: (cluster, address) => void told.push(`${address} of ${cluster} fails`),
    },
  });
  const upsert = (...upserted: ClusterConfig[]) => clusters.apply({ upserted, removed: [] });
  const host = () => (clusters.get('c') as WorkerCluster).hostSet.hosts[0] as Host;
  return {
    ...{ ...upstream, clusters, told, upsert, host },
    setFlags: (flags: number) => clusters.setHostFlags('c', new Map([[A, flags]])),
    flagsOf: () => printFlags(host().healthFlags),
  };
}

function checked(members: Partial<ClusterConfig> = {}): ClusterConfig {
  return clusterConfig({ healthCheck: healthCheckConfig(), ...members });
}

t.test('a cluster is warming until its hosts are checked, and its hosts have failed', async (t) => {
  const { clusters, upsert, setFlags, flagsOf, stat } = fixture();
  upsert(checked());
  t.equal(clusters.get('c'), null);
  t.equal(stat('cluster_manager.warming_clusters'), 1);
  t.equal(stat('cluster.c.membership_healthy'), 0);
  setFlags(0);
  t.equal(clusters.get('c'), null, 'the primary has the word');
  clusters.setWarm('c');
  clusters.setWarm('c');
  clusters.setWarm('unknown');
  t.equal(flagsOf(), 'healthy');
  t.equal(stat('cluster_manager.warming_clusters'), 0);
  t.equal(stat('cluster.c.membership_healthy'), 1);
});

t.test('endpoints alone do not end the warming of a checked cluster', async (t) => {
  const { clusters, upsert } = fixture();
  upsert(checked({ discovery: 'strict-dns' }));
  clusters.setEndpoints('c', [{ ip: '10.0.0.1', port: 80, endpointIndex: 0 }]);
  t.equal(clusters.get('c'), null);
  clusters.setWarm('c');
  t.equal(clusters.get('c')?.hostSet.hosts.length, 1);
});

t.test('a host whose checks are switched off is healthy', async (t) => {
  const { clusters, upsert, flagsOf } = fixture();
  const check = { ...PLAIN_ENDPOINT_CHECK, isDisabled: true };
  upsert(checked({ endpoints: [endpointConfig({ check })] }));
  clusters.setWarm('c');
  t.equal(flagsOf(), 'healthy');
});

t.test('flags of checks mean nothing to a cluster without them', async (t) => {
  const { upsert, setFlags, flagsOf } = fixture();
  upsert(clusterConfig());
  setFlags(FAILED | HEALTH_FLAG.failedOutlierCheck);
  t.equal(flagsOf(), '/failed_outlier_check');
});

t.test('changes of health are no changes of membership', async (t) => {
  const { clusters, upsert, setFlags, stat } = fixture();
  upsert(checked());
  setFlags(0);
  clusters.setWarm('c');
  setFlags(FAILED | HEALTH_FLAG.excludedByImmediateFailure);
  t.equal(stat('cluster.c.membership_change'), 1);
  t.equal(stat('cluster.c.membership_excluded'), 1);
  setFlags(0);
  t.equal(stat('cluster.c.membership_excluded'), 0);
});

t.test('a host that fails gets new connections for further HTTP requests', async (t) => {
  const { clusters, connector, upsert, setFlags, host } = fixture();
  upsert(checked());
  setFlags(0);
  clusters.setWarm('c');
  const pool = clusters.get('c')?.httpPool(host(), 'HTTP/1.1');
  const [first, second] = [new FakeWaiter(), new FakeWaiter()];
  pool?.acquire(first);
  connector.last().accept();
  setFlags(FAILED);
  t.equal(connector.live().length, 1, 'a request finishes');
  connector.last().receive('R');
  t.equal(first.state, 'answered');
  t.equal(connector.live().length, 0);
  setFlags(0);
  pool?.acquire(second);
  connector.last().accept();
  t.equal(second.state, 'started');
  t.equal(connector.connections.length, 2);
});

t.test('what is relayed as it is goes down with its host where that is asked for', async (t) => {
  for (const closesOnHealthFailure of [false, true]) {
    const { clusters, connector, upsert, setFlags, host } = fixture();
    upsert(checked({ closesOnHealthFailure }));
    setFlags(0);
    clusters.setWarm('c');
    const waiter = new FakeWaiter();
    clusters.get('c')?.tunnelPool(host()).acquire(waiter);
    connector.last().accept();
    setFlags(FAILED);
    t.equal(connector.live().length, closesOnHealthFailure ? 0 : 1);
  }
});

t.test('the primary hears once that a cluster is used', async (t) => {
  const { clusters, upsert, host, told } = fixture();
  upsert(checked());
  clusters.setWarm('c');
  const pool = clusters.get('c')?.httpPool(host(), 'HTTP/1.1');
  pool?.acquire(new FakeWaiter());
  pool?.acquire(new FakeWaiter());
  t.strictSame(told, ['c is used']);
});

t.test('a host that says so is told of as long as it is not known to fail', async (t) => {
  const told: string[] = [];
  const reporter = new CheckReporter('c', {
    onClusterTraffic: () => undefined,
    onImmediateFailure: (cluster, address) => void told.push(`${cluster} ${address}`),
  });
  reporter.onImmediateFailure({ address: { text: A }, healthFlags: 0 });
  reporter.onImmediateFailure({ address: { text: A }, healthFlags: FAILED });
  t.strictSame(told, [`c ${A}`]);
});
