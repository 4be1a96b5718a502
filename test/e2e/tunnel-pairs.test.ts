// Tunnels through two proxies in a row, HTTP/2 between them: every pair of protocols, and CONNECT
// that one forwards and the other ends.
import { execFile, execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { dataFrame } from '../support/h2-frames.ts';
import { type H2Peer, h2Connect, type PeerStream } from '../support/h2-peer.ts';
import type { RawHead } from '../support/raw-message.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import {
  agreement,
  echoWebSocket,
  handshake,
  OPCODE,
  openWebSocket,
} from '../support/websocket.ts';
import { parseEcho, type Rig, withRig } from '../support/with-rig.ts';

const MIB = 1024 * 1024;
const BYTES = 8 * MIB;
const DEADLINE_MS = 30_000;
const UPGRADES = [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }];
const HTTP2 = { codec_type: 'HTTP2', http2_protocol_options: { allow_connect: true } };
const HTTP2_UPSTREAM = {
  // What connects the proxies ends with the last test of it.
  common_http_protocol_options: { idle_timeout: '1s' },
  explicit_http_config: { http2_protocol_options: { allow_connect: true } },
};
const TO_TCP = { upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] };

/** The proxy in front of the servers: CONNECT ends here. */
const BACK = {
  listeners: {
    h2: {
      hcm: { ...HTTP2, upgrade_configs: UPGRADES },
      routes: [{ match: { connect_matcher: {} }, route: { cluster: 'main', ...TO_TCP } }],
    },
  },
};

/** The proxy in front of the clients: it forwards. */
function front(port: number) {
  const routes = [{ match: { connect_matcher: {} }, route: { cluster: 'back' } }];
  const virtualHost = {
    routes: [...routes, { match: { prefix: '/' }, route: { cluster: 'back' } }],
  };
  return {
    hcm: { upgrade_configs: UPGRADES },
    virtualHost,
    listeners: { h2: { hcm: { ...HTTP2, upgrade_configs: UPGRADES }, virtualHost } },
    clusters: () => ({ back: { port, http: HTTP2_UPSTREAM } }),
  };
}

t.test('two proxies in a row', { timeout: 120_000 }, async (t) => {
  await withRig(BACK, async (back) => {
    const address = await back.server.listener('h2');
    await withRig(front(Number(address.split(':')[1])), async (rig) => {
      back.upstream.on('/echo', echoWebSocket);
      back.upstream.on('/octets', echoOctets);
      await t.test('a WebSocket from HTTP/1.1', (t) => webSocket(t, rig));
      await t.test('an extended CONNECT from HTTP/2', (t) => extendedConnect(t, rig));
      await t.test('a WebSocket from HTTP/2', (t) => webSocketH2(t, rig));
      await t.test('content of some MiB', (t) => transfer(t, rig));
      await t.test('a refusal hurts its stream only', (t) => refusal(t, rig));
      await t.test('CONNECT from HTTP/1.1', (t) => connect(t, rig));
      await t.test('CONNECT from HTTP/2', (t) => connectH2(t, rig));
      await t.test('each side ends on its own', (t) => halfClose(t, rig, back));
      await t.test('curl', { skip: withoutCurl() }, (t) => curl(t, rig));
    });
  });
});

/** Agrees, and sends every octet back. */
async function echoOctets(head: RawHead, peer: RawPeer): Promise<void> {
  peer.write(agreement(head));
  await new Promise<void>((over) => {
    peer.discard();
    peer.socket.pipe(peer.socket);
    peer.socket.once('close', () => over());
  });
}

async function webSocket(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  const socket = await openWebSocket(client, '/echo');
  for (const size of [1, 300, 70_000]) {
    const payload = Buffer.alloc(size, size);
    socket.send(OPCODE.binary, payload);
    t.ok((await socket.receive()).payload.equals(payload), `${size} octets`);
  }
  socket.send(OPCODE.close, Buffer.from([3, 232]));
  t.equal((await socket.receive()).opcode, OPCODE.close);
  t.equal(await client.ended(), 'fin');
  client.finish();
  t.equal(await rig.verdict('/echo'), '101 - via_upstream');
}

function extended(path: string, ...more: readonly (readonly [string, string])[]) {
  return [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test.example'],
    ...more,
  ] as const;
}

async function h2Client(rig: Rig): Promise<H2Peer> {
  const peer = await h2Connect(await rig.server.listener('h2'));
  await peer.until(() => peer.peerSettings.size > 0);
  return peer;
}

async function answered(peer: H2Peer, stream: PeerStream): Promise<string | undefined> {
  await peer.until(() => stream.blocks.length > 0 || stream.reset !== null);
  return stream.blocks[0]?.find(([name]) => name === ':status')?.[1];
}

