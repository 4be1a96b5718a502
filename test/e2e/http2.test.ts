// HTTP/2 of clients in front of an upstream of HTTP/1.1, with Node's own client and with one that
// sends single frames.
import fs from 'node:fs';
import http2 from 'node:http2';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import {
  dataFrame,
  FLAG,
  goawayFrame,
  headersFrame,
  PREFACE,
  resetFrame,
  SETTING,
  settingsFrame,
  splitHeaders,
} from '../support/h2-frames.ts';
import type { Field } from '../support/h2-hpack.ts';
import { fieldOf, statusOf } from '../support/h2-peer.ts';
import { routeTo } from '../support/rig-bootstrap.ts';
import type { Echo } from '../support/scripted-upstream.ts';
import { type Rig, type RigOptions, withRig } from '../support/with-rig.ts';

const LISTENERS: RigOptions = {
  routes: [
    { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'hi' } } },
    routeTo('/slow', { timeout: '0.2s' }),
  ],
  listeners: {
    only2: { hcm: { codec_type: 'HTTP2' } },
    only1: { hcm: { codec_type: 'HTTP1' } },
    edge: { hcm: { use_remote_address: true } },
    strict: {
      hcm: {
        common_http_protocol_options: {
          headers_with_underscores_action: 'REJECT_REQUEST',
          max_headers_count: 10,
        },
        max_request_headers_kb: 2,
      },
    },
    tolerant: { hcm: { stream_error_on_invalid_http_message: true } },
    idle: {
      hcm: { common_http_protocol_options: { idle_timeout: '0.2s' }, drain_timeout: '0.3s' },
    },
    twice: {
      hcm: {
        common_http_protocol_options: { max_requests_per_connection: 2 },
        drain_timeout: '0.2s',
      },
    },
    quiet: { hcm: { stream_idle_timeout: '0.3s' } },
    hasty: { hcm: { request_headers_timeout: '0.2s' } },
  },
};

const get = (path: string, ...fields: Field[]): Field[] => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ...fields,
];
const post = (path: string, ...fields: Field[]): Field[] => [
  [':method', 'POST'],
  ...get(path, ...fields).slice(1),
];

/** What Node's client got. */
interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: string;
}

interface Ask {
  readonly body?: string | Buffer;
  readonly trailers?: http2.OutgoingHttpHeaders;
}

/** One exchange by Node's client. */
function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  { body, trailers }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, {
      endStream: body === undefined,
      waitForTrailers: trailers !== undefined,
    });
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    let head: http2.IncomingHttpHeaders = {};
    let tail: http2.IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (response) => {
      head = response;
    });
    stream.on('trailers', (received) => {
      tail = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ status: Number(head[':status']), headers: head, trailers: tail, body: text });
    });
    if (body !== undefined) stream.end(body);
  });
}

async function withSession(
  rig: Rig,
  use: (session: http2.ClientHttp2Session) => Promise<void>,
  listener = 'main',
): Promise<void> {
  const session = http2.connect(`http://${await rig.address(listener)}`);
  try {
    await use(session);
  } finally {
    session.destroy();
  }
}

t.test('HTTP/2', async (t) => {
  await withRig(LISTENERS, async (rig) => {
    await t.test("Node's client", (t) => nodeClient(t, rig));
    await t.test('many at once', (t) => manyAtOnce(t, rig));
    await t.test('large content', (t) => largeContent(t, rig));
    await t.test('content that is not read', (t) => unreadContent(t, rig));
    await t.test('which codec', (t) => whichCodec(t, rig));
    await t.test('Upgrade: h2c', (t) => upgradeToH2c(t, rig));
    await t.test('heads and their rules', (t) => heads(t, rig));
    await t.test('resets and their log lines', (t) => resets(t, rig));
    await t.test('limits of heads', (t) => limits(t, rig));
    await t.test('malformed messages', (t) => malformed(t, rig));
    await t.test('responses before the end of their request', (t) => early(t, rig));
    await t.test('Expect', (t) => expectations(t, rig));
    await t.test('timeouts', (t) => timeouts(t, rig));
    await t.test('a head that never ends', (t) => unfinishedHead(t, rig));
    await t.test('connections that end politely', (t) => polite(t, rig));
    await t.test('cancelled streams in numbers', (t) => cancelled(t, rig));
  });
});

