// Connections that are made before a request wants them.
import t from 'tap';
import type { ClusterConfig, PoolRulesConfig } from '../../../proxy/model/cluster.ts';
import { HEALTH_FLAG } from '../../../proxy/upstream/host-health.ts';
import { CLIENT_CODECS } from '../../../proxy/upstream/pool/client-codecs.ts';
import type { WorkerCluster } from '../../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, clusterLimits, endpointConfig } from '../../support/cluster-config.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';
import { balancerContext } from '../../support/hosts.ts';
import { checkEmpty, poolFixture } from '../../support/pool-fixture.ts';
import { upstreamFixture } from '../../support/upstream-fixture.ts';

function rules(members: Partial<PoolRulesConfig>): Pick<ClusterConfig, 'pools'> {
  return { pools: { ...clusterConfig().pools, ...members } };
}

t.test('per_upstream_preconnect_ratio keeps connections ready beside those in use', async (t) => {
  const pool = poolFixture(rules({ preconnectRatio: 1.5 }));
  pool.ask();
  t.equal(pool.connector.connections.length, 2, 'one request is worth one and a half');
  pool.connection(0).accept();
  pool.connection(1).accept();
  const second = pool.ask();
  t.equal(second.state, 'started', 'on the one that was ready');
  t.equal(pool.connector.connections.length, 3, 'and the next one is on its way');
  pool.connection(2).accept();
  pool.connection(0).receive('R');
  pool.connection(1).receive('R');
  t.equal(pool.connector.connections.length, 3, 'the end of a request is no reason for another');
  pool.clusters.close();
  checkEmpty(t, pool);
});

t.test('a ratio asks for no more than three connections at once', async (t) => {
  const pool = poolFixture(rules({ preconnectRatio: 3 }));
  pool.ask();
  t.equal(pool.connector.connections.length, 3);
  pool.ask();
  t.equal(pool.connector.connections.length, 6);
  pool.ask();
  t.equal(pool.connector.connections.length, 9);
});

t.test('nothing is made ahead where it could do harm', async (t) => {
  const pool = poolFixture({
    ...rules({ preconnectRatio: 3 }),
    limits: clusterLimits({ maxConnections: 2 }),
  });
  pool.ask();
  t.equal(pool.connector.connections.length, 2, 'limits hold');
  t.equal(pool.count('upstream_cx_overflow'), 1);
  const sick = poolFixture(rules({ preconnectRatio: 3 }));
  sick.host.setPrimaryFlags(HEALTH_FLAG.failedOutlierCheck);
  sick.ask();
  t.equal(sick.connector.connections.length, 1, 'sick hosts get what is needed');
  const refused = poolFixture(rules({ preconnectRatio: 2 }));
  refused.ask();
  refused.connection(0).refuse();
  refused.connection(1).refuse();
  t.equal(refused.connector.connections.length, 2, 'who refuses is not asked in vain');
});

function manyHosts(members: Partial<ClusterConfig>) {
  const endpoints = [1, 2, 3].map((n) => endpointConfig({ address: `10.0.0.${n}` }));
  const pool = poolFixture({ endpoints, ...members });
  const request = (): FakeWaiter => {
    const context = balancerContext();
    const host = pool.cluster.pickHost(context);
    const waiter = new FakeWaiter();
    if (host !== null) pool.cluster.httpPool(host, 'HTTP/1.1', context)?.acquire(waiter);
    return waiter;
  };
  const targets = () => pool.connector.connections.map(({ remoteAddress }) => remoteAddress.ip);
  return { ...pool, request, targets };
}

t.test('predictive_preconnect_ratio connects to the hosts that come next', async (t) => {
  const pool = manyHosts(rules({ predictiveRatio: 2 }));
  pool.request();
  t.equal(pool.targets().length, 3, 'one for the request, two for those to come');
  t.equal(new Set(pool.targets()).size, 3);
  for (const index of [0, 1, 2]) pool.connection(index).accept();
  t.equal(pool.request().state, 'started', 'its host was ready for it');
  t.equal(pool.request().state, 'started', 'hosts take turns as ever');
});

t.test('hosts are foreseen in the order in which they are picked', async (t) => {
  const pool = manyHosts(rules({ predictiveRatio: 3 }));
  const picked = [1, 2, 3, 4, 5, 6].map(() => {
    const peeked = pool.cluster.peekHost(balancerContext());
    return [peeked?.address.ip, pool.cluster.pickHost(balancerContext())?.address.ip];
  });
  t.same(
    picked.map(([peeked]) => peeked),
    picked.map(([, host]) => host),
  );
  const ahead = [1, 2, 3, 4].map(() => pool.cluster.peekHost(balancerContext()) !== null);
  t.same(ahead, [true, true, true, false], 'one for each healthy host');
  const particular = { ...balancerContext(), hostSelectionAttempts: 1 };
  t.equal(pool.cluster.peekHost(particular), null, 'a retry avoids hosts: nobody knows');
});

t.test('without a ratio nothing is foreseen', async (t) => {
  const pool = manyHosts({});
  pool.request();
  t.equal(pool.connector.connections.length, 1);
  t.equal(pool.cluster.peekHost(balancerContext()), null);
});

t.test('what a server says first on a connection made ahead waits for its session', async (t) => {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters({ ...fixture.context, codecs: CLIENT_CODECS });
  const upserted = [clusterConfig(rules({ preconnectRatio: 2 }))];
  clusters.apply({ upserted, removed: [] });
  const cluster = clusters.get('c') as WorkerCluster;
  const host = cluster.pickHost(balancerContext());
  t.ok(host);
  if (host === null) return;
  cluster.tunnelPool(host).acquire(new FakeWaiter());
  t.equal(fixture.connector.connections.length, 2);
  for (const connection of fixture.connector.connections) connection.accept();
  const held = fixture.connector.connections.filter(({ isPaused }) => isPaused);
  t.equal(held.length, 1);
  cluster.tunnelPool(host).acquire(new FakeWaiter());
  t.equal(held[0]?.isPaused, false);
});
