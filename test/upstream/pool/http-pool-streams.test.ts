// The pool with connections that carry many streams.
import t from 'tap';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import { clusterConfig } from '../../support/cluster-config.ts';
import { FakeWaiter } from '../../support/fake-waiter.ts';
import { checkEmpty, limits, type PoolFixture, poolFixture } from '../../support/pool-fixture.ts';

type Http = Partial<ClusterConfig['http']>;

function h2Pool(http: Http & { maxStreams?: number } = {}, rest: Partial<ClusterConfig> = {}) {
  const { maxStreams = 1024, ...members } = http;
  const http2 = { ...DEFAULT_H2_PROTOCOL_OPTIONS, maxConcurrentStreams: maxStreams };
  return poolFixture({
    http: { ...clusterConfig().http, protocol: 'http2', http2, ...members },
    ...rest,
  });
}

function states(waiters: readonly FakeWaiter[]): string {
  return waiters.map((waiter) => waiter.state).join(' ');
}

function ask(pool: PoolFixture, count: number): FakeWaiter[] {
  return Array.from({ length: count }, () => pool.ask());
}

t.test('many requests share one connection', async (t) => {
  const pool = h2Pool();
  const waiting = ask(pool, 3);
  t.equal(pool.connector.connections.length, 1, 'they wait for one');
  pool.connection(0).accept();
  t.equal(states(waiting), 'started started started');
  t.equal(pool.ask().state, 'started', 'inside acquire');
  t.equal(pool.connection(0).written, 'Q1\nQ2\nQ3\nQ4\n');
  t.equal(pool.count('upstream_cx_http2_total'), 1);
  t.equal(pool.count('upstream_cx_http1_total'), 0);
  t.equal(pool.count('upstream_rq_active'), 4);
  t.equal(pool.host.stats.rqActive, 4);
  t.strictSame(
    waiting.map((waiter) => waiter.isReused),
    [false, true, true],
  );
  pool.connection(0).receive('R2\nR1\nR3\n');
  t.equal(states(waiting), 'answered answered answered');
  t.equal(pool.count('upstream_rq_active'), 1);
  t.ok('cluster.c.http2.rx_reset' in pool.stats.snapshot().counters);
  t.notOk('cluster.c.http1.response_flood' in pool.stats.snapshot().counters);
});

t.test('statistics of the codec appear with the first connection', async (t) => {
  const pool = poolFixture();
  const names = (): string[] => Object.keys(pool.stats.snapshot().counters);
  t.notOk(names().includes('cluster.c.http2.rx_reset'));
  t.ok(names().includes('cluster.c.http1.response_flood'));
});

t.test('a full connection is left alone and another one is opened', async (t) => {
  const pool = h2Pool({ maxStreams: 2 });
  const first = ask(pool, 2);
  pool.connection(0).accept();
  t.equal(states(first), 'started started');
  const more = ask(pool, 3);
  t.equal(states(more), 'new new new');
  t.equal(pool.connector.connections.length, 3, 'two for three');
  pool.connection(0).receive('R1\n');
  t.equal(states(more), 'started new new', 'whoever is free first takes who waits longest');
  pool.connection(1).accept();
  t.equal(states(more), 'started started started');
  t.equal(more[2]?.connection?.id, pool.connection(1).id);
});

t.test('SETTINGS that allow fewer streams open further connections', async (t) => {
  const pool = h2Pool();
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('L2\n');
  const [second, ...more] = ask(pool, 6);
  t.equal(second?.state, 'started');
  t.equal(pool.connector.connections.length, 4, 'three more, for two streams each');
  for (const index of [1, 2, 3]) pool.connection(index).accept();
  t.equal(states(more), 'started started started started started');
  t.equal(pool.connection(1).written, 'Q1\nQ2\n', 'no more than the last one said');
  t.equal(pool.connection(3).written, 'Q1\n');
});

