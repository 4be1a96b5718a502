// What a cluster's limits make of pools: priorities, hosts, numbers of pools.
import t from 'tap';
import type { Host } from '../../../proxy/upstream/host.ts';
import type { WorkerCluster } from '../../../proxy/upstream/worker-cluster.ts';
import { clusterConfig, clusterLimits, endpointConfig } from '../../support/cluster-config.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';
import { balancerContext } from '../../support/hosts.ts';
import { checkEmpty, limits, poolFixture } from '../../support/pool-fixture.ts';

type Priority = 'default' | 'high';

/** Asks for a host; '-': there may be no pool for it. */
function ask(cluster: WorkerCluster, host: Host, priority: Priority = 'default'): FakeWaiter | '-' {
  const pool = cluster.httpPool(host, 'HTTP/1.1', { ...balancerContext(), priority });
  if (pool === null) return '-';
  const waiter = new FakeWaiter();
  pool.acquire(waiter);
  return waiter;
}

function twoHosts(members: Parameters<typeof poolFixture>[0]) {
  const endpoints = ['10.0.0.1', '10.0.0.2'].map((address) => endpointConfig({ address }));
  const fixture = poolFixture({ endpoints, ...members });
  const [first, second] = fixture.cluster.hostSet.hosts;
  return { ...fixture, first: first as Host, second: second as Host };
}

t.test('each priority has connections and limits of its own', async (t) => {
  const pool = poolFixture({
    limits: clusterLimits({ maxRequests: 1 }),
    highLimits: clusterLimits({ maxRequests: 2 }),
  });
  const { cluster, host } = pool;
  const waiters = (['default', 'high', 'high'] as const).map((each) => ask(cluster, host, each));
  for (const index of [0, 1, 2]) pool.connection(index).accept();
  t.strictSame(
    waiters.map((waiter) => (waiter as FakeWaiter).state),
    ['started', 'started', 'started'],
  );
  t.equal((ask(cluster, host) as FakeWaiter).state, 'new', 'no connection of the other priority');
  pool.connection(3).accept();
  t.equal(pool.count('circuit_breakers.default.rq_open'), 1);
  t.equal(pool.count('circuit_breakers.high.rq_open'), 1);
  pool.clusters.close();
  checkEmpty(t, pool);
  t.equal(cluster.breakers('high').connections.taken, 0);
});

t.test('a host at its limit has requests wait for the connections it has', async (t) => {
  const pool = twoHosts(limits({ maxConnectionsPerHost: 1 }));
  const [one, two] = [ask(pool.cluster, pool.first), ask(pool.cluster, pool.first)];
  t.equal(pool.connector.connections.length, 1);
  t.equal(pool.count('upstream_cx_overflow'), 1);
  ask(pool.cluster, pool.second);
  t.equal(pool.connector.connections.length, 2, 'the other host is free');
  const high = ask(pool.cluster, pool.first, 'high') as FakeWaiter;
  t.equal(pool.connector.connections.length, 3, 'the other priority has no limit');
  pool.connection(0).accept();
  t.strictSame([(one as FakeWaiter).state, (two as FakeWaiter).state], ['started', 'new']);
  pool.connection(0).receive('R');
  t.equal((two as FakeWaiter).state, 'started');
  pool.connection(2).accept();
  t.equal(high.state, 'started');
});

t.test('the limit of a host outlives pools and ends with the host', async (t) => {
  const pool = twoHosts(limits({ maxConnectionsPerHost: 1 }));
  ask(pool.cluster, pool.first);
  pool.connection(0).accept();
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  pool.connection(0).receive('R');
  t.equal(pool.connector.live().length, 0);
  pool.clusters.apply({
    upserted: [clusterConfig(limits({ maxConnectionsPerHost: 1 }))],
    removed: [],
  });
  const again = pool.clusters.get('c') as WorkerCluster;
  ask(again, again.hostSet.hosts[0] as Host);
  t.equal(pool.connector.live().length, 1);
});

t.test('beyond max_connection_pools there is no pool, until one has no connection', async (t) => {
  const pool = twoHosts(limits({ maxConnectionPools: 1 }));
  t.equal(ask(pool.cluster, pool.second), '-', 'the fixture made the first host’s pool');
  t.equal(pool.count('upstream_cx_pool_overflow'), 1);
  t.not(ask(pool.cluster, pool.first), '-');
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(ask(pool.cluster, pool.second), '-', 'idle connections keep a pool');
  pool.connection(0).end('peer-reset');
  t.not(ask(pool.cluster, pool.second), '-');
  t.equal(ask(pool.cluster, pool.first), '-');
  t.equal(pool.count('circuit_breakers.default.cx_pool_open'), 1);
});

t.test('a host’s own pool that nobody uses makes room for another', async (t) => {
  const pool = poolFixture({
    ...limits({ maxConnectionPools: 1 }),
    http: { ...clusterConfig().http, protocol: 'downstream' },
  });
  pool.ask();
  pool.connection(0).accept();
  t.equal(pool.cluster.httpPool(pool.host, 'HTTP/2'), null, 'it is in use');
  pool.connection(0).receive('R');
  t.not(pool.cluster.httpPool(pool.host, 'HTTP/2'), null);
  t.equal(pool.connector.live().length, 0, 'the idle connection is closed');
  t.equal(pool.count('upstream_cx_pool_overflow'), 1);
});

t.test('a cluster that replaces another counts what that one still has', async (t) => {
  const pool = poolFixture(limits({ maxRequests: 2 }));
  const old = pool.ask();
  pool.connection(0).accept();
  const next = clusterConfig({ ...limits({ maxRequests: 2 }), connectTimeoutMs: 1 });
  pool.clusters.apply({ upserted: [next], removed: [] });
  const cluster = pool.clusters.get('c') as WorkerCluster;
  t.not(cluster, pool.cluster);
  const host = cluster.hostSet.hosts[0] as Host;
  const [one, two] = [ask(cluster, host) as FakeWaiter, ask(cluster, host) as FakeWaiter];
  pool.connection(1).accept();
  pool.connection(2).accept();
  t.strictSame([old.state, one.state, two.why], ['started', 'started', 'overflow|']);
  pool.connection(0).receive('R');
  t.equal((ask(cluster, host) as FakeWaiter).state, 'started');
});