async function extendedConnect(t: Test, rig: Rig): Promise<void> {
  const peer = await h2Client(rig);
  const stream = peer.request(extended('/octets'), { endStream: false });
  t.equal(await answered(peer, stream), '200');
  const names = stream.blocks[0]?.map(([name]) => name) ?? [];
  t.notOk(names.some((name) => ['connection', 'upgrade'].includes(name)));
  await peer.sendBody(stream, 'hello', false);
  await peer.until(() => stream.body === 'hello');
  await peer.sendBody(stream, ' and bye', true);
  await peer.done(stream);
  t.equal(stream.body, 'hello and bye');
  t.equal(stream.reset, null);
  t.equal(await rig.verdict('/octets'), '101 - via_upstream');
  peer.close();
}

/** A browser sends no key over HTTP/2, and its server behind HTTP/1.1 wants one. */
async function webSocketH2(t: Test, rig: Rig): Promise<void> {
  const peer = await h2Client(rig);
  const stream = peer.request(extended('/echo'), { endStream: false });
  t.equal(await answered(peer, stream), '200');
  t.notOk(stream.blocks[0]?.some(([name]) => name === 'sec-websocket-accept'));
  const masked = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
  await peer.sendBody(stream, masked.toString('latin1'), false);
  await peer.until(() => stream.body === '\x81\x02hi');
  await peer.sendBody(stream, '\x88\x80\0\0\0\0', true);
  await peer.done(stream);
  t.equal(stream.body, '\x81\x02hi\x88\0');
  peer.close();
}

async function transfer(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  client.write(handshake('/octets'));
  t.equal((await client.head())?.status, 101);
  client.discard();
  const before = client.bytesRead;
  const block = Buffer.alloc(MIB, 'x');
  for (let sent = 0; sent < BYTES; sent += block.length) client.write(block);
  client.finish();
  t.equal(await client.ended(DEADLINE_MS), 'fin');
  t.equal(client.bytesRead - before, BYTES);
}

async function refusal(t: Test, rig: Rig): Promise<void> {
  const peer = await h2Client(rig);
  const refused = peer.request(
    extended('/').map(([name, value]) => [name, value === 'websocket' ? 'other' : value] as const),
    { endStream: false },
  );
  t.equal(await answered(peer, refused), '403');
  await peer.done(refused);
  const next = peer.request([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/next'],
    [':authority', 'test.example'],
  ]);
  t.equal(await answered(peer, next), '200');
  peer.close();
}

async function connect(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  client.write('CONNECT origin.test:80 HTTP/1.1\r\nhost: origin.test:80\r\n\r\n');
  client.write('GET /early HTTP/1.1\r\nhost: origin.test\r\n\r\n');
  t.equal((await client.head())?.status, 200);
  t.equal(parseEcho(await client.response()).target, '/early', 'what came early is not lost');
  client.write('GET /late HTTP/1.1\r\nhost: origin.test\r\n\r\n');
  const { target, fields } = parseEcho(await client.response());
  t.equal(target, '/late');
  t.same(fields, [['host', 'origin.test']], 'and nobody touches it');
  client.finish();
  t.equal(await client.ended(), 'fin');
}

async function connectH2(t: Test, rig: Rig): Promise<void> {
  const peer = await h2Client(rig);
  const fields = [
    [':method', 'CONNECT'],
    [':authority', 'origin.test:80'],
  ] as const;
  const stream = peer.request(fields, { endStream: false });
  t.equal(await answered(peer, stream), '200');
  peer.write(
    dataFrame(stream.id, Buffer.from('GET /h2 HTTP/1.1\r\nhost: origin.test\r\n\r\n'), true),
  );
  await peer.done(stream);
  t.match(stream.body, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(stream.body, /"target":"\/h2"/);
  t.equal(stream.reset, null);
  peer.close();
}

async function halfClose(t: Test, rig: Rig, back: Rig): Promise<void> {
  let over: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => {
    over = resolve;
  });
  back.upstream.on('/half', async (head, peer) => {
    peer.write(`${agreement(head)}bye`);
    peer.finish();
    t.equal(await peer.takeBytes(7), 'see you');
    t.equal(await peer.ended(), 'fin');
    over();
  });
  const client = await rig.client();
  client.write(handshake('/half'));
  t.equal((await client.head())?.status, 101);
  t.equal(await client.takeBytes(3), 'bye');
  t.equal(await client.ended(), 'fin', 'through HTTP/2');
  client.write('see you');
  client.finish();
  await isOver;
  t.equal(await rig.verdict('/half'), '101 - via_upstream');
}

async function curl(t: Test, rig: Rig): Promise<void> {
  const proxy = `http://${await rig.server.listener('main')}`;
  const args = ['-sS', '--proxytunnel', '-x', proxy, 'http://origin.test/by-curl'];
  const output = await new Promise<string>((resolve, reject) => {
    execFile('curl', args, { timeout: DEADLINE_MS }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
  t.equal((JSON.parse(output) as { target: string }).target, '/by-curl');
}

function withoutCurl(): string | false {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no curl';
  }
}
