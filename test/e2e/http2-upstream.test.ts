// Upstreams that speak HTTP/2: how requests are laid on connections, what limits, refusals and ends
// of connections do to them, and large messages both ways.
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { dataFrame, goawayFrame, resetFrame, SETTING, splitHeaders } from '../support/h2-frames.ts';
import { h2Connect, type PeerStream, statusOf } from '../support/h2-peer.ts';
import { type H2Script, H2Upstream } from '../support/h2-upstream.ts';
import type { RawMessage } from '../support/raw-message.ts';
import type { Json } from '../support/rig-bootstrap.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const OK = [
  [':status', '200'],
  ['content-length', '2'],
] as const;
const MIB = 1024 * 1024;
const BODY_BYTES = 8 * MIB;

/** What a cluster of its own is made of. */
interface Case {
  /** The upstream's SETTINGS. */
  readonly settings?: readonly (readonly [number, number])[];
  readonly common?: Json;
  readonly use: (t: Test, at: Place) => Promise<void>;
}

/** One cluster with its scripted upstream; every path below `/<name>` goes there. */
class Place {
  readonly rig: Rig;
  readonly upstream: H2Upstream;
  readonly #name: string;

  constructor(rig: Rig, upstream: H2Upstream, name: string) {
    this.rig = rig;
    this.upstream = upstream;
    this.#name = name;
  }

  path(path: string): string {
    return `/${this.#name}${path}`;
  }

  on(path: string, script: H2Script): void {
    this.upstream.on(this.path(path), script);
  }

  get(path: string): Promise<RawMessage> {
    return this.rig.get(this.path(path));
  }

  verdict(path: string): Promise<string> {
    return this.rig.verdict(this.path(path));
  }

  stat(name: string): Promise<number> {
    return this.rig.stat(`cluster.${this.#name}.${name}`);
  }

  reaches(name: string, value: number): Promise<void> {
    return this.rig.reaches(`cluster.${this.#name}.${name}`, value);
  }

  /** Statuses of requests that are sent at once, each on a connection of its own. */
  async statuses(paths: readonly string[]): Promise<readonly number[]> {
    return Promise.all(paths.map(async (path) => (await this.get(path)).head.status));
  }
}

