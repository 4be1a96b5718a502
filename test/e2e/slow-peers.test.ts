// Peers that take their time, and peers that want too much: every wait has its limit and every
// limit its answer. Nothing here is too slow: on a busy machine only too early can be told.
import t, { type Test } from 'tap';
import { timed } from '../support/fastest.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { routeTo } from '../support/rig-bootstrap.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const OPTIONS = {
  routes: [routeTo('/route-idle', { idle_timeout: '0.2s', timeout: '0s' })],
  listeners: {
    headers: { hcm: { request_headers_timeout: '0.2s' } },
    request: { hcm: { request_timeout: '0.2s' } },
    stream: { hcm: { stream_idle_timeout: '0.2s' } },
    duration: { hcm: { common_http_protocol_options: { max_stream_duration: '0.2s' } } },
    idle: {
      hcm: { common_http_protocol_options: { idle_timeout: '0.2s' }, drain_timeout: '0.3s' },
    },
    late: {
      hcm: { common_http_protocol_options: { idle_timeout: '0.2s' }, drain_timeout: '60s' },
    },
    age: {
      hcm: {
        common_http_protocol_options: { max_connection_duration: '0.2s' },
        drain_timeout: '0.2s',
      },
    },
    old: {
      hcm: {
        common_http_protocol_options: { max_connection_duration: '0.2s' },
        drain_timeout: '60s',
      },
    },
    thrice: { hcm: { common_http_protocol_options: { max_requests_per_connection: 3 } } },
    small: {
      hcm: {
        max_request_headers_kb: 1,
        common_http_protocol_options: { max_headers_count: 10 },
      },
    },
    underscores: {
      hcm: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } },
    },
  },
};

