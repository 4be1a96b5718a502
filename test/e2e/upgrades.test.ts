// Upgrades over HTTP/1.1: WebSocket as its users see it, and octets of another protocol in general.
import t, { type Test } from 'tap';
import { residentBytes } from '../support/process-facts.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { routeTo } from '../support/rig-bootstrap.ts';
import {
  agreement,
  echoWebSocket,
  handshake,
  OPCODE,
  openWebSocket,
} from '../support/websocket.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const MIB = 1024 * 1024;
const TRANSFER_BYTES = 100 * MIB;
const WARM_BYTES = 128 * MIB;
const BLOCK = Buffer.alloc(64 * 1024, 'outrigger ');
const LIMIT_BYTES = 64 * 1024;
const GROWTH_BYTES = 20 * MIB;
const DEADLINE_MS = 60_000;
/** A proxy that lets octets through in front of the agreement does it at once. */
const QUIET_MS = 200;
const GET = 'GET /smuggled HTTP/1.1\r\nhost: test.example\r\n\r\n';

const OPTIONS = {
  hcm: { upgrade_configs: [{ upgrade_type: 'websocket' }] },
  routes: [
    routeTo('/forbidden', { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] }),
    routeTo('/other', { upgrade_configs: [{ upgrade_type: 'Other' }] }),
    routeTo('/idle', { idle_timeout: '0.5s' }),
    routeTo('/slow', { timeout: '0.3s' }),
    routeTo('/lasting', { timeout: '0.3s' }),
  ],
  listeners: {
    bounded: { hcm: { upgrade_configs: [{ upgrade_type: 'websocket' }], request_timeout: '0.3s' } },
  },
  listener: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
  cluster: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
};

t.test('upgrades', { timeout: 200_000 }, async (t) => {
  await withRig(OPTIONS, async (rig) => {
    rig.upstream.on('/echo', echoWebSocket);
    await t.test('a WebSocket', (t) => webSocket(t, rig));
    await t.test('octets in front of the agreement wait', (t) => earlyOctets(t, rig));
    await t.test('octets behind a refusal go nowhere', (t) => refusedByUpstream(t, rig));
    await t.test('each side ends on its own', (t) => halfClose(t, rig));
    await t.test('a reset of one side resets the other', (t) => resets(t, rig));
    await t.test('a silent tunnel ends', (t) => idle(t, rig));
    await t.test('the route’s timeout', (t) => routeTimeout(t, rig));
    await t.test('the request’s timeout', (t) => requestTimeout(t, rig));
    await t.test('what is not configured is refused', (t) => refused(t, rig));
    await t.test('content of its own makes an upgrade unfit', (t) => withContent(t, rig));
    // The first one makes the proxy's heap and code what they are from then on.
    await t.test('much each way', (t) => transfer(t, rig, { target: '/warm', bytes: WARM_BYTES }));
    await t.test('100 MiB each way', async (t) => {
      const growth = await transfer(t, rig, { target: '/transfer', bytes: TRANSFER_BYTES });
      t.ok(growth < GROWTH_BYTES, `${growth} octets more`);
    });
    await t.test('a client that does not read', (t) => deafClient(t, rig));
    await t.test('nothing is left behind', (t) => leftovers(t, rig));
  });
});

/** Opens a tunnel to a script that gets the upstream's end of it when both have agreed. */
async function tunnel(
  rig: Rig,
  target: string,
  listener = 'main',
): Promise<readonly [RawPeer, RawPeer]> {
  const { script, upstream } = held();
  rig.upstream.on(target, script);
  const client = await rig.client(listener);
  client.write(handshake(target));
  const head = await client.head();
  if (head?.status !== 101) throw new Error(`no tunnel: ${head?.startLine}`);
  return [client, await upstream];
}

/** A script that agrees, hands its connection to the test, and waits until that is over. */
function held() {
  let resolve: (peer: RawPeer) => void = () => undefined;
  const upstream = new Promise<RawPeer>((settle) => {
    resolve = settle;
  });
  const script = async (head: Parameters<typeof agreement>[0], peer: RawPeer): Promise<void> => {
    peer.write(agreement(head));
    resolve(peer);
    await new Promise((over) => peer.socket.once('close', over));
  };
  return { script, upstream };
}

