import t from 'tap';
import type { TimerWheel } from '../../../../proxy/base/timer-wheel.ts';
import type {
  Attempt,
  UpstreamRequestOwner,
} from '../../../../proxy/filters/http/router/attempt.ts';
import { RequestBuffer } from '../../../../proxy/filters/http/router/request-buffer.ts';
import { UpstreamRequest } from '../../../../proxy/filters/http/router/upstream-request.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { RequestHead } from '../../../../proxy/http/message.ts';
import type { StreamInfo } from '../../../../proxy/http/stream-info.ts';
import type { ClusterConfig } from '../../../../proxy/model/cluster.ts';
import type { ConnectionPool } from '../../../../proxy/upstream/conn-pool.ts';
import { clusterConfig } from '../../../support/cluster-config.ts';
import { emptyContext } from '../../../support/format-context.ts';
import { http, type PoolFixture, poolFixture } from '../../../support/pool-fixture.ts';

/** A router that writes down what it is told. */
class FakeOwner implements UpstreamRequestOwner {
  readonly info: StreamInfo = emptyContext().info;
  readonly timers: TimerWheel;
  readonly nowMs: () => number;
  readonly told: string[] = [];

  constructor({ clock }: PoolFixture) {
    this.timers = clock.timers;
    this.nowMs = () => clock.nowMs();
  }

  onUpstreamReady(): void {
    this.told.push('ready');
  }

  onUpstreamInformational(): void {
    this.told.push('informational');
  }

  onUpstreamHead(): void {
    this.told.push('head');
  }

  onUpstreamData(): boolean {
    this.told.push('data');
    return true;
  }

  onUpstreamTrailers(): void {
    this.told.push('trailers');
  }

  onUpstreamReset({ hasStarted }: Attempt, reason: string): void {
    this.told.push(`reset ${reason} ${hasStarted}`);
  }

  onUpstreamMaxDuration({ hasStarted }: Attempt): void {
    this.told.push(`max duration ${hasStarted}`);
  }

  onUpstreamTryTimeout(_attempt: Attempt, limit: string): void {
    this.told.push(`${limit} timeout`);
  }

  onUpstreamSlow(): void {
    this.told.push('slow');
  }

  onUpstreamWritable(): void {}
}

interface Sent {
  readonly pool: PoolFixture;
  readonly owner: FakeOwner;
  readonly request: UpstreamRequest;
}

function send(pool: PoolFixture, endStream = true, retained: RequestBuffer | null = null): Sent {
  const owner = new FakeOwner(pool);
  const target = { path: '/', authority: 'h.test', scheme: 'http' };
  const head = new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty());
  const { cluster, host } = pool;
  const place = {
    cluster,
    host,
    head,
    pool: cluster.httpPool(host, head.protocol) as ConnectionPool,
    ...{ retained, tryMs: 0, tryIdleMs: 0 },
  };
  const request = new UpstreamRequest(owner, place, endStream);
  request.start();
  return { pool, owner, request };
}

function h2Pool(members: Partial<ClusterConfig['http']> = {}): PoolFixture {
  return poolFixture(http({ protocol: 'http2', ...members }));
}

t.test('what GOAWAY refuses goes to another connection, unseen', async (t) => {
  const pool = h2Pool();
  const { owner, request } = send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('L100\nG0\n');
  t.equal(request.state, 'waiting');
  pool.connection(1).accept();
  t.equal(request.state, 'sending');
  t.equal(owner.info.upstreamConnectionId, pool.connection(1).id);
  pool.connection(1).receive('R1\n');
  t.strictSame(owner.told, ['ready', 'head']);
  t.equal(pool.count('upstream_rq_total'), 2);
  t.equal(pool.count('upstream_rq_rx_reset'), 0);
});

t.test('a request whose content is still to come goes with it', async (t) => {
  const pool = h2Pool();
  const { request } = send(pool, false);
  pool.connection(0).accept();
  pool.connection(0).receive('G0\n');
  request.sendData(Buffer.from('late'), true);
  t.equal(request.state, 'waiting');
  pool.connection(1).accept();
  pool.connection(1).receive('R1\n');
  t.equal(request.state, 'done');
});

t.test('content that was sent is gone: the request fails', async (t) => {
  for (const how of ['before', 'after', 'trailers'] as const) {
    const pool = h2Pool();
    const { owner, request } = send(pool, false);
    if (how === 'before') request.sendData(Buffer.from('early'), false);
    pool.connection(0).accept();
    if (how === 'after') request.sendData(Buffer.from('late'), false);
    if (how === 'trailers') request.sendTrailers(HeaderList.empty());
    pool.connection(0).receive('G0\n');
    t.strictSame(owner.told, ['ready', 'reset remote-refused false'], how);
  }
});

