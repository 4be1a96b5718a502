// Upstreams that refuse, hang, die and talk nonsense: what the client gets, what the log says, and
// that the next request is none the worse for it.
import t, { type Test } from 'tap';
import { blackhole, closedPort } from '../support/dead-ports.ts';
import { eventually } from '../support/eventually.ts';
import { fastest, timed } from '../support/fastest.ts';
import type { RawMessage } from '../support/raw-message.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { routeTo } from '../support/rig-bootstrap.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';
const before = (reason: string) => `upstream_reset_before_response_started{${reason}}`;
const after = (reason: string) => `upstream_reset_after_response_started{${reason}}`;
/** The connection ended inside the response, or in front of it: complete it is not. */
const CUT = { message: /cut \(|ended \(reset\) instead of a response/ };
const OK_HEAD = 'HTTP/1.1 200 OK\r\n';

const refusedPort = await closedPort();
const hole = await blackhole();
t.teardown(() => hole.close());

/** Of something that a busy machine may make too late. */
const ATTEMPTS = 20;

const OPTIONS = {
  routes: [
    routeTo('/refused', { cluster: 'refused' }),
    routeTo('/hole', { cluster: 'hole' }),
    routeTo('/limited', { cluster: 'limited' }),
    routeTo('/limited-2', { cluster: 'limited' }),
    { match: { path: '/unknown' }, route: { cluster_header: 'x-cluster' } },
    routeTo('/empty', { cluster: 'empty' }),
    routeTo('/silent', { timeout: '0.4s' }),
    routeTo('/silent-in-body', { timeout: '0.4s' }),
    routeTo('/slow-upload', { timeout: '0.4s' }),
  ],
  clusters: (port: number) => ({
    refused: { port: refusedPort },
    hole: { port: hole.port, cluster: { connect_timeout: '1s' } },
    limited: {
      port,
      cluster: {
        circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 1 }] },
      },
    },
    empty: { port, cluster: { load_assignment: { cluster_name: 'empty' } } },
  }),
};

t.test('failing upstreams', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('refused', (t) => refused(t, rig));
    await t.test('never connected', (t) => neverConnected(t, rig));
    await t.test('closed before the head', (t) => closedBeforeHead(t, rig));
    await t.test('cut in the body', (t) => cutInBody(t, rig));
    await t.test('not HTTP', (t) => notHttp(t, rig));
    await t.test('silent', (t) => silent(t, rig));
    await t.test('overflow', (t) => overflow(t, rig));
    await t.test('nowhere to go', (t) => nowhere(t, rig));
  });
});

function isLocalReply(t: Test, response: RawMessage, status: number, body: string): void {
  t.equal(response.head.status, status);
  t.equal(response.body, body);
  t.equal(response.head.get('content-type'), 'text/plain');
  t.equal(response.head.get('content-length'), String(body.length));
  t.equal(response.head.get('server'), 'envoy');
  t.ok(response.head.get('date'));
  t.equal(response.head.get('x-envoy-upstream-service-time'), null);
}

async function refused(t: Test, rig: Rig): Promise<void> {
  const response = await rig.get('/refused');
  isLocalReply(t, response, 503, `${RESET}remote connection failure`);
  t.equal(response.head.get('x-envoy-overloaded'), null);
  const details = before('remote_connection_failure|delayed_connect_error:_Connection_refused');
  t.equal(await rig.verdict('/refused'), `503 UF ${details}`);
  const { transportFailure } = await rig.logged('/refused');
  t.equal(transportFailure, 'delayed_connect_error:_Connection_refused');
  t.equal(await rig.stat('cluster.refused.upstream_cx_connect_fail'), 1);
  t.equal(await rig.stat('cluster.refused.upstream_rq_pending_failure_eject'), 1);
  t.equal(await rig.stat('cluster.refused.upstream_rq_503'), 1);
  const took = await fastest(50, () => timed(() => rig.get('/refused')));
  t.ok(took < 50, `answers in less than 50 ms: ${took}`);
}

async function neverConnected(t: Test, rig: Rig): Promise<void> {
  const hole = async () => {
    isLocalReply(t, await rig.get('/hole'), 503, `${RESET}connection timeout`);
  };
  const took = await fastest(1100, () => timed(hole));
  t.ok(took >= 900 && took <= 1100, `the connect timeout of 1 s, give or take 10 %: ${took}`);
  t.equal(await rig.verdict('/hole'), `503 UF ${before('connection_timeout')}`);
  t.ok((await rig.stat('cluster.hole.upstream_cx_connect_timeout')) >= 1);
}

async function closedBeforeHead(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/closed', (_head, peer) => peer.close());
  rig.upstream.on('/reset', (_head, peer) => peer.reset());
  rig.upstream.on('/half-head', (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ncontent-le');
    peer.close();
  });
  for (const path of ['/closed', '/reset']) {
    isLocalReply(t, await rig.get(path), 503, `${RESET}connection termination`);
    t.equal(await rig.verdict(path), `503 UC ${before('connection_termination')}`);
    await rig.probe();
  }
  isLocalReply(t, await rig.get('/half-head'), 502, `${RESET}protocol error`);
  t.equal(await rig.verdict('/half-head'), `502 UPE ${before('protocol_error')}`);
  await rig.probe();
}