function numbered(path: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${path}?${index}`);
}

function h2Cluster(port: number, common: Json = {}) {
  const http = {
    explicit_http_config: { http2_protocol_options: {} },
    common_http_protocol_options: common,
  };
  return { port, http };
}

function routeBelow(name: string): Json {
  return { match: { prefix: `/${name}/` }, route: { cluster: name, timeout: '30s' } };
}

/** One proxy with a cluster and a scripted upstream for each case. */
async function runCases(t: Test, cases: Readonly<Record<string, Case>>): Promise<void> {
  const upstreams = new Map<string, H2Upstream>();
  const clusters: Record<string, ReturnType<typeof h2Cluster>> = {};
  for (const [name, { settings = [], common }] of Object.entries(cases)) {
    const upstream = new H2Upstream({ settings });
    upstreams.set(name, upstream);
    clusters[name] = h2Cluster(await upstream.listen(), common);
  }
  const options = { routes: Object.keys(cases).map(routeBelow), clusters: () => clusters };
  try {
    await withRig(options, async (rig) => {
      for (const [name, upstream] of upstreams) {
        await t.test(name, (t) => (cases[name] as Case).use(t, new Place(rig, upstream, name)));
        await upstream.close();
        t.strictSame(upstream.problems, []);
      }
    });
  } finally {
    for (const upstream of upstreams.values()) await upstream.close();
  }
}

function ok(stream: PeerStream): Buffer {
  return Buffer.concat([
    splitHeaders(stream.id, OK, { endStream: false }),
    dataFrame(stream.id, 'ok', true),
  ]);
}

t.test('HTTP/2 upstreams', { timeout: 120_000 }, async (t) => {
  await runCases(t, {
    limits: { settings: [[SETTING.MAX_CONCURRENT_STREAMS, 2]], use: limits },
    burst: { settings: [[SETTING.MAX_CONCURRENT_STREAMS, 3]], use: burst },
    resets: { use: resets },
    leaving: { use: leaving },
    late: { use: late },
    dying: { use: dying },
    broken: { use: broken },
    abandoned: { use: abandoned },
    timed: { common: { max_stream_duration: '0.3s' }, use: timed },
  });
});

/** Requests share connections as SETTINGS allow. */
async function limits(t: Test, at: Place): Promise<void> {
  const open = new Map<object, number>();
  let most = 0;
  const waiting: (() => void)[] = [];
  at.on('/held', async (stream, peer) => {
    const count = (open.get(peer) ?? 0) + 1;
    open.set(peer, count);
    most = Math.max(most, count);
    await new Promise<void>((resolve) => waiting.push(resolve));
    open.set(peer, (open.get(peer) ?? 0) - 1);
    peer.write(ok(stream));
  });
  t.equal((await at.get('/first')).head.status, 200);
  const answers = at.statuses(numbered('/held', 7));
  await eventually(() => waiting.length === 7);
  // Envoy puts all that waits on a new connection, whatever the last one said.
  if (!onEnvoy) t.equal(most, 2, 'never more than it said');
  if (!onEnvoy) t.equal(at.upstream.peers.length, 4);
  for (const answer of waiting) answer();
  t.strictSame(await answers, Array(7).fill(200));
  t.equal(await at.stat('upstream_cx_http2_total'), at.upstream.peers.length);
}

/** A burst at a peer whose limit is not known yet. */
async function burst(t: Test, at: Place): Promise<void> {
  const open = new Map<object, number>();
  at.on('/burst', async (stream, peer) => {
    const count = open.get(peer) ?? 0;
    if (count === 3) {
      peer.write(resetFrame(stream.id, 'REFUSED_STREAM'));
      return;
    }
    open.set(peer, count + 1);
    await peer.roundTrip();
    open.set(peer, (open.get(peer) ?? 0) - 1);
    peer.write(ok(stream));
  });
  const answers = await at.statuses(numbered('/burst', 40));
  if (!onEnvoy) t.strictSame(answers, Array(40).fill(200), 'nobody is refused');
}

async function resets(t: Test, at: Place): Promise<void> {
  await at.get('/first');
  at.on('/reset', (stream, peer) => peer.write(resetFrame(stream.id, 'INTERNAL_ERROR')));
  const reset = await at.get('/reset');
  t.equal(reset.head.status, 503);
  t.match(reset.body, /reset reason: remote reset$/);
  t.equal(
    await at.verdict('/reset'),
    '503 UR upstream_reset_before_response_started{remote_reset}',
  );
  at.on('/refused', (stream, peer) => peer.write(resetFrame(stream.id, 'REFUSED_STREAM')));
  const refused = await at.get('/refused');
  t.equal(refused.head.status, 503);
  t.match(refused.body, /reset reason: remote refused stream reset$/);
  const details = 'upstream_reset_before_response_started{remote_refused_stream_reset}';
  t.equal(await at.verdict('/refused'), `503 UR ${details}`);
  at.on('/cut', (stream, peer) => {
    peer.write(splitHeaders(stream.id, [[':status', '200']], { endStream: false }));
    peer.write(dataFrame(stream.id, 'part'), resetFrame(stream.id, 'CANCEL'));
  });
  await t.rejects(at.get('/cut'), 'its end never comes');
  t.equal(await at.verdict('/cut'), '200 UR upstream_reset_after_response_started{remote_reset}');
  t.equal(await at.stat('upstream_rq_rx_reset'), 2);
  t.equal(await at.stat('http2.rx_reset'), 3);
  t.equal(at.upstream.peers.length, 1, 'all on one connection, which goes on');
  t.equal((await at.get('/last')).head.status, 200);
}

/** GOAWAY costs no request. */
async function leaving(t: Test, at: Place): Promise<void> {
  const last = new Map<object, number>();
  let refused = 0;
  at.on('/leaving', async (stream, peer) => {
    const limit = last.get(peer) ?? Number.POSITIVE_INFINITY;
    // As a server does: what comes after is not looked at, not even refused.
    if (stream.id > limit) {
      refused += 1;
      return;
    }
    if (stream.id >= 11 && limit === Number.POSITIVE_INFINITY) {
      last.set(peer, stream.id);
      peer.write(goawayFrame(stream.id, 'NO_ERROR'));
      await peer.roundTrip();
    }
    peer.write(ok(stream));
  });
  const one = async (client: number): Promise<void> => {
    const connection = await at.rig.client();
    for (let count = 0; count < 40; count += 1) {
      connection.write(`GET ${at.path('/leaving')}?${client}-${count} HTTP/1.1\r\nhost: a\r\n\r\n`);
      const { status } = (await connection.response()).head;
      if (status !== 200 && !onEnvoy) throw new Error(`${status} for ${client}-${count}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, client) => one(client)));
  t.ok(at.upstream.peers.length > 10, 'connections were left behind');
  const closed = await at.stat('upstream_cx_close_notify');
  t.ok(closed >= last.size - 1, `${closed} of ${last.size} were told`);
  t.comment(`${refused} streams came too late`);
}

