import t from 'tap';
import type { Host } from '../../../proxy/upstream/host.ts';
import type { WorkerCluster } from '../../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from '../../support/cluster-config.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';
import { checkEmpty, http, limits, poolFixture } from '../../support/pool-fixture.ts';
import { upstreamFixture } from '../../support/upstream-fixture.ts';

t.test('the first request waits for a connection and the next one reuses it', async (t) => {
  const pool = poolFixture();
  const first = pool.ask();
  t.equal(first.state, 'new');
  t.equal(pool.count('upstream_rq_pending_active'), 1);
  pool.connection(0).accept();
  t.equal(first.state, 'started');
  t.equal(first.isReused, false);
  t.equal(pool.count('upstream_rq_pending_active'), 0);
  pool.connection(0).receive('R');
  t.equal(first.state, 'answered');

  const second = pool.ask();
  t.equal(second.state, 'started', 'inside acquire');
  t.equal(second.isReused, true);
  t.equal(second.connection?.id, first.connection?.id);
  t.equal(pool.connector.connections.length, 1);
  t.match([pool.count('upstream_rq_total'), pool.count('upstream_rq_active')], [2, 1]);
  t.equal(pool.count('upstream_rq_pending_total'), 1, 'the second never waited');
  t.equal(pool.count('upstream_cx_http1_total'), 1);
  t.match(pool.host.stats, { rqTotal: 2, rqActive: 1, cxTotal: 1, cxActive: 1 });
});

t.test('the connection used last is used next', async (t) => {
  const pool = poolFixture();
  for (let index = 0; index < 3; index += 1) pool.ask();
  for (let index = 0; index < 3; index += 1) pool.connection(index).accept();
  for (const index of [0, 2, 1]) pool.connection(index).receive('R');
  t.equal(pool.ask().connection?.id, pool.connection(1).id);
  t.equal(pool.ask().connection?.id, pool.connection(2).id);
  t.equal(pool.ask().connection?.id, pool.connection(0).id);
});

t.test('waiting requests are served in order by whichever connection is free first', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 2 }));
  const waiters = [0, 1, 2, 3].map(() => pool.ask());
  t.equal(pool.connector.connections.length, 2);
  t.equal(pool.count('upstream_cx_overflow'), 2);
  t.equal(pool.count('circuit_breakers.default.cx_open'), 1);
  pool.connection(1).accept();
  t.strictSame(
    waiters.map((waiter) => waiter.state),
    ['started', 'new', 'new', 'new'],
  );
  pool.connection(1).receive('R');
  t.strictSame(
    waiters.map((waiter) => waiter.state),
    ['answered', 'started', 'new', 'new'],
  );
  pool.connection(0).accept();
  t.strictSame(
    waiters.map((waiter) => waiter.state),
    ['answered', 'started', 'started', 'new'],
  );
});

t.test('a request that leaves the queue is counted and leaves the others in order', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 1 }));
  const waiters = [0, 1, 2].map(() => pool.ask());
  pool.pool.cancel(waiters[1] as FakeWaiter);
  pool.pool.cancel(waiters[1] as FakeWaiter);
  t.equal(pool.count('upstream_rq_cancelled'), 1);
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.strictSame(
    waiters.map((waiter) => waiter.state),
    ['answered', 'new', 'started'],
  );
});

t.test('a full queue refuses at once', async (t) => {
  const pool = poolFixture(limits({ maxPendingRequests: 1 }));
  pool.ask();
  t.equal(pool.count('circuit_breakers.default.rq_pending_open'), 1);
  const refused = pool.ask();
  t.equal(refused.why, 'overflow|');
  t.equal(pool.count('upstream_rq_pending_overflow'), 1);
  pool.connection(0).accept();
  t.equal(pool.count('circuit_breakers.default.rq_pending_open'), 0);
});

t.test('max_pending_requests 0 refuses even the first request', async (t) => {
  const pool = poolFixture(limits({ maxPendingRequests: 0 }));
  t.equal(pool.ask().why, 'overflow|');
  t.equal(pool.connector.connections.length, 0);
});