t.test('content that is kept goes with it', async (t) => {
  const pool = h2Pool();
  const retained = new RequestBuffer(true);
  const { owner, request } = send(pool, false, retained);
  retained.add(Buffer.from('early'));
  request.sendData(Buffer.from('early'), false);
  pool.connection(0).accept();
  retained.add(Buffer.from('late'));
  request.sendData(Buffer.from('late'), false);
  pool.connection(0).receive('G0\n');
  t.equal(request.state, 'waiting');
  pool.connection(1).accept();
  t.equal(request.state, 'sending');
  pool.connection(1).receive('R1\n');
  t.strictSame(owner.told, ['ready', 'head']);
});

t.test('a stream that the peer may have worked on is not sent again', async (t) => {
  const pool = h2Pool();
  const { owner } = send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('G1\nX1\n');
  t.strictSame(owner.told, ['ready', 'reset remote-reset false']);
});

t.test('a peer that refuses a stream although it takes others means it', async (t) => {
  const pool = h2Pool();
  send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('L100\n');
  const { owner } = send(pool);
  pool.connection(0).receive('F2\n');
  t.strictSame(owner.told, ['ready', 'reset remote-refused false']);
});

t.test('a stream that was one too many before SETTINGS came waits for room', async (t) => {
  const pool = h2Pool();
  const first = send(pool);
  const second = send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('L1\nF2\n');
  t.equal(second.request.state, 'waiting');
  pool.connection(0).receive('R1\n');
  t.equal(first.request.state, 'done');
  t.equal(second.request.state, 'sending', 'on the first connection that is free');
  pool.connection(0).receive('R3\n');
  t.strictSame(second.owner.told, ['ready', 'head']);
});

t.test('a peer that always goes away ends the matter', async (t) => {
  const pool = h2Pool();
  const { owner } = send(pool);
  for (let index = 0; index < pool.connector.connections.length; index += 1) {
    pool.connection(index).accept();
    pool.connection(index).receive('G0\n');
  }
  t.strictSame(owner.told, ['ready', 'reset remote-refused false']);
  t.equal(pool.connector.connections.length, 4);
});

t.test('a request that is given up while it waits again is cancelled', async (t) => {
  const pool = h2Pool();
  const { request, owner } = send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('G0\n');
  request.abort();
  t.equal(pool.count('upstream_rq_cancelled'), 1);
  pool.connection(1).accept();
  t.strictSame(owner.told, ['ready']);
});

t.test('max_stream_duration counts from when it is sent', async (t) => {
  for (const protocol of ['http1', 'http2'] as const) {
    const pool = poolFixture(http({ protocol, maxStreamDurationMs: 1000 }));
    const { owner, request } = send(pool);
    pool.clock.advance(900);
    pool.connection(0).accept();
    pool.clock.advance(900);
    t.equal(request.state, 'sending', protocol);
    pool.clock.advance(120);
    t.strictSame(owner.told, ['ready', 'max duration false']);
    t.equal(request.state, 'done');
    t.equal(pool.count('upstream_rq_max_duration_reached'), 1);
    t.equal(pool.count('upstream_rq_tx_reset'), protocol === 'http1' ? 0 : 1);
  }
});

t.test('a request that ends in time is not watched any longer', async (t) => {
  const pool = h2Pool({ maxStreamDurationMs: 1000, idleTimeoutMs: 0 });
  const { owner } = send(pool);
  pool.connection(0).accept();
  pool.connection(0).receive('R1\n');
  t.equal(pool.clock.timers.armedCount, 0);
  const failed = send(pool);
  pool.connection(0).receive('X2\n');
  t.equal(pool.clock.timers.armedCount, 0);
  t.strictSame(owner.told, ['ready', 'head']);
  t.strictSame(failed.owner.told, ['ready', 'reset remote-reset false']);
});

t.test('none is watched by default', async (t) => {
  t.equal(clusterConfig().http.maxStreamDurationMs, 0);
  const pool = h2Pool({ idleTimeoutMs: 0 });
  send(pool);
  pool.connection(0).accept();
  t.equal(pool.clock.timers.armedCount, 0);
});

/** What the monitor of the pool's host hears. */
function heard({ host }: PoolFixture): string[] {
  const told: string[] = [];
  host.monitor = {
    detectsDegraded: false,
    onResponse: (status) => told.push(String(status)),
    onDegradedResponse: () => told.push('degraded'),
    onLocalOrigin: (event) => told.push(event),
  };
  return told;
}

t.test('its host is blamed for a timeout once, and only while it owes a response', async (t) => {
  const pool = h2Pool();
  const told = heard(pool);
  const { request } = send(pool);
  request.noteTimeout();
  t.same(told, [], 'without a connection nobody is to blame');
  const late = h2Pool();
  const toldLate = heard(late);
  const sent = send(late);
  late.connection(0).accept();
  sent.request.noteTimeout();
  sent.request.noteTimeout();
  t.same(toldLate, ['connect-succeeded', 'timed-out']);
  const answered = h2Pool();
  const toldAnswered = heard(answered);
  const begun = send(answered);
  answered.connection(0).accept();
  answered.connection(0).receive('R1\n');
  begun.request.noteTimeout();
  t.same(toldAnswered, ['connect-succeeded']);
});