/** A stream above the last one of GOAWAY is sent again. */
async function late(t: Test, at: Place): Promise<void> {
  const seen: number[] = [];
  at.on('/late', (stream, peer) => {
    seen.push(at.upstream.peers.indexOf(peer));
    peer.write(seen.length === 1 ? goawayFrame(0, 'NO_ERROR') : ok(stream));
  });
  await at.get('/first');
  const { head } = await at.get('/late');
  t.equal(head.status, onEnvoy ? 503 : 200);
  if (!onEnvoy) t.strictSame(seen, [0, 1], 'on another connection');
  t.equal(await at.stat('upstream_cx_close_notify'), 1);
  if (!onEnvoy) t.equal(await at.verdict('/late'), '200 - via_upstream');
}

/** An upstream that dies takes its streams along, and no others. */
async function dying(t: Test, at: Place): Promise<void> {
  await at.get('/first');
  let dying = 0;
  at.on('/dies', async (stream, peer) => {
    dying += 1;
    const isBegun = stream.blocks[0]?.some(([, value]) => value.endsWith('begun')) === true;
    if (isBegun) {
      peer.write(splitHeaders(stream.id, [[':status', '200']], { endStream: false }));
      peer.write(dataFrame(stream.id, 'part'));
    }
    if (dying < 3) return;
    // By then the proxy has read what was begun.
    await peer.roundTrip();
    peer.close();
  });
  const begun = t.rejects(at.get('/dies?begun'));
  const answers = await at.statuses(['/dies?1', '/dies?2']);
  t.strictSame(answers, [503, 503]);
  await begun;
  const reason = 'connection_termination';
  t.equal(await at.verdict('/dies?1'), `503 UC upstream_reset_before_response_started{${reason}}`);
  t.equal(
    await at.verdict('/dies?begun'),
    `200 UC upstream_reset_after_response_started{${reason}}`,
  );
  t.equal(await at.stat('upstream_cx_destroy_remote_with_active_rq'), 1);
  t.equal(await at.stat('upstream_rq_pending_failure_eject'), 3);
  t.equal(await at.stat('upstream_rq_active'), 0);
  t.equal((await at.get('/last')).head.status, 200, 'on a new connection');
  t.equal(at.upstream.peers.length, 2);
}

async function broken(t: Test, at: Place): Promise<void> {
  at.on('/broken', (_stream, peer) => peer.write(Buffer.alloc(64, '?')));
  const answers = await at.statuses(['/broken?1', '/broken?2']);
  t.strictSame(answers, [502, 502]);
  t.equal(
    await at.verdict('/broken?1'),
    '502 UPE upstream_reset_before_response_started{protocol_error}',
  );
  t.equal(await at.stat('upstream_cx_protocol_error'), at.upstream.peers.length);
  t.equal(await at.stat('upstream_cx_destroy_with_active_rq'), 0);
  for (const peer of at.upstream.peers) {
    await peer.until(() => peer.end !== null);
    t.match(peer.goaways[0], /^0 (FRAME_SIZE_ERROR|PROTOCOL_ERROR)/, 'it is told why');
  }
}

/** A client that goes away resets its stream only. */
async function abandoned(t: Test, at: Place): Promise<void> {
  const streams: PeerStream[] = [];
  at.on('/awaited', (stream) => void streams.push(stream));
  const client = await at.rig.client();
  client.write(`GET ${at.path('/awaited')} HTTP/1.1\r\nhost: a\r\n\r\n`);
  await eventually(() => streams.length === 1);
  client.close();
  await eventually(() => streams[0]?.reset !== null);
  t.equal(streams[0]?.reset, 'INTERNAL_ERROR');
  await at.reaches('upstream_rq_tx_reset', 1);
  t.equal((await at.get('/next')).head.status, 200);
  t.equal(at.upstream.peers.length, 1);
}