t.test('max_requests refuses on a free connection and in the queue', async (t) => {
  const pool = poolFixture(limits({ maxRequests: 1 }));
  const [first, second] = [pool.ask(), pool.ask()];
  pool.connection(0).accept();
  t.equal(pool.count('circuit_breakers.default.rq_open'), 1);
  pool.connection(1).accept();
  t.equal(first?.state, 'started');
  t.equal(second?.why, 'overflow|');
  t.equal(pool.ask().why, 'overflow|');
  t.equal(pool.count('upstream_rq_active_overflow'), 2);
  pool.connection(0).receive('R');
  t.equal(pool.ask().state, 'started', 'both connections are still there');
  t.equal(pool.connector.live().length, 2);
});

t.test('a pool without any connection opens one past max_connections', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 0 }));
  const first = pool.ask();
  pool.ask();
  t.equal(pool.connector.connections.length, 1);
  t.equal(pool.count('upstream_cx_overflow'), 2);
  pool.connection(0).accept();
  t.equal(first.state, 'started');
});

t.test('a refused connection fails everybody who waits, and a retry waits anew', async (t) => {
  const pool = poolFixture();
  const waiters = [0, 1, 2].map(() => pool.ask());
  const retry = new FakeWaiter();
  (waiters[0] as FakeWaiter).onTold = () => pool.pool.acquire(retry);
  pool.connection(1).refuse();
  const why = 'connection-failure|delayed connect error: Connection refused';
  t.strictSame(
    waiters.map((waiter) => waiter.why),
    [why, why, why],
  );
  t.equal(retry.state, 'new');
  t.equal(pool.count('upstream_rq_pending_failure_eject'), 3);
  t.equal(pool.count('upstream_cx_connect_fail'), 1);
  t.equal(pool.count('upstream_rq_total'), 0);
  t.equal(pool.host.stats.cxConnectFail, 1);
  pool.connection(0).accept();
  t.equal(retry.state, 'started', 'on a connection that was under way already');
});

t.test('a connection that takes longer than connect_timeout is given up', async (t) => {
  const pool = poolFixture({ connectTimeoutMs: 250 });
  const waiter = pool.ask();
  pool.clock.advance(240);
  t.equal(waiter.state, 'new');
  pool.clock.advance(32);
  t.equal(waiter.why, 'connection-timeout|');
  t.equal(pool.count('upstream_cx_connect_timeout'), 1);
  t.equal(pool.count('upstream_cx_connect_fail'), 1);
  t.equal(pool.count('upstream_cx_destroy_local'), 1);
  checkEmpty(t, pool);
});

t.test('an idle connection closes after idle_timeout, a busy one does not', async (t) => {
  const pool = poolFixture(http({ idleTimeoutMs: 1000 }));
  pool.ask();
  pool.connection(0).accept();
  pool.clock.advance(3000);
  t.equal(pool.connection(0).isClosed, false, 'while its request runs');
  pool.connection(0).receive('R');
  pool.clock.advance(500);
  pool.ask();
  pool.connection(0).receive('R');
  pool.clock.advance(990);
  t.equal(pool.connection(0).isClosed, false, 'its last request is not long ago');
  pool.clock.advance(40);
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.count('upstream_cx_idle_timeout'), 1);
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
  checkEmpty(t, pool);
});

t.test('idle_timeout 0 never closes', async (t) => {
  const pool = poolFixture(http({ idleTimeoutMs: 0 }));
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(pool.clock.timers.armedCount, 0);
});

t.test('a connection ends behind its max_requests_per_connection-th request', async (t) => {
  const pool = poolFixture(http({ maxRequestsPerConnection: 2 }));
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(pool.connection(0).isClosed, false);
  t.equal(pool.count('upstream_cx_max_requests'), 0);
  pool.ask();
  t.equal(pool.count('upstream_cx_max_requests'), 1);
  const waiting = pool.ask();
  pool.connection(0).receive('R');
  t.equal(pool.connection(0).isClosed, true);
  pool.connection(1).accept();
  t.equal(waiting.state, 'started');
});