async function cutInBody(t: Test, rig: Rig): Promise<void> {
  const scripts: Record<string, string> = {
    '/cut-length': `${OK_HEAD}content-length: 100\r\n\r\nonly this`,
    '/cut-chunk': `${OK_HEAD}transfer-encoding: chunked\r\n\r\n64\r\nonly this`,
    '/no-last-chunk': `${OK_HEAD}transfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n`,
    '/cut-trailers': `${OK_HEAD}transfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n0\r\n`,
    '/bad-chunk': `${OK_HEAD}transfer-encoding: chunked\r\n\r\n9\r\nonly this\r\nxyz\r\n`,
  };
  for (const [path, text] of Object.entries(scripts)) {
    rig.upstream.on(path, (_head, peer) => {
      peer.write(text);
      peer.finish();
    });
    await t.rejects(rig.get(path), CUT, `${path}: the client sees that it is cut`);
    t.equal(await rig.verdict(path), `200 UPE ${after('protocol_error')}`, path);
    await rig.probe();
  }
  let reset: () => void = () => undefined;
  rig.upstream.on('/reset-in-body', (_head, peer) => {
    peer.write(`${OK_HEAD}content-length: 100\r\n\r\nonly this`);
    reset = () => peer.reset();
  });
  const client = await rig.client();
  client.write('GET /reset-in-body HTTP/1.1\r\nhost: a\r\n\r\n');
  t.equal((await client.head())?.status, 200);
  reset();
  await client.ended();
  t.equal(await rig.verdict('/reset-in-body'), `200 UPE ${after('protocol_error')}`);
  await rig.probe();
}

async function notHttp(t: Test, rig: Rig): Promise<void> {
  const scripts: Record<string, string> = {
    '/noise': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    '/twice': `${OK_HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
    '/smuggle': `${OK_HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    '/control': `${OK_HEAD}x-a: b\x00c\r\ncontent-length: 0\r\n\r\n`,
    '/many': `${OK_HEAD}${'x-a: b\r\n'.repeat(130)}content-length: 0\r\n\r\n`,
    '/big': `${OK_HEAD}x-a: ${'b'.repeat(100_000)}\r\ncontent-length: 0\r\n\r\n`,
    '/204-body': 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello',
    '/101': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  };
  for (const [path, text] of Object.entries(scripts)) {
    if (onEnvoy && path === '/101') continue;
    rig.upstream.on(path, (_head, peer) => peer.write(text));
    isLocalReply(t, await rig.get(path), 502, `${RESET}protocol error`);
    t.equal(await rig.verdict(path), `502 UPE ${before('protocol_error')}`);
    await rig.probe();
  }
}

async function silent(t: Test, rig: Rig): Promise<void> {
  let ended: Promise<unknown> = Promise.resolve();
  rig.upstream.on('/silent', (_head, peer) => {
    ended = peer.ended();
  });
  const ask = async () => {
    isLocalReply(t, await rig.get('/silent'), 504, 'upstream request timeout');
  };
  const took = await fastest(500, () => timed(ask));
  t.ok(took >= 395 && took < 500, `the route timeout, at most 100 ms late: ${took}`);
  t.equal(await rig.verdict('/silent'), '504 UT response_timeout');
  await ended;
  await rig.probe();
  rig.upstream.on('/silent-in-body', (_head, peer) => {
    peer.write(`${OK_HEAD}content-length: 100\r\n\r\nonly this`);
  });
  await t.rejects(rig.get('/silent-in-body'), CUT);
  t.match(await rig.verdict('/silent-in-body'), /^200 UT response_timeout/);
  t.ok((await rig.stat('cluster.main.upstream_rq_timeout')) >= 2);
  await rig.probe();
  await slowUpload(t, rig);
}

/** The route's time begins with the end of the request. */
async function slowUpload(t: Test, rig: Rig): Promise<void> {
  let status = 0;
  // On a busy machine the answer may take the route's time, too.
  for (let attempt = 1; status !== 200 && attempt <= ATTEMPTS; attempt += 1) {
    const client = await rig.client();
    client.write('POST /slow-upload HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n');
    await client.drip('12345678', 80);
    status = (await client.response()).head.status;
  }
  t.equal(status, 200, 'a slow request is no slow upstream');
}

async function overflow(t: Test, rig: Rig): Promise<void> {
  let holder: RawPeer | null = null;
  rig.upstream.on('/limited', (_head, peer) => {
    holder = peer;
  });
  const first = rig.get('/limited?1');
  await eventually(() => holder !== null);
  const second = rig.get('/limited-2?queued');
  await rig.reaches('cluster.limited.upstream_rq_pending_active', 1);
  const third = await rig.get('/limited?3');
  isLocalReply(t, third, 503, `${RESET}overflow`);
  t.equal(third.head.get('x-envoy-overloaded'), 'true');
  t.equal(await rig.verdict('/limited?3'), `503 UO ${before('overflow')}`);
  t.equal(await rig.stat('cluster.limited.upstream_rq_pending_overflow'), 1);
  t.equal(await rig.stat('cluster.limited.circuit_breakers.default.rq_pending_open'), 1);
  t.equal(await rig.stat('cluster.limited.circuit_breakers.default.cx_open'), 1);
  (holder as unknown as RawPeer).write(`${OK_HEAD}content-length: 4\r\n\r\nheld`);
  t.equal((await first).body, 'held', 'the one in flight is unharmed');
  t.match(JSON.parse((await second).body), { target: '/limited-2?queued' });
  await rig.reaches('cluster.limited.circuit_breakers.default.rq_pending_open', 0);
  t.equal(await rig.stat('cluster.limited.upstream_cx_total'), 1);
}

async function nowhere(t: Test, rig: Rig): Promise<void> {
  isLocalReply(t, await rig.get('/empty'), 503, 'no healthy upstream');
  t.equal(await rig.verdict('/empty'), '503 UH no_healthy_upstream');
  const unknown = await rig.get('/unknown', 'x-cluster: nobody\r\n');
  t.equal(unknown.head.status, 503);
  t.equal(unknown.head.get('content-length'), '0');
  t.equal(await rig.verdict('/unknown'), '503 NC cluster_not_found');
  await rig.probe();
}