/** max_stream_duration. */
async function timed(t: Test, at: Place): Promise<void> {
  const streams: PeerStream[] = [];
  at.on('/silent', (stream) => void streams.push(stream));
  at.on('/half', (stream, peer) => {
    streams.push(stream);
    peer.write(splitHeaders(stream.id, [[':status', '200']], { endStream: false }));
    peer.write(dataFrame(stream.id, 'part'));
  });
  const late = await at.get('/silent');
  t.equal(late.head.status, 504);
  t.equal(late.body, 'upstream max stream duration reached');
  const details = 'upstream_max_stream_duration_reached';
  t.equal(await at.verdict('/silent'), `504 UMSDR ${details}`);
  await t.rejects(at.get('/half'));
  t.equal(await at.verdict('/half'), `200 UMSDR ${details}`);
  const client = await at.rig.client();
  client.write(
    `POST ${at.path('/silent?upload')} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\npart`,
  );
  t.equal((await client.response()).head.status, 408, 'the client is late itself');
  t.equal(await at.verdict('/silent?upload'), `408 UMSDR ${details}`);
  t.equal(await at.stat('upstream_rq_max_duration_reached'), 3);
  t.equal(await at.stat('upstream_rq_tx_reset'), 3);
  await eventually(() => streams.every((stream) => stream.reset !== null));
  const charged = await at.rig.stats('cluster.timed.upstream_rq_504');
  t.equal(charged.size, 0, 'no response of the cluster, as in Envoy');
}

t.test('large messages both ways', { timeout: 120_000 }, async (t) => {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const options = { routes: [routeBelow('h2')], clusters: () => ({ h2: h2Cluster(port) }) };
  await withRig(options, async (rig) => {
    await t.test('from HTTP/1.1', (t) => echoH1(t, rig));
    await t.test('from HTTP/2', (t) => echoH2(t, rig));
    for (const session of sessions) session.destroy();
    server.close();
  });
});

/** Sends much, reads nothing until the proxy holds the client back, then reads all of it. */
async function echoH1(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  const block = Buffer.alloc(64 * 1024, 'outrigger ');
  client.socket.pause();
  client.write(`POST /h2/echo HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`);
  for (let sent = 0; sent < BODY_BYTES; sent += block.length) client.socket.write(block);
  await rig.reaches('cluster.h2.upstream_rq_active', 1);
  await eventually(
    async () => (await rig.stat('cluster.h2.upstream_flow_control_paused_reading_total')) > 0,
  );
  client.socket.resume();
  const response = await client.response({ deadlineMs: 60_000 });
  t.equal(response.head.status, 200);
  t.equal(response.body.length, BODY_BYTES);
  t.ok(isPattern(response.body), 'unchanged');
  const flow = 'cluster.h2.upstream_flow_control_';
  t.ok((await rig.stat(`${flow}resumed_reading_total`)) > 0, 'and went on');
  const backedUp = await rig.stat(`${flow}backed_up_total`);
  // Envoy's buffer of a stream takes all of it.
  if (!onEnvoy) t.ok(backedUp > 0, 'the upstream was not sent more than it takes');
  t.equal(await rig.stat(`${flow}drained_total`), backedUp);
}

function isPattern(body: string): boolean {
  const block = Buffer.alloc(64 * 1024, 'outrigger ').toString('latin1');
  for (let at = 0; at < body.length; at += block.length) {
    if (body.slice(at, at + block.length) !== block) return false;
  }
  return true;
}

async function echoH2(t: Test, rig: Rig): Promise<void> {
  const client = await h2Connect(await rig.server.listener('main'));
  const body = Buffer.alloc(64 * 1024, 'outrigger ')
    .toString('latin1')
    .repeat(BODY_BYTES / 65_536);
  const fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/h2/echo'],
    [':authority', 'a'],
  ] as const;
  const streams = [1, 2, 3].map(() => client.request(fields, { endStream: false }));
  await Promise.all(streams.map((stream) => client.sendBody(stream, body)));
  for (const stream of streams) {
    await client.done(stream, 60_000);
    t.equal(statusOf(stream), '200');
    t.equal(stream.body.length, BODY_BYTES);
    t.ok(stream.body === body, 'unchanged');
  }
  client.close();
}