async function webSocket(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  const socket = await openWebSocket(client, '/echo');
  t.equal(await rig.stat('http.main.downstream_cx_upgrades_active'), 1);
  const payloads = [Buffer.from('hello'), Buffer.alloc(300, 'a'), Buffer.alloc(70_000, 0xff)];
  for (const payload of payloads) {
    socket.send(OPCODE.binary, payload);
    const echo = await socket.receive();
    t.ok(echo.payload.equals(payload), `${payload.length} octets`);
  }
  socket.send(OPCODE.text, Buffer.from('in '), false);
  socket.send(OPCODE.ping, Buffer.from('?'));
  socket.send(OPCODE.continuation, Buffer.from('parts'));
  const told = [await socket.receive(), await socket.receive(), await socket.receive()];
  t.same(
    told.map(({ opcode, isFinal, payload }) => [opcode, isFinal, payload.toString()]),
    [
      [OPCODE.text, false, 'in '],
      [OPCODE.pong, true, '?'],
      [OPCODE.continuation, true, 'parts'],
    ],
  );
  socket.send(OPCODE.close, Buffer.from([3, 232]));
  t.equal((await socket.receive()).opcode, OPCODE.close);
  t.equal(await client.ended(), 'fin');
  client.finish();
  t.equal(await rig.verdict('/echo'), '101 - via_upstream');
  const { received, sent } = await rig.logged('/echo');
  t.ok(received > 70_000 && sent > 70_000, 'the octets of the tunnel are its content');
  await rig.reaches('http.main.downstream_cx_upgrades_active', 0);
}

async function earlyOctets(t: Test, rig: Rig): Promise<void> {
  let arrived: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  rig.upstream.on('/early', async (head, peer) => {
    arrived();
    await peer.silence(QUIET_MS);
    peer.write(agreement(head));
    t.equal(await peer.takeBytes(2 * GET.length), GET + GET, 'they come as they were, as content');
    peer.finish();
  });
  const client = await rig.client();
  // In front of the connection to the upstream, and behind it.
  client.write(handshake('/early') + GET);
  await isAsked;
  client.write(GET);
  t.equal((await client.head())?.status, 101);
  t.equal(await client.ended(), 'fin');
  client.finish();
}

async function refusedByUpstream(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/refused', async (_head, peer) => {
    peer.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
    await peer.ended();
    t.equal(peer.unread, '');
  });
  const client = await rig.client();
  client.write(handshake('/refused') + GET);
  const { head, body } = await client.response();
  t.same([head.status, head.get('connection'), body], [403, 'close', 'no']);
  t.equal(await client.ended(), 'fin');
  client.write(GET);
  rig.upstream.on('/no-websocket', async (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno');
    await peer.ended();
  });
  const other = await rig.client();
  other.write(handshake('/no-websocket'));
  const response = await other.response();
  t.same([response.head.status, response.body], [200, ''], 'success is none, as in Envoy');
  t.equal(await rig.verdict('/no-websocket'), '200 - websocket_handshake_unsuccessful');
}

async function halfClose(t: Test, rig: Rig): Promise<void> {
  const [client, upstream] = await tunnel(rig, '/client-first');
  client.write('bye');
  client.finish();
  t.equal(await upstream.ended(), 'fin');
  t.equal(upstream.unread, 'bye');
  upstream.write('see you');
  t.equal(await client.takeBytes(7), 'see you', 'the other way goes on');
  upstream.finish();
  t.equal(await client.ended(), 'fin');
  t.equal(await rig.verdict('/client-first'), '101 - via_upstream');

  const [late, early] = await tunnel(rig, '/server-first');
  early.write('bye');
  early.finish();
  t.equal(await late.ended(), 'fin');
  t.equal(late.unread, 'bye');
  late.write('see you');
  t.equal(await early.takeBytes(7), 'see you');
  late.write('last words');
  late.finish();
  t.equal(await early.takeBytes(10), 'last words');
  t.equal(await early.ended(), 'fin');
  t.equal(await rig.verdict('/server-first'), '101 - via_upstream');
}

async function resets(t: Test, rig: Rig): Promise<void> {
  const [client, upstream] = await tunnel(rig, '/client-resets');
  client.reset();
  await upstream.ended();
  upstream.finish();
  t.equal(await rig.verdict('/client-resets'), '101 DC downstream_remote_disconnect');

  const [other, failing] = await tunnel(rig, '/server-resets');
  failing.reset();
  t.equal(await other.ended(), 'reset', 'it must not look complete');
  t.match(await rig.verdict('/server-resets'), /^101 UC upstream_reset_after_response_started/);
}

async function idle(t: Test, rig: Rig): Promise<void> {
  const [client, upstream] = await tunnel(rig, '/idle');
  for (const word of ['one', 'two', 'three']) {
    await client.silence(QUIET_MS);
    upstream.write(word);
    t.equal(await client.takeBytes(word.length), word, 'whoever speaks keeps it alive');
  }
  t.equal(await client.ended(), 'reset');
  await upstream.ended();
  upstream.finish();
  t.equal(await rig.verdict('/idle'), '101 SI stream_idle_timeout');
}