async function nodeClient(t: Test, rig: Rig): Promise<void> {
  await withSession(rig, async (session) => {
    const { status, headers, body } = await ask(session, {
      ':path': '/echo?q=1',
      cookie: ['a=1', 'b=2'],
      te: 'trailers',
      'x-mine': 'yes',
    });
    t.equal(status, 200);
    t.equal(headers['server'], 'envoy');
    const echo = JSON.parse(body) as Echo;
    t.equal(echo.target, '/echo?q=1');
    const fields = Object.fromEntries(echo.fields);
    t.match(fields, {
      host: (await rig.address()) as string,
      cookie: 'a=1; b=2',
      te: 'trailers',
      'x-mine': 'yes',
      'x-forwarded-proto': 'http',
    });
    t.notOk(echo.fields.some(([name]) => name.startsWith(':') || name === 'transfer-encoding'));
    const posted = await ask(session, { ':method': 'POST', ':path': '/post' }, { body: 'content' });
    t.match(JSON.parse(posted.body), { method: 'POST', body: 'content' });
    t.equal((await ask(session, { ':path': '/direct' })).body, 'hi');
    const head = await ask(session, { ':method': 'HEAD', ':path': '/direct' });
    t.match(head, { status: 200, body: '', headers: { 'content-length': '2' } });
  });
  t.equal(await rig.stat('http.main.downstream_cx_http2_total'), 1);
  t.equal(await rig.stat('http.main.downstream_rq_http2_total'), 4);
  await rig.reaches('http.main.downstream_cx_http2_active', 0);
  await rig.reaches('http2.streams_active', 0);
}

async function manyAtOnce(t: Test, rig: Rig): Promise<void> {
  await withSession(rig, async (session) => {
    const targets = Array.from({ length: 300 }, (_, index) => `/many-${index}`);
    const answers = await Promise.all(targets.map((path) => ask(session, { ':path': path })));
    const echoed = answers.map(({ body }) => (JSON.parse(body) as Echo).target);
    t.same(echoed, targets, 'each gets its own answer');
  });
}

