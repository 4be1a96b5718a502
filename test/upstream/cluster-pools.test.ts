// Which connections a request may use: those of all clients, or of its own; those made since the
// hosts of its cluster changed.
import t from 'tap';
import { StreamInfo, tellDependants } from '../../proxy/http/stream-info.ts';
import type { ClusterConfig, PoolRulesConfig } from '../../proxy/model/cluster.ts';
import type { LoadBalancerContext } from '../../proxy/upstream/cluster-manager.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { clusterConfig, clusterLimits } from '../support/cluster-config.ts';
import { FakeWaiter } from '../support/fake-waiter.ts';
import { balancerContext } from '../support/hosts.ts';
import { poolFixture } from '../support/pool-fixture.ts';

function rules(members: Partial<PoolRulesConfig>): Pick<ClusterConfig, 'pools'> {
  return { pools: { ...clusterConfig().pools, ...members } };
}

function perClient(members: Partial<ClusterConfig> = {}) {
  const pool = poolFixture({ ...rules({ isPerDownstream: true }), ...members });
  const ask = (client: LoadBalancerContext): FakeWaiter | null => {
    const waiter = new FakeWaiter();
    const info = new StreamInfo(client.info.downstream, 0, 0);
    const request = { ...client, info };
    const found = pool.cluster.httpPool(pool.host, 'HTTP/1.1', request);
    found?.acquire(waiter);
    return found === null ? null : waiter;
  };
  return { ...pool, ask };
}

t.test('connection_pool_per_downstream_connection: no two clients share', async (t) => {
  const pool = perClient();
  const [one, other] = [balancerContext(), balancerContext()];
  pool.ask(one);
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(pool.ask(other)?.state, 'new', 'the idle connection is another client’s');
  t.equal(pool.ask(one)?.state, 'started', 'its own client uses it again');
  pool.connection(1).accept();
  t.equal(pool.connector.connections.length, 2);
});

t.test('connections of a client end with it, behind its requests', async (t) => {
  const pool = perClient();
  const [one, other] = [balancerContext(), balancerContext()];
  pool.ask(one);
  pool.ask(one);
  pool.ask(other);
  for (const index of [0, 1, 2]) pool.connection(index).accept();
  pool.connection(0).receive('R');
  tellDependants(one.info.downstream);
  t.equal(pool.connection(0).isClosed, true, 'it was idle');
  t.equal(pool.connection(1).isClosed, false, 'a copy for a mirror may outlive its client');
  pool.connection(1).receive('R');
  t.equal(pool.connection(1).isClosed, true);
  t.equal(pool.connection(2).isClosed, false);
});

t.test('pools of clients count as pools, and are none without connections', async (t) => {
  const pool = perClient({ limits: clusterLimits({ maxConnectionPools: 2 }) });
  const [one, other] = [balancerContext(), balancerContext()];
  t.not(pool.ask(one), null);
  t.equal(pool.ask(other), null, 'the fixture made one without a client');
  t.equal(pool.count('upstream_cx_pool_overflow'), 1);
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  pool.connection(0).end('peer-closed');
  t.not(pool.ask(other), null);
});

t.test('pools of clients go with their host', async (t) => {
  const pool = perClient();
  pool.clusters.setEndpoints('c', [{ ip: '10.0.0.1', port: 80, endpointIndex: 0 }]);
  const host = pool.clusters.get('c')?.hostSet.hosts[0] as Host;
  const client = balancerContext();
  pool.clusters.get('c')?.httpPool(host, 'HTTP/1.1', client)?.acquire(new FakeWaiter());
  const connection = pool.connector.last();
  connection.accept();
  connection.receive('R');
  pool.clusters.setEndpoints('c', [{ ip: '10.0.0.2', port: 80, endpointIndex: 0 }]);
  t.equal(connection.isClosed, true);
  tellDependants(client.info.downstream);
});

function named(members: Partial<ClusterConfig> = {}) {
  const pool = poolFixture(members);
  const ask = (name: string, priority: 'default' | 'high' = 'default'): FakeWaiter | null => {
    const names = {
      key: name,
      serverName: name,
      expectedName: '',
      applicationProtocols: [],
      source: null,
    };
    const request = { ...balancerContext(), names, priority };
    const waiter = new FakeWaiter();
    const found = pool.cluster.httpPool(pool.host, 'HTTP/1.1', request);
    found?.acquire(waiter);
    return found === null ? null : waiter;
  };
  return { ...pool, ask };
}

t.test('connections for one name are never used for another', async (t) => {
  const pool = named();
  pool.ask('a');
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(pool.ask('b')?.state, 'new');
  t.equal(pool.ask('a')?.state, 'started', 'its own are used again');
  t.equal(pool.ask('a', 'high')?.state, 'new');
  pool.ask('');
  t.equal(pool.connector.connections.length, 4);
});

t.test('pools of a name are gone with their last connection', async (t) => {
  const pool = named();
  for (let index = 0; index < 20; index += 1) {
    pool.ask(`name-${index}`);
    pool.connection(index).accept();
    pool.connection(index).receive('R');
    t.equal(pool.host.pools.all().length, 2, 'with that which the fixture made');
    pool.connection(index).end('peer-closed');
    t.equal(pool.host.pools.find(`name-${index}`), null);
  }
  t.equal(pool.host.pools.all().length, 1);
});

t.test('where pools are limited, one of another name that nobody uses makes room', async (t) => {
  const pool = named({ limits: clusterLimits({ maxConnectionPools: 2 }) });
  pool.ask('a');
  pool.connection(0).accept();
  pool.ask('b');
  t.equal(pool.ask('c'), null, 'all are in use');
  t.equal(pool.count('upstream_cx_pool_overflow'), 1);
  pool.connection(0).receive('R');
  t.equal(pool.ask('c')?.state, 'new');
  t.equal(pool.connection(0).isClosed, true, 'that of the first name');
  t.equal(pool.host.pools.find('a'), null);
});

t.test('pools of names go with their host', async (t) => {
  const pool = named();
  pool.ask('a');
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.host.pools.find('a'), null);
});

t.test('close_connections_on_host_set_change renews connections to hosts that stay', async (t) => {
  for (const closesOnHostSetChange of [false, true]) {
    const pool = poolFixture(rules({ closesOnHostSetChange }));
    const stays = { ip: '10.0.0.1', port: 80, endpointIndex: 0 };
    pool.clusters.setEndpoints('c', [stays]);
    const cluster = pool.clusters.get('c');
    const host = cluster?.hostSet.hosts[0] as Host;
    for (let count = 0; count < 2; count += 1) {
      cluster?.httpPool(host, 'HTTP/1.1')?.acquire(new FakeWaiter());
      pool.connector.last().accept();
    }
    const [idle, busy] = pool.connector.connections;
    idle?.receive('R');
    pool.clusters.setEndpoints('c', [stays]);
    t.equal(idle?.isClosed, false, 'the same hosts are no change');
    pool.clusters.setEndpoints('c', [stays, { ...stays, ip: '10.0.0.2' }]);
    t.equal(idle?.isClosed, closesOnHostSetChange);
    t.equal(busy?.isClosed, false, 'requests finish');
    busy?.receive('R');
    t.equal(busy?.isClosed, closesOnHostSetChange);
  }
});