t.test('who waits for a connection that turns out small waits for more', async (t) => {
  const pool = h2Pool({ maxStreams: 2 });
  const waiting = ask(pool, 2);
  pool.connection(0).accept();
  t.equal(states(waiting), 'started started');
  pool.connection(0).receive('L1\nR1\n');
  const third = pool.ask();
  t.equal(third.state, 'new', 'one is still open, and one is what it takes');
  t.equal(pool.connector.connections.length, 2);
  pool.connection(0).receive('R2\n');
  t.equal(third.state, 'started');
});

t.test('no more than three connections are begun for one reason', async (t) => {
  const pool = h2Pool({ maxStreams: 10 });
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('L1\n');
  const waiting = ask(pool, 10);
  t.equal(pool.connector.connections.length, 11);
  for (const connection of pool.connector.connections.slice(1)) connection.accept();
  t.notMatch(states(waiting), /new/);
});

t.test('a limit that is raised serves who waits', async (t) => {
  const pool = h2Pool({}, { limits: { ...clusterConfig().limits, maxConnections: 1 } });
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('L1\n');
  const waiting = ask(pool, 3);
  t.equal(states(waiting), 'new new new');
  t.equal(pool.count('upstream_cx_overflow'), 3);
  pool.connection(0).receive('L3\n');
  t.equal(states(waiting), 'started started new');
  pool.connection(0).receive('L0\nR1\nR2\nR3\n');
  t.equal(states(waiting), 'answered answered new', 'none is allowed');
  pool.connection(0).receive('L1\n');
  t.equal(states(waiting), 'answered answered started');
});

t.test('a peer that allows no stream holds up nobody for ever', async (t) => {
  const pool = h2Pool({ idleTimeoutMs: 1000 });
  const first = pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('L0\nF1\n');
  t.match(first.why, /^remote-refused/);
  pool.clock.advance(1100);
  t.equal(pool.count('upstream_cx_idle_timeout'), 1);
  checkEmpty(t, pool);
});

t.test('GOAWAY refuses what is above its last stream and lets the others finish', async (t) => {
  const pool = h2Pool();
  const [first, second, third] = ask(pool, 3);
  pool.connection(0).accept();
  const again = new FakeWaiter();
  (third as FakeWaiter).onTold = () => pool.pool.acquire(again);
  pool.connection(0).receive('G2\n');
  t.equal(third?.why, 'remote-refused|');
  t.equal(third?.connection?.isGoingAway, true);
  t.equal(pool.count('upstream_cx_close_notify'), 1);
  t.equal(again.state, 'new', 'never on the same connection');
  t.equal(pool.connector.connections.length, 2);
  pool.connection(0).receive('R1\n');
  t.equal(first?.state, 'answered');
  t.equal(pool.connection(0).isClosed, false);
  pool.connection(0).receive('R2\n');
  t.equal(second?.state, 'answered');
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.count('upstream_cx_destroy_local'), 1);
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
  pool.connection(1).accept();
  t.equal(again.state, 'started');
});

t.test('GOAWAY on an idle connection closes it', async (t) => {
  const pool = h2Pool();
  pool.ask();
  pool.connection(0).accept();
  pool.connection(0).receive('R1\nG1\n');
  t.equal(pool.connection(0).isClosed, true);
  t.equal(pool.count('upstream_cx_close_notify'), 1);
  checkEmpty(t, pool);
});

t.test('GOAWAY while others wait opens a connection for them', async (t) => {
  const pool = h2Pool({ maxStreams: 1 });
  const [, waiting] = ask(pool, 2);
  pool.connection(0).accept();
  pool.connection(1).refuse();
  t.equal(waiting?.state, 'failed');
  const late = pool.ask();
  pool.connection(2).accept();
  t.equal(late.state, 'started');
  const last = pool.ask();
  t.equal(pool.connector.connections.length, 4);
  pool.connection(0).receive('G1\n');
  pool.connection(2).receive('G1\nR1\n');
  t.equal(pool.connection(2).isClosed, true);
  t.equal(last.state, 'new');
  pool.connection(3).accept();
  t.equal(last.state, 'started');
});