t.test('max_connection_duration closes when idle, else behind the request', async (t) => {
  const pool = poolFixture(http({ maxConnectionDurationMs: 1000 }));
  const running = pool.ask();
  pool.connection(0).accept();
  pool.clock.advance(1040);
  t.equal(pool.count('upstream_cx_max_duration_reached'), 1);
  t.equal(pool.connection(0).isClosed, false);
  pool.connection(0).receive('R');
  t.equal(running.state, 'answered');
  t.equal(pool.connection(0).isClosed, true);
  pool.ask();
  pool.connection(1).accept();
  pool.connection(1).receive('R');
  pool.clock.advance(1040);
  t.equal(pool.connection(1).isClosed, true);
  checkEmpty(t, pool);
});

t.test('connection: close ends the connection and the next request opens another', async (t) => {
  const pool = poolFixture();
  pool.ask();
  pool.connection(0).accept();
  const waiting = pool.ask();
  pool.pool.cancel(waiting);
  pool.connection(0).receive('C');
  t.equal(pool.count('upstream_cx_close_notify'), 1);
  t.equal(pool.count('upstream_cx_destroy_local'), 1);
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
  t.equal(pool.connection(0).isClosed, true);
});

t.test('an upstream that closes an idle connection is forgotten', async (t) => {
  for (const how of ['receiveEnd', 'reset'] as const) {
    const pool = poolFixture();
    pool.ask();
    pool.connection(0).accept();
    pool.connection(0).receive('R');
    if (how === 'receiveEnd') pool.connection(0).receiveEnd();
    else pool.connection(0).end('peer-reset', 'Connection reset by peer');
    t.equal(pool.count('upstream_cx_destroy_remote'), 1, how);
    t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
    checkEmpty(t, pool);
    t.equal(pool.ask().state, 'new', 'the next request opens another');
  }
});

t.test('an upstream that closes under a request resets it', async (t) => {
  for (const how of ['receiveEnd', 'reset'] as const) {
    const pool = poolFixture();
    const waiter = pool.ask();
    pool.connection(0).accept();
    if (how === 'receiveEnd') pool.connection(0).receiveEnd();
    else pool.connection(0).end('peer-reset', 'Connection reset by peer');
    t.equal(waiter.state, 'reset', how);
    t.match(waiter.why, /^connection-termination/);
    t.equal(pool.count('upstream_cx_destroy_remote_with_active_rq'), 1);
    t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 1);
    checkEmpty(t, pool);
  }
});

t.test('bytes on an idle connection close it', async (t) => {
  const pool = poolFixture();
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  pool.connection(0).receive('R');
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.count('upstream_cx_protocol_error'), 1);
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
});

t.test('bytes right behind a response never answer the next request', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 1 }));
  const [first, second] = [pool.ask(), pool.ask()];
  pool.connection(0).accept();
  pool.connection(0).receive('RR');
  t.equal(first?.state, 'answered');
  t.equal(second?.state, 'new');
  t.equal(pool.connection(0).isClosed, true);
  pool.connection(1).accept();
  pool.connection(1).receive('R');
  t.equal(second?.state, 'answered');
});

t.test('a broken response resets its request and ends the connection', async (t) => {
  const pool = poolFixture();
  const waiter = pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('?');
  t.equal(waiter.why, 'protocol-error|');
  t.equal(pool.count('upstream_cx_protocol_error'), 1);
  t.equal(pool.count('upstream_cx_destroy_local_with_active_rq'), 1);
  checkEmpty(t, pool);
});