t.test('slow and greedy clients', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('a head that does not come', (t) => slowHead(t, rig));
    await t.test('a request that does not come', (t) => slowRequest(t, rig));
    await t.test('a stream on which nothing moves', (t) => idleStream(t, rig));
    await t.test('a stream that lasts too long', (t) => longStream(t, rig));
    await t.test('a connection without requests', (t) => idleConnection(t, rig));
    await t.test('an old connection', (t) => oldConnection(t, rig));
    await t.test('a connection that grows old inside a response', (t) => oldInside(t, rig));
    await t.test('a connection with many requests', (t) => manyRequests(t, rig));
    await t.test('heads beyond their limits', (t) => largeHeads(t, rig));
  });
});

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`;
const post = (target: string) => `POST ${target} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n`;

/** On a machine that is busy with other things a limit may be over before anything is done. */
const ATTEMPTS = 20;

/** A connection that was used once before it was told to end, and how many it took to get one. */
async function usedOnce(
  rig: Rig,
  listener: string,
): Promise<{ readonly client: RawPeer; readonly attempts: number; readonly startMs: number }> {
  for (let attempts = 1; ; attempts += 1) {
    const client = await rig.client(listener);
    const startMs = performance.now();
    client.write(get(`/${listener}-${attempts}`));
    const { head } = await client.response();
    if (head.get('connection') === null) return { client, attempts, startMs };
    if (attempts === ATTEMPTS) throw new Error(`no connection to ${listener} outlives a request`);
  }
}

async function slowHead(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client('headers');
  client.write('GET /head HTTP/1.1\r\nhost:');
  const took = await timed(async () => {
    const { head, body } = await client.response();
    t.equal(head.status, 408);
    t.equal(body, 'request header timeout');
    t.equal(head.get('connection'), 'close');
  });
  t.ok(took >= 190, `${took}`);
  await client.ended();
  t.equal(await rig.stat('http.headers.downstream_rq_header_timeout'), 1);
  const other = await rig.client('headers');
  // A connection that asks nothing has no head to wait for.
  await other.silence(250);
  other.write(get('/head-late'));
  t.equal((await other.response()).head.status, 200);
}

async function slowRequest(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client('request');
  client.write(`${post('/request')}half`);
  const { head, body } = await client.response();
  t.equal(head.status, 408);
  t.equal(body, 'request timeout');
  await client.ended();
  t.equal(await rig.verdict('/request'), '408 - request_overall_timeout');
  t.equal(await rig.stat('http.request.downstream_rq_timeout'), 1);
  await rig.probe();
}

async function idleStream(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/silent', () => undefined);
  rig.upstream.on('/route-idle', () => undefined);
  rig.upstream.on('/stops', (_head, peer) =>
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
  );
  for (const [listener, target] of [
    ['stream', '/silent'],
    ['main', '/route-idle'],
  ] as const) {
    const { head, body } = await rig.get(target, '', listener);
    t.equal(head.status, 504, target);
    t.equal(body, 'stream timeout');
    t.equal(await rig.verdict(target), '504 SI stream_idle_timeout');
    await rig.probe();
  }
  const client = await rig.client('stream');
  client.write(`${post('/half')}half`);
  const { head, body } = await client.response();
  t.equal(head.status, 408, 'the request is not complete');
  t.equal(body, 'stream timeout');
  await client.ended();
  await t.rejects(rig.get('/stops', '', 'stream'), { message: /cut \(/ });
  t.match(await rig.verdict('/stops'), /^200 SI stream_idle_timeout/);
  t.equal(await rig.stat('http.stream.downstream_rq_idle_timeout'), 3);
  t.ok(await survivesDripping(rig), 'every octet counts as a sign of life');
  await rig.probe();
}

/** True when a request that takes longer than the limit, octet by octet, is served. */
async function survivesDripping(rig: Rig): Promise<boolean> {
  for (let attempts = 1; attempts <= ATTEMPTS; attempts += 1) {
    const slow = await rig.client('stream');
    slow.write(post('/drips'));
    // What comes instead of silence is the answer that the limit is over.
    await slow.drip('123456789', 40).catch(() => undefined);
    const { head } = await slow.response();
    if (head.status === 200) return true;
  }
  return false;
}

async function longStream(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/long', () => undefined);
  const { head, body } = await rig.get('/long', '', 'duration');
  t.equal(head.status, 504);
  t.equal(body, 'downstream duration timeout');
  t.equal(await rig.verdict('/long'), '504 - max_duration_timeout');
  t.equal(await rig.stat('http.duration.downstream_rq_max_duration_reached'), 1);
  await rig.probe();
}

async function idleConnection(t: Test, rig: Rig): Promise<void> {
  const took = await timed(async () => {
    const fresh = await rig.client('idle');
    await fresh.ended();
    t.equal(fresh.bytesRead, 0, 'closed without a word');
  });
  t.ok(took >= 190, `${took}`);
  const used = await usedOnce(rig, 'idle');
  await used.client.ended();
  const after = performance.now() - used.startMs;
  // Envoy gives a request on its way the drain time.
  t.ok(after >= 490, `idle_timeout and drain_timeout: ${after}`);
  t.ok((await rig.stat('http.idle.downstream_cx_idle_timeout')) >= 1);
  const { client: late, attempts } = await usedOnce(rig, 'late');
  await rig.reaches('http.late.downstream_cx_idle_timeout', attempts);
  late.write(get('/late-again'));
  const last = await late.response();
  t.equal(last.head.status, 200, 'a request on its way is answered');
  t.equal(last.head.get('connection'), 'close');
  await late.ended();
}

async function oldConnection(t: Test, rig: Rig): Promise<void> {
  const { client, attempts } = await usedOnce(rig, 'old');
  await rig.reaches('http.old.downstream_cx_max_duration_reached', attempts);
  client.write(get('/old'));
  t.equal((await client.response()).head.get('connection'), 'close');
  await client.ended();
  const took = await timed(async () => {
    const idle = await rig.client('age');
    await idle.ended();
  });
  t.ok(took >= 190, `${took}`);
}

async function oldInside(t: Test, rig: Rig): Promise<void> {
  let finish: (() => void) | null = null;
  rig.upstream.on('/old-inside', async (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha');
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    peer.write('lf');
  });
  const client = await rig.client('age');
  client.write(get('/old-inside'));
  await client.takeThrough('\r\n\r\nha');
  await client.silence(600);
  (finish as (() => void) | null)?.();
  t.equal(await client.takeBytes(2), 'lf');
  t.equal(await client.ended(), 'fin', 'its time is over: it waits for no other request');
}

async function manyRequests(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client('thrice');
  client.write(get('/1') + get('/2') + get('/3') + get('/4'));
  t.equal((await client.response()).head.get('connection'), null);
  t.equal((await client.response()).head.get('connection'), null);
  t.equal((await client.response()).head.get('connection'), 'close');
  await client.ended();
  t.equal(client.unread, '');
  t.equal(await rig.stat('http.thrice.downstream_cx_max_requests_reached'), 1);
}

async function largeHeads(t: Test, rig: Rig): Promise<void> {
  const cases: Record<string, string> = {
    '/bytes': `x-a: ${'b'.repeat(1100)}\r\n`,
    '/count': 'x-a: b\r\n'.repeat(12),
  };
  for (const [target, fields] of Object.entries(cases)) {
    const client = await rig.client('small');
    client.write(get(target, fields));
    const { head, body } = await client.response();
    t.equal(head.status, 431, target);
    t.equal(body, 'Request Header Fields Too Large');
    t.equal(head.get('connection'), 'close');
    await client.ended();
  }
  t.ok((await rig.stat('http.small.downstream_cx_protocol_error')) >= 1);
  // A head that never ends is cut at the limit, however slowly it comes.
  const endless = await rig.client();
  endless.write('GET /endless HTTP/1.1\r\nhost: a\r\n');
  let lines = 0;
  // No further than a little beyond the limit: who writes to a closed connection loses the answer.
  while (endless.end === null && endless.unread === '' && lines < 700) {
    endless.write(`x-${lines}: ${'v'.repeat(100)}\r\n`);
    lines += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal((await endless.response()).head.status, 431);
  await rig.probe();
  t.equal((await rig.get('/limits', 'x-a: b\r\n'.repeat(5), 'small')).head.status, 200);
  const underscore = await rig.client('underscores');
  underscore.write(get('/underscore', 'x_a: b\r\n'));
  t.equal((await underscore.response()).head.status, 400);
  await underscore.ended();
}