t.test('a connection that dies takes all of its streams along', async (t) => {
  for (const how of ['receiveEnd', 'reset'] as const) {
    const pool = h2Pool({ maxStreams: 4 });
    const streams = ask(pool, 4);
    pool.connection(0).accept();
    const again: FakeWaiter[] = [];
    for (const stream of streams) {
      stream.onTold = () => again.push(pool.ask());
    }
    if (how === 'receiveEnd') pool.connection(0).receiveEnd();
    else pool.connection(0).end('peer-reset', 'Connection reset by peer');
    t.equal(states(streams), 'reset reset reset reset', how);
    t.match(streams[3]?.why, /^connection-termination/);
    t.equal(pool.count('upstream_cx_destroy_remote_with_active_rq'), 1);
    t.equal(pool.count('upstream_rq_pending_failure_eject'), 4);
    t.equal(pool.count('upstream_rq_active'), 0);
    t.equal(states(again), 'new new new new', 'they wait for one new connection');
    t.equal(pool.connector.connections.length, 2);
    pool.connection(1).accept();
    t.equal(states(again), 'started started started started');
  }
});

t.test('a broken connection resets its streams as one that we ended', async (t) => {
  const pool = h2Pool();
  const streams = ask(pool, 2);
  pool.connection(0).accept();
  const again = new FakeWaiter();
  (streams[0] as FakeWaiter).onTold = () => pool.pool.acquire(again);
  pool.connection(0).receive('?\n');
  t.equal(streams[1]?.why, 'protocol-error|fake');
  t.equal(pool.count('upstream_cx_protocol_error'), 1);
  t.equal(pool.count('upstream_rq_tx_reset'), 2);
  t.equal(pool.count('upstream_cx_destroy_local'), 1);
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
  t.equal(again.state, 'new', 'who asks while it breaks waits for another connection');
  t.equal(pool.connection(0).closeMode, 'flush', 'what was written says why');
  pool.connection(1).accept();
  t.equal(again.state, 'started');
});

t.test('resets are counted by who sent them', async (t) => {
  const pool = h2Pool();
  const [remote, , local] = ask(pool, 3);
  pool.connection(0).accept();
  pool.connection(0).receive('X1\nF2\n');
  t.equal(remote?.why, 'remote-reset|');
  t.equal(pool.count('upstream_rq_rx_reset'), 1, 'who is refused was not begun');
  local?.sender?.reset('local-reset');
  t.equal(pool.count('upstream_rq_tx_reset'), 1);
  t.equal(pool.connection(0).isClosed, false);
  t.equal(pool.count('upstream_rq_active'), 0);
  pool.connection(0).receiveEnd();
  t.equal(pool.count('upstream_cx_destroy_with_active_rq'), 0);
});

t.test('a stream that is given up makes room at once', async (t) => {
  const pool = h2Pool({ maxStreams: 1 });
  const first = pool.ask();
  pool.connection(0).accept();
  const second = pool.ask();
  t.equal(second.state, 'new');
  first.sender?.reset('local-reset');
  t.equal(second.state, 'started');
  t.equal(second.connection?.id, pool.connection(0).id);
});

t.test('max_requests_per_connection bounds what waits for a connection', async (t) => {
  const pool = h2Pool({ maxRequestsPerConnection: 2 });
  const waiting = ask(pool, 3);
  t.equal(pool.connector.connections.length, 2);
  pool.connection(0).accept();
  t.equal(pool.count('upstream_cx_max_requests'), 1);
  t.equal(states(waiting), 'started started new');
  pool.connection(1).accept();
  pool.connection(0).receive('R1\n');
  t.equal(pool.connection(0).isClosed, false);
  pool.connection(0).receive('R2\n');
  t.equal(pool.connection(0).isClosed, true, 'behind its last stream');
  t.equal(pool.connection(1).isClosed, false);
});