async function largeContent(t: Test, rig: Rig): Promise<void> {
  const octets = 3_000_000;
  rig.upstream.on('/large', (_head, peer) => {
    peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${octets}\r\n\r\n`);
    peer.write('x'.repeat(octets));
  });
  await withSession(rig, async (session) => {
    const [down, up, small] = await Promise.all([
      ask(session, { ':path': '/large' }),
      ask(session, { ':method': 'POST', ':path': '/up' }, { body: 'y'.repeat(octets) }),
      ask(session, { ':path': '/small' }),
    ]);
    t.equal(down.body.length, octets);
    t.equal((JSON.parse(up.body) as Echo).body.length, octets);
    t.equal((JSON.parse(small.body) as Echo).target, '/small');
  });
}

/** Clients that ask for much and take nothing. */
async function unreadContent(t: Test, rig: Rig): Promise<void> {
  const count = 50;
  const client = await rig.http2('main', { givesCredit: false });
  const streams = Array.from({ length: count }, () => client.request(get('/large')));
  await client.until(() => streams.every(({ blocks }) => blocks.length > 0));
  await eventually(async () => {
    const paused = await rig.stat('cluster.main.upstream_flow_control_paused_reading_total');
    return paused >= count;
  });
  const waiting = await rig.stat('http2.pending_send_bytes');
  t.ok(waiting < count * 256 * 1024, `each holds a little: ${waiting} octets in all`);
  client.write(...streams.map(({ id }) => resetFrame(id, 'CANCEL')));
  await rig.reaches('http2.pending_send_bytes', 0);
  await rig.reaches('cluster.main.upstream_rq_active', 0);
  t.equal(client.end, null);
  client.close();
}

async function whichCodec(t: Test, rig: Rig): Promise<void> {
  const split = await rig.http2('main', { settings: null });
  for (const byte of PREFACE) split.write(Buffer.of(byte));
  split.write(settingsFrame());
  t.equal(statusOf(await split.done(split.request(get('/direct')))), '200', 'byte by byte');
  const one = await rig.client('only1');
  one.write(PREFACE);
  t.equal((await one.response()).head.status, 505, 'HTTP/1.1 only');
  const two = await rig.client('only2');
  two.write('GET /direct HTTP/1.1\r\nhost: a\r\n\r\n');
  t.ok(await two.ended());
  t.notMatch(two.unread, /HTTP\/1/, 'HTTP/2 only');
  const plain = await rig.get('/direct');
  t.equal(plain.head.status, 200, 'HTTP/1.1 on the same listener');
}

async function upgradeToH2c(t: Test, rig: Rig): Promise<void> {
  const fields =
    'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n';
  const echo = await rig.echo('/h2c', fields);
  const names = echo.fields.map(([name]) => name);
  t.notOk(
    names.some((name) => /upgrade|http2-settings/.test(name)),
    'answered as HTTP/1.1',
  );
}

async function heads(t: Test, rig: Rig): Promise<void> {
  const client = await rig.http2();
  const echoed = async (fields: readonly Field[]): Promise<Echo> => {
    const stream = await client.done(client.request(fields));
    return JSON.parse(stream.body) as Echo;
  };
  const withoutAuthority = get('/host-only', ['host', 'h.test']).filter(
    ([name]) => name !== ':authority',
  );
  const host = async (fields: readonly Field[]): Promise<string> =>
    Object.fromEntries((await echoed(fields)).fields)['host'] as string;
  t.equal(await host(withoutAuthority), 'h.test');
  t.equal(await host(get('/same', ['host', 'a.test'])), 'a.test');
  const fragment = await client.done(client.request(get('/a#b')));
  t.equal(statusOf(fragment), '400');
  const star = await client.done(client.request([[':method', 'OPTIONS'], ...get('*').slice(1)]));
  t.equal(statusOf(star), '404');
  t.equal(statusOf(await client.done(client.request(get('/direct')))), '200', 'it is still open');
  const edge = await rig.http2('edge');
  const https: Field[] = get('/https').map(([name, value]) =>
    name === ':scheme' ? [name, 'HTTPS'] : [name, value],
  );
  t.equal(statusOf(await edge.done(edge.request(https))), '200');
}

async function resets(t: Test, rig: Rig): Promise<void> {
  const client = await rig.http2();
  for (const path of ['/rst', '/refused', '/gone', '/open']) {
    rig.upstream.on(path, () => undefined);
  }
  const cancelled = client.request(get('/rst'));
  const refused = client.request(get('/refused'));
  const open = client.request(post('/open'), { endStream: false });
  await rig.reaches('http.main.downstream_rq_active', 3);
  client.write(
    resetFrame(cancelled.id, 'CANCEL'),
    resetFrame(refused.id, 'REFUSED_STREAM'),
    resetFrame(open.id, 'CANCEL'),
  );
  t.equal(await rig.verdict('/rst'), '0 DR http2.remote_reset');
  t.equal(await rig.verdict('/refused'), '0 DR http2.remote_refuse');
  t.equal(await rig.verdict('/open'), '0 DR http2.remote_reset');
  const gone = client.request(get('/gone'));
  await rig.reaches('http.main.downstream_rq_active', 1);
  client.write(goawayFrame(0, 'NO_ERROR'));
  await client.roundTrip();
  t.equal(gone.reset, null, "a client's GOAWAY ends nothing");
  client.close();
  t.equal(await rig.verdict('/gone'), '0 DC downstream_remote_disconnect');
  await rig.reaches('cluster.main.upstream_rq_active', 0);
}

async function limits(t: Test, rig: Rig): Promise<void> {
  const client = await rig.http2('strict');
  const many = Array.from({ length: 12 }, (_, index): Field => [`x-${index}`, 'v']);
  const cases = {
    many: [get('/', ...many), 'http2.too_many_headers'],
    large: [get('/', ['x', 'y'.repeat(3000)]), 'http2.header_list_size_too_large'],
    underscore: [get('/', ['x_y', 'z']), 'http2.unexpected_underscore'],
  } as const;
  for (const [title, [fields, details]] of Object.entries(cases)) {
    const lines = rig.log().length;
    const stream = await client.done(client.request(fields));
    t.ok(stream.reset, title);
    t.equal(client.end, null, 'the others go on');
    await eventually(() => rig.log().length > lines);
    const {
      code,
      flags,
      details: logged,
    } = rig.log().at(-1) as { code: number; flags: string; details: string };
    t.same([code, flags], [0, 'DR'], title);
    t.equal(logged, details);
  }
  t.equal(statusOf(await client.done(client.request(get('/fine')))), '200');
  t.equal(await rig.stat('http2.header_overflow'), 1);
  t.equal(await rig.stat('http2.header_list_size_too_large'), 1);
  t.equal(await rig.stat('http2.requests_rejected_with_underscores_in_headers'), 1);
}

async function malformed(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/beside', () => undefined);
  const before = await rig.stat('http.main.downstream_cx_protocol_error');
  const client = await rig.http2();
  const beside = client.request(get('/beside'));
  await rig.reaches('http.main.downstream_rq_active', 1);
  const bad = client.request(get('/', ['X-Upper', 'y']));
  await client.done(bad);
  await client.until(() => client.end !== null);
  t.match(client.goaways.at(-1), /PROTOCOL_ERROR/, 'it ends the connection');
  t.not(beside.isEnded, true);
  t.match(await rig.verdict('/beside'), /^0 DPE /);
  t.equal(await rig.stat('http.main.downstream_cx_protocol_error'), before + 1);
  const tolerant = await rig.http2('tolerant');
  const stream = await tolerant.done(tolerant.request(get('/', ['X-Upper', 'y'])));
  t.equal(stream.reset, 'PROTOCOL_ERROR', 'or its stream only');
  t.equal(statusOf(await tolerant.done(tolerant.request(get('/fine')))), '200');
  t.ok((await rig.stat('http2.rx_messaging_error')) >= 2);
}

async function early(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/early', (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly');
  });
  const client = await rig.http2();
  const stream = client.request(post('/early'), { endStream: false });
  await client.until(() => stream.isEnded && stream.reset !== null);
  t.equal(stream.body, 'early');
  t.equal(stream.reset, 'NO_ERROR', 'the rest of the request is not wanted (RFC 9113 §8.1)');
  client.write(dataFrame(stream.id, 'late', true));
  t.equal(statusOf(await client.done(client.request(get('/direct')))), '200');
  const direct = client.request(post('/direct'), { endStream: false });
  await client.until(() => direct.isEnded && direct.reset !== null);
  t.same([statusOf(direct), direct.reset], ['200', 'NO_ERROR']);
  t.equal(await rig.verdict('/early'), '200 - via_upstream');
}

async function expectations(t: Test, rig: Rig): Promise<void> {
  const client = await rig.http2();
  const stream = client.request(post('/expect', ['expect', '100-continue']), { endStream: false });
  await client.until(() => stream.blocks.length > 0);
  t.equal(fieldOf(stream.blocks[0], ':status'), '100');
  await client.sendBody(stream, 'content');
  await client.done(stream);
  t.equal(statusOf(stream), '200');
  t.match(JSON.parse(stream.body), { body: 'content' });
}

async function timeouts(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/slow', () => undefined);
  rig.upstream.on('/stalled', (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
  });
  const client = await rig.http2();
  t.equal(statusOf(await client.done(client.request(get('/slow')))), '504');
  const quiet = await rig.http2('quiet', { settings: [[SETTING.INITIAL_WINDOW_SIZE, 0]] });
  const head = quiet.request(post('/stream'), { endStream: false });
  const stalled = quiet.request(get('/stalled'));
  await quiet.until(() => head.blocks.length > 0 && stalled.reset !== null);
  t.equal(statusOf(head), '408');
  t.equal(stalled.reset, 'INTERNAL_ERROR');
  t.equal(await rig.verdict('/stalled'), '200 SI stream_idle_timeout');
  const flushed = await rig.stat('http2.tx_flush_timeout');
  const full = quiet.request(get('/direct'));
  await quiet.done(full);
  t.same([statusOf(full), full.reset], ['200', 'INTERNAL_ERROR'], 'no window for its content');
  t.ok((await rig.stat('http2.tx_flush_timeout')) > flushed);
  t.equal(quiet.end, null);
}

async function unfinishedHead(t: Test, rig: Rig): Promise<void> {
  // Nothing of a client's own accord may come inside a block: no credit, and SETTINGS are done with.
  const client = await rig.http2('hasty', { givesCredit: false });
  await client.roundTrip();
  const stream = client.stream(1);
  const head = splitHeaders(stream.id, get('/unfinished'), { size: 12, endStream: true });
  const last = head.length - 12;
  client.write(head.subarray(0, last));
  await client.until(() => stream.isEnded);
  t.equal(statusOf(stream), '408');
  t.equal(stream.body, 'request header timeout');
  client.write(head.subarray(last));
  client.write(headersFrame(3, get('/direct'), FLAG.END_HEADERS | FLAG.END_STREAM));
  t.equal(statusOf(await client.done(client.stream(3))), '200', 'its end is read past');
  t.equal(await rig.stat('http.hasty.downstream_rq_header_timeout'), 1);
}

async function polite(t: Test, rig: Rig): Promise<void> {
  const idle = await rig.http2('idle');
  await idle.done(idle.request(get('/direct')));
  await idle.until(() => idle.goaways.length === 1);
  t.match(idle.goaways[0], /^2147483647 NO_ERROR/);
  const late = await idle.done(idle.request(get('/direct')));
  t.equal(statusOf(late), '200', 'what was on its way is answered');
  await idle.until(() => idle.end !== null);
  t.match(idle.goaways[1], /^3 NO_ERROR/);
  const twice = await rig.http2('twice');
  const answers = ['/1', '/2', '/3'].map((path) => twice.request(get(path)));
  for (const answer of answers) t.equal(statusOf(await twice.done(answer)), '200');
  await twice.until(() => twice.end !== null);
  t.equal(twice.goaways.length, 2);
  const failing = await rig.http2();
  await failing.done(failing.request(get('/direct')));
  await rig.server.admin('/healthcheck/fail', 'POST');
  t.equal(failing.goaways.length, 0);
  await failing.done(failing.request(get('/direct')));
  await failing.until(() => failing.goaways.length === 1);
  await rig.server.admin('/healthcheck/ok', 'POST');
}

/** Memory of the proxy's process; 0 where the system does not tell. */
function residentBytes({ server }: Rig): number {
  const file = `/proc/${server.pid}/statm`;
  if (!fs.existsSync(file)) return 0;
  return Number(fs.readFileSync(file, 'utf8').split(' ')[1]) * 4096;
}

/** Far more than a client may give up on one connection, so on many; and on one. */
async function cancelled(t: Test, rig: Rig): Promise<void> {
  const streams = 200;
  rig.upstream.on('/cancel', () => undefined);
  const flood = async (): Promise<void> => {
    const client = await rig.http2();
    await client.roundTrip();
    for (let index = 0; index < streams; index += 1) {
      const id = 2 * index + 1;
      client.write(headersFrame(id, get('/cancel'), 5), resetFrame(id, 'CANCEL'));
    }
    await client.roundTrip();
    t.equal(client.end, null);
    client.close();
  };
  const served = rig.get('/direct');
  const before = residentBytes(rig);
  await Promise.all(Array.from({ length: 10 }, flood));
  t.equal((await served).head.status, 200);
  await rig.reaches('http.main.downstream_rq_active', 0);
  await rig.reaches('cluster.main.upstream_rq_active', 0);
  await rig.reaches('cluster.main.upstream_rq_pending_active', 0);
  const grown = residentBytes(rig) - before;
  t.ok(grown < 64 * 1024 * 1024, `it grew by ${grown} octets`);
  const client = await rig.http2();
  const open = client.request(get('/cancel'));
  for (let index = 1; index < 400; index += 1) {
    const id = 2 * index + 1;
    client.write(headersFrame(id, get('/cancel'), 5), resetFrame(id, 'CANCEL'));
  }
  await client.until(() => client.end !== null);
  t.notOk(open.isEnded);
  t.equal(await rig.stat('http.main.downstream_rq_too_many_premature_resets'), 1);
  await rig.reaches('http.main.downstream_rq_active', 0);
  await rig.probe();
}