async function routeTimeout(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/slow', async (_head, peer) => {
    await peer.ended();
  });
  const client = await rig.client();
  client.write(handshake('/slow'));
  t.equal((await client.response()).head.status, 504, 'a handshake is bounded');
  t.equal(await rig.verdict('/slow'), '504 UT response_timeout');
  const [other, upstream] = await tunnel(rig, '/lasting');
  await other.silence(2 * QUIET_MS);
  upstream.write('still here');
  t.equal(await other.takeBytes(10), 'still here', 'an open tunnel is not');
  other.finish();
  upstream.finish();
}

/** request_timeout bounds what has an end, and a tunnel is not a request. */
async function requestTimeout(t: Test, rig: Rig): Promise<void> {
  const [client, upstream] = await tunnel(rig, '/unbounded', 'bounded');
  await client.silence(3 * QUIET_MS);
  upstream.write('still here');
  t.equal(await client.takeBytes(10), 'still here');
  client.finish();
  upstream.finish();
  t.equal(await rig.verdict('/unbounded'), '101 - via_upstream');
}

async function refused(t: Test, rig: Rig): Promise<void> {
  const before = await rig.stat('http.main.downstream_rq_ws_on_non_ws_route');
  const requests = [handshake('/forbidden'), handshake('/unknown').replace('websocket', 'other')];
  for (const request of requests) {
    const client = await rig.client();
    client.write(request + GET);
    t.equal((await client.response()).head.status, 403);
    t.equal(await client.ended(), 'fin');
  }
  t.equal(await rig.verdict('/forbidden'), '403 - upgrade_failed');
  t.equal(await rig.stat('http.main.downstream_rq_ws_on_non_ws_route'), before + 2);
  const other = await rig.client();
  rig.upstream.on('/other', async (head, peer) => {
    peer.write(agreement(head));
    await peer.ended();
  });
  other.write(handshake('/other').replace('websocket', 'OTHER'));
  t.equal((await other.head())?.get('upgrade'), 'OTHER', 'a route may allow more');
  other.finish();
  const { fields } = await rig.echo('/h2c', 'connection: upgrade\r\nupgrade: h2c\r\n');
  t.notOk(fields.some(([name]) => name === 'upgrade' || name === 'connection'));
}

async function withContent(t: Test, rig: Rig): Promise<void> {
  for (const framing of ['content-length: 3\r\n', 'transfer-encoding: chunked\r\n']) {
    const client = await rig.client();
    client.write(handshake('/content', framing));
    t.equal((await client.response()).head.status, 400, framing);
    t.equal(await client.ended(), 'fin');
  }
  t.equal(await rig.verdict('/content'), '400 DPE http1.body_disallowed');
}

/** Writes as fast as the other side takes it. */
async function pour(peer: RawPeer, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    if (peer.socket.write(BLOCK)) continue;
    await new Promise<void>((resolve) => peer.socket.once('drain', resolve));
  }
  peer.finish();
}

/** Sends so much both ways at once; how much the proxy's memory grew. */
async function transfer(
  t: Test,
  rig: Rig,
  { target, bytes }: { readonly target: string; readonly bytes: number },
): Promise<number> {
  const [client, upstream] = await tunnel(rig, target);
  const before = residentBytes(rig.server.pid);
  for (const peer of [client, upstream]) peer.discard();
  const [inFront, behind] = [client.bytesRead, upstream.bytesRead];
  await Promise.all([
    pour(client, bytes),
    pour(upstream, bytes),
    client.ended(DEADLINE_MS),
    upstream.ended(DEADLINE_MS),
  ]);
  t.equal(client.bytesRead - inFront, bytes);
  t.equal(upstream.bytesRead - behind, bytes);
  const { received, sent } = await rig.logged(target);
  t.same([received, sent], [bytes, bytes]);
  return residentBytes(rig.server.pid) - before;
}

async function deafClient(t: Test, rig: Rig): Promise<void> {
  const [client, upstream] = await tunnel(rig, '/deaf');
  client.socket.pause();
  let written = 0;
  // What the kernel holds for two connections is a few MiB; beyond, nobody takes any more.
  while (written < TRANSFER_BYTES && upstream.socket.write(BLOCK)) {
    written += BLOCK.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(written < TRANSFER_BYTES, `the upstream was held back after ${written} octets`);
  client.discard();
  client.socket.resume();
  upstream.finish();
  t.equal(await client.ended(DEADLINE_MS), 'fin');
  client.finish();
}

async function leftovers(t: Test, rig: Rig): Promise<void> {
  await rig.reaches('http.main.downstream_cx_upgrades_active', 0);
  await rig.reaches('http.main.downstream_rq_active', 0);
  await rig.reaches('cluster.main.upstream_rq_active', 0);
  t.equal(await rig.stat('cluster.main.upstream_cx_protocol_error'), 0);
  await rig.probe();
}