t.test('the requests breaker counts streams', async (t) => {
  const pool = h2Pool({}, { limits: { ...clusterConfig().limits, maxRequests: 2 } });
  const waiting = ask(pool, 3);
  pool.connection(0).accept();
  t.equal(states(waiting), 'started started failed');
  t.equal(waiting[2]?.why, 'overflow|');
  t.equal(pool.count('circuit_breakers.default.rq_open'), 1);
  pool.connection(0).receive('R1\n');
  t.equal(pool.ask().state, 'started');
});

t.test('idle_timeout counts from the end of the last stream', async (t) => {
  const pool = h2Pool({ idleTimeoutMs: 1000 });
  ask(pool, 2);
  pool.connection(0).accept();
  pool.connection(0).receive('R1\n');
  pool.clock.advance(3000);
  t.equal(pool.connection(0).isClosed, false, 'one is still open');
  pool.connection(0).receive('R2\n');
  pool.clock.advance(900);
  t.equal(pool.connection(0).isClosed, false);
  pool.clock.advance(140);
  t.equal(pool.connection(0).isClosed, true);
  checkEmpty(t, pool);
});

t.test('max_connection_duration lets streams finish and takes no more', async (t) => {
  const pool = h2Pool({ maxConnectionDurationMs: 1000 });
  const [first] = ask(pool, 1);
  pool.connection(0).accept();
  pool.clock.advance(1040);
  const second = pool.ask();
  t.equal(second.state, 'new');
  pool.connection(0).receive('R1\n');
  t.equal(first?.state, 'answered');
  t.equal(pool.connection(0).isClosed, true);
  pool.connection(1).accept();
  t.equal(second.state, 'started');
});

t.test('a removed host finishes its streams and then closes', async (t) => {
  const pool = h2Pool();
  const streams = ask(pool, 2);
  pool.connection(0).accept();
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  pool.connection(0).receive('R1\n');
  t.equal(pool.connection(0).isClosed, false);
  pool.connection(0).receive('R2\n');
  t.equal(states(streams), 'answered answered');
  t.equal(pool.connection(0).isClosed, true);
  t.notOk('cluster.c.http2.rx_reset' in pool.stats.snapshot().counters, 'statistics are gone');
  t.equal(pool.clock.timers.armedCount, 0);
});

t.test('close cuts every stream and fails who waits', async (t) => {
  const pool = h2Pool({ maxStreams: 2 });
  const streams = ask(pool, 3);
  pool.connection(0).accept();
  pool.clusters.close();
  t.equal(states(streams), 'reset reset failed');
  checkEmpty(t, pool);
});

t.test('many requests that are given up as they start do not pile up', async (t) => {
  const pool = h2Pool(
    { maxStreams: 1 },
    limits({ maxConnections: 1, maxPendingRequests: 20000, maxRequests: 20000 }),
  );
  const waiting = ask(pool, 20000);
  for (const waiter of waiting) waiter.onTold = () => waiter.sender?.reset('local-reset');
  pool.connection(0).accept();
  t.equal(pool.count('upstream_rq_total'), 20000);
  t.equal(pool.count('upstream_rq_active'), 0);
});

t.test('the protocol may follow the request', async (t) => {
  const pool = poolFixture({ http: { ...clusterConfig().http, protocol: 'downstream' } });
  const old = new FakeWaiter();
  pool.cluster.httpPool(pool.host, 'HTTP/1.0')?.acquire(old);
  const second = new FakeWaiter();
  pool.cluster.httpPool(pool.host, 'HTTP/2')?.acquire(second);
  pool.connection(0).accept();
  pool.connection(1).accept();
  t.equal(old.connection?.protocol, 'HTTP/1.1');
  t.equal(second.connection?.protocol, 'HTTP/2');
  t.equal(pool.host.stats.cxActive, 2);
  t.equal(pool.cluster.httpPool(pool.host, 'HTTP/1.1'), pool.pool, 'one pool for HTTP/1');
  pool.connection(0).receive('R');
  pool.connection(1).receive('R1\n');
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  t.equal(pool.connector.live().length, 0, 'both pools drain');
});
