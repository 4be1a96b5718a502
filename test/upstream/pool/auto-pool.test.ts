// Pools whose connections speak what ALPN chose on each of them.
import t, { type Test } from 'tap';
import type { FakeWaiter } from '../../support/fake-waiter.ts';
import {
  checkEmpty,
  http,
  limits,
  type PoolFixture,
  poolFixture,
} from '../../support/pool-fixture.ts';
import { tlsInfo } from '../../support/tls-info.ts';

/** The handshake of a connection is over, and this was chosen. */
function accept(pool: PoolFixture, index: number, applicationProtocol: string): void {
  pool.connection(index).tls = tlsInfo({ applicationProtocol });
  pool.connection(index).accept();
}

const states = (waiters: readonly FakeWaiter[]): string =>
  waiters.map((waiter) => waiter.state).join(' ');
const counts = (pool: PoolFixture): readonly number[] =>
  ['http1_total', 'http2_total', 'total'].map((name) => pool.count(`upstream_cx_${name}`));

/** Nothing is left of a pool whose cluster, with its statistics, is gone. */
function checkGone(t: Test, pool: PoolFixture): void {
  t.match(pool.host.stats, { cxActive: 0, rqActive: 0, rqPendingActive: 0 });
  t.equal(pool.connector.live().length, 0);
  t.equal(pool.clock.timers.armedCount, 0);
}

t.test('a connection speaks nothing before the handshake, then what it chose', (t) => {
  const pool = poolFixture(http({ protocol: 'auto' }));
  const first = pool.ask();
  t.same(counts(pool), [0, 0, 1]);
  accept(pool, 0, 'h2');
  t.equal(first.connection?.protocol, 'HTTP/2');
  t.equal(pool.connection(0).written, 'Q1\n');
  t.same(counts(pool), [0, 1, 1]);
  t.equal(states([pool.ask(), pool.ask()]), 'started started', 'one connection for many');
  t.equal(pool.connector.connections.length, 1);
  t.end();
});

t.test('without a choice it is HTTP/1.1', (t) => {
  for (const chosen of ['http/1.1', '', 'unknown']) {
    const pool = poolFixture(http({ protocol: 'auto' }));
    const first = pool.ask();
    accept(pool, 0, chosen);
    t.equal(first.connection?.protocol, 'HTTP/1.1');
    t.same(counts(pool), [1, 0, 1]);
    const second = pool.ask();
    t.equal(second.state, 'new', 'one stream at a time');
    pool.connection(0).receive('R');
    t.equal(states([first, second]), 'answered started');
  }
  t.end();
});

t.test('one pool has connections of both protocols', (t) => {
  const pool = poolFixture(http({ protocol: 'auto' }));
  const waiting = [pool.ask(), pool.ask()];
  t.equal(pool.connector.connections.length, 2, 'nobody knows yet that they could share one');
  accept(pool, 0, 'http/1.1');
  accept(pool, 1, 'h2');
  t.same(
    waiting.map((waiter) => waiter.connection?.protocol),
    ['HTTP/1.1', 'HTTP/2'],
  );
  t.same(counts(pool), [1, 1, 2]);
  pool.connection(1).receive('R1\n');
  pool.connection(0).receive('R');
  t.equal(states(waiting), 'answered answered');
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  checkGone(t, pool);
  t.end();
});

t.test('who waits behind a limit shares the connection once it turns out to be HTTP/2', (t) => {
  const pool = poolFixture({ ...http({ protocol: 'auto' }), ...limits({ maxConnections: 1 }) });
  const waiting = [pool.ask(), pool.ask(), pool.ask()];
  t.equal(pool.connector.connections.length, 1);
  accept(pool, 0, 'h2');
  t.equal(states(waiting), 'started started started');
  t.end();
});

t.test('a connection that ends before it chose fails who waits', (t) => {
  for (const end of ['refused', 'ended', 'timeout'] as const) {
    const pool = poolFixture(http({ protocol: 'auto' }));
    const waiter = pool.ask();
    if (end === 'refused') pool.connection(0).refuse();
    else if (end === 'ended') pool.connection(0).end('peer-closed');
    else pool.clock.advance(60_000);
    t.match(waiter.state, 'failed');
    t.same(counts(pool), [0, 0, 1]);
    checkEmpty(t, pool);
  }
  t.end();
});

t.test('resets are those of the protocol that was chosen', (t) => {
  const pool = poolFixture(http({ protocol: 'auto' }));
  const [first, second] = [pool.ask(), pool.ask()];
  accept(pool, 1, 'http/1.1');
  accept(pool, 0, 'h2');
  first.sender?.reset('local-reset');
  t.equal(pool.count('upstream_rq_tx_reset'), 0, 'HTTP/1.1 has none');
  t.equal(pool.connection(1).isClosed, true);
  second.sender?.reset('local-reset');
  t.equal(pool.count('upstream_rq_tx_reset'), 1);
  t.equal(pool.connection(0).isClosed, false);
  t.end();
});

t.test('the pool drains and is renewed while nothing is chosen yet', (t) => {
  const pool = poolFixture(http({ protocol: 'auto' }));
  const waiter = pool.ask();
  pool.clusters.apply({ upserted: [], removed: ['c'] });
  accept(pool, 0, 'h2');
  t.equal(waiter.state, 'started');
  pool.connection(0).receive('R1\n');
  t.equal(waiter.state, 'answered');
  checkGone(t, pool);
  t.end();
});
