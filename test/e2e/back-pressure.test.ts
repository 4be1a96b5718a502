// Large messages and slow readers: what one side does not take, the other is not asked for, and the
// proxy's memory does not grow with either.
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { fastest, timed } from '../support/fastest.ts';
import { residentBytes } from '../support/process-facts.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { routeTo } from '../support/rig-bootstrap.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const MIB = 1024 * 1024;
/** E2E_TRANSFER_MIB=1024 for the whole GiB. */
const TRANSFER_BYTES = Number(process.env['E2E_TRANSFER_MIB'] ?? 256) * MIB;
const TRANSFER_DEADLINE_MS = 100_000;
const BLOCK = Buffer.alloc(64 * 1024, 'outrigger ');
const GROWTH_BYTES = 20 * MIB;
/** per_connection_buffer_limit_bytes of both sides. */
const LIMIT_BYTES = 64 * 1024;
/**
 * What may be under way when nobody reads: the proxy's buffers, one read, and what the kernel holds
 * for 2 connections (up to 4 MiB sending and 6 MiB receiving each on Linux).
 */
const UNDER_WAY_BYTES = 16 * MIB;

const OPTIONS = {
  routes: [
    routeTo('/download', { timeout: '0s' }),
    routeTo('/endless', { timeout: '0s' }),
    routeTo('/upload', { timeout: '0s' }),
    routeTo('/deaf', { timeout: '0s' }),
  ],
  listener: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
  cluster: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
};

t.test('back-pressure', { timeout: 200_000 }, async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('a large download', (t) => download(t, rig));
    await t.test('a large upload', (t) => upload(t, rig));
    await t.test('a client that hardly reads', (t) => slowReader(t, rig));
    await t.test('an upstream that does not read', (t) => deafUpstream(t, rig));
  });
});

/** Writes `bytes` as fast as the other side takes them; resolves early when the connection ends. */
async function pour(peer: RawPeer, bytes: number): Promise<number> {
  let written = 0;
  while (written < bytes && peer.end === null) {
    const block = bytes - written < BLOCK.length ? BLOCK.subarray(0, bytes - written) : BLOCK;
    written += block.length;
    if (!peer.socket.write(block)) await drained(peer);
  }
  return written;
}

function drained(peer: RawPeer): Promise<void> {
  const { socket } = peer;
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}

/** Memory of the proxy before and its highest while `action` runs. */
async function growth(rig: Rig, action: () => Promise<void>): Promise<number> {
  const before = residentBytes(rig.server.pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(rig.server.pid));
  }, 50);
  await action();
  clearInterval(timer);
  return most - before;
}

async function download(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/download', async (_head, peer) => {
    peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${TRANSFER_BYTES}\r\n\r\n`);
    await pour(peer, TRANSFER_BYTES);
  });
  await rig.probe();
  const grown = await growth(rig, async () => {
    const client = await rig.client();
    client.write('GET /download HTTP/1.1\r\nhost: a\r\n\r\n');
    const head = await client.head();
    t.equal(head?.status, 200);
    const start = client.bytesRead - client.unread.length;
    client.discard();
    await client.until(() => client.bytesRead - start >= TRANSFER_BYTES, TRANSFER_DEADLINE_MS);
    t.equal(client.bytesRead - start, TRANSFER_BYTES);
    client.close();
  });
  t.ok(grown < GROWTH_BYTES, `resident memory grew by ${grown}`);
  t.equal((await rig.logged('/download')).sent, TRANSFER_BYTES);
}

async function upload(t: Test, rig: Rig): Promise<void> {
  let arrived = 0;
  rig.upstream.on('/upload', async (_head, peer) => {
    const start = peer.bytesRead - peer.unread.length;
    peer.discard();
    await peer.until(() => peer.bytesRead - start >= TRANSFER_BYTES, TRANSFER_DEADLINE_MS);
    arrived = peer.bytesRead - start;
    peer.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  const grown = await growth(rig, async () => {
    const client = await rig.client();
    client.write(`POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: ${TRANSFER_BYTES}\r\n\r\n`);
    await pour(client, TRANSFER_BYTES);
    t.equal((await client.response({ deadlineMs: TRANSFER_DEADLINE_MS })).head.status, 200);
    client.close();
  });
  t.equal(arrived, TRANSFER_BYTES);
  t.ok(grown < GROWTH_BYTES, `resident memory grew by ${grown}`);
  t.equal((await rig.logged('/upload')).received, TRANSFER_BYTES);
}

/** Resolves with the octets written when the kernel took none of them for a while. */
async function stalled(peer: RawPeer): Promise<number> {
  let last = -1;
  let calm = 0;
  // Whatever is moving moves within a few ms on loopback.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const { socket } = peer;
      const taken = socket.bytesWritten - socket.writableLength;
      calm = taken === last ? calm + 1 : 0;
      last = taken;
      if (calm < 10) return;
      clearInterval(timer);
      resolve();
    }, 20);
  });
  return last;
}

async function slowReader(t: Test, rig: Rig): Promise<void> {
  let source: RawPeer | null = null;
  rig.upstream.on('/endless', async (_head, peer) => {
    source = peer;
    peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), BLOCK, Buffer.from('\r\n')]);
    while (peer.end === null) if (!peer.socket.write(chunk)) await drained(peer);
  });
  const before = residentBytes(rig.server.pid);
  const client = await rig.client();
  client.socket.pause();
  client.write('GET /endless HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => source !== null);
  const taken = await stalled(source as unknown as RawPeer);
  t.ok(taken > 0 && taken < UNDER_WAY_BYTES, `the upstream is held back after ${taken}`);
  // 1 kB at a time: the proxy must not take that for a reader that is fast again.
  for (let read = 0; read < 10; read += 1) {
    client.socket.read(1000);
    await rig.probe();
  }
  const later = await stalled(source as unknown as RawPeer);
  t.ok(later - taken < 2 * MIB, `and stays so: ${later - taken} more`);
  t.ok(residentBytes(rig.server.pid) - before < GROWTH_BYTES);
  const took = await fastest(500, () => timed(() => rig.probe()));
  t.ok(took < 500, `others are served as ever: ${took} ms`);
  client.discard();
  client.socket.resume();
  const wanted = client.bytesRead + 4 * UNDER_WAY_BYTES;
  await client.until(() => client.bytesRead > wanted, 20_000);
  t.pass('and goes on when the client does');
  client.close();
  t.match(await rig.logged('/endless'), { code: 200, flags: 'DC' });
}

async function deafUpstream(t: Test, rig: Rig): Promise<void> {
  let sink: RawPeer | null = null;
  rig.upstream.on('/deaf', async (_head, peer) => {
    sink = peer;
    peer.socket.pause();
    peer.discard();
    await peer.ended(60_000);
  });
  const client = await rig.client();
  client.write(`POST /deaf HTTP/1.1\r\nhost: a\r\ncontent-length: ${100 * MIB}\r\n\r\n`);
  const poured = pour(client, 100 * MIB);
  await eventually(() => sink !== null);
  const taken = await stalled(client);
  t.ok(taken > 0 && taken < UNDER_WAY_BYTES, `the client is held back after ${taken}`);
  await rig.probe();
  const peer = sink as unknown as RawPeer;
  const wanted = 4 * UNDER_WAY_BYTES;
  peer.socket.resume();
  await peer.until(() => peer.bytesRead > wanted, 20_000);
  t.pass('and goes on when the upstream does');
  client.close();
  await poured;
  await peer.ended();
  if (!onEnvoy) t.equal((await rig.logged('/deaf')).flags, 'DC');
}