t.test('a request that is given up takes its connection with it', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 1 }));
  const [first, second] = [pool.ask(), pool.ask()];
  pool.connection(0).accept();
  first?.sender?.reset('local-reset');
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.count('upstream_cx_destroy_local_with_active_rq'), 1);
  t.equal(pool.connector.connections.length, 2, 'for the one who waits');
  pool.connection(1).accept();
  t.equal(second?.state, 'started');
});

t.test('a request that is given up inside onPoolReady harms nobody', async (t) => {
  const pool = poolFixture();
  const [first, second] = [pool.ask(), pool.ask()];
  (first as FakeWaiter).onTold = (waiter) => waiter.sender?.reset('local-reset');
  pool.connection(0).accept();
  pool.connection(1).accept();
  t.equal(second?.state, 'started');
  pool.connection(1).receive('R');
  t.equal(pool.count('upstream_rq_active'), 0);
});

t.test('a drained pool closes idle connections and finishes what it has', async (t) => {
  const pool = poolFixture();
  for (let index = 0; index < 3; index += 1) pool.ask();
  pool.connection(0).accept();
  pool.connection(1).accept();
  pool.connection(1).receive('R');
  pool.connection(1).receive('R');
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  t.equal(pool.connection(1).isClosed, true, 'idle');
  t.equal(pool.connection(2).isClosed, true, 'nobody waits for it');
  t.equal(pool.connection(0).isClosed, false, 'in flight');
  t.ok('cluster.c.upstream_rq_total' in pool.stats.snapshot().counters);
  pool.connection(0).receive('R');
  t.equal(pool.connection(0).isClosed, true);
  t.notOk('cluster.c.upstream_rq_total' in pool.stats.snapshot().counters, 'statistics are gone');
  t.equal(pool.clock.timers.armedCount, 0);
});

t.test('a drained pool serves its queue first', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 1 }));
  const waiters = [pool.ask(), pool.ask()];
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  pool.connection(0).receive('R');
  t.strictSame(
    waiters.map((waiter) => waiter.state),
    ['answered', 'answered'],
  );
  t.equal(pool.connector.live().length, 0);
  t.equal(pool.connector.connections.length, 1);
});

t.test('many idle connections drain without deep recursion', async (t) => {
  const pool = poolFixture(
    limits({ maxConnections: 5000, maxPendingRequests: 5000, maxRequests: 5000 }),
  );
  for (let index = 0; index < 5000; index += 1) pool.ask();
  for (const connection of pool.connector.connections) connection.accept();
  for (const connection of pool.connector.connections) connection.receive('R');
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  t.equal(pool.connector.live().length, 0);
});

t.test('a request that picked its host before it went away is still served', async (t) => {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters(fixture.context);
  clusters.apply({ upserted: [clusterConfig()], removed: [] });
  const cluster = clusters.get('c') as WorkerCluster;
  const host = cluster.hostSet.hosts[0] as Host;
  clusters.apply({ upserted: [], removed: ['c'] });
  const waiter = new FakeWaiter();
  cluster.httpPool(host, 'HTTP/1.1')?.acquire(waiter);
  fixture.connector.last().accept();
  fixture.connector.last().receive('R');
  t.equal(waiter.state, 'answered');
  t.equal(fixture.connector.live().length, 0);
});

t.test('close cuts everything and fails who waits', async (t) => {
  const pool = poolFixture(limits({ maxConnections: 1 }));
  const [running, waiting] = [pool.ask(), pool.ask()];
  pool.connection(0).accept();
  pool.clusters.close();
  t.match(running?.why, /^connection-termination/);
  t.match(waiting?.why, /^connection-failure/);
  checkEmpty(t, pool);
});

t.test('octets are counted in both directions and shown while they wait', async (t) => {
  const pool = poolFixture();
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('R');
  t.equal(pool.count('upstream_cx_rx_bytes_total'), 1);
  t.equal(pool.count('upstream_cx_tx_bytes_total'), 1);
  pool.connection(0).bufferedBytes = 77;
  pool.clusters.refreshGauges();
  t.equal(pool.count('upstream_cx_tx_bytes_buffered'), 77);
});
