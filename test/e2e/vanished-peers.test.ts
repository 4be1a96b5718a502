// Peers that are gone from one moment to the next, with streams in every state, around two proxies
// in a row: both proxies let go of everything, go on serving, and go back to sleep.
import fs from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { dataFrame, resetFrame, SETTING, splitHeaders } from '../support/h2-frames.ts';
import type { Field } from '../support/h2-hpack.ts';
import { H2Peer, type PeerStream } from '../support/h2-peer.ts';
import { H2Upstream } from '../support/h2-upstream.ts';
import { rawConnect } from '../support/raw-peer.ts';
import { rigBootstrap } from '../support/rig-bootstrap.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';

const OVER_HTTP2 = { explicit_http_config: { http2_protocol_options: {} } };
/** What must be 0 at rest; connections between the proxies may wait for their next use. */
const OPEN =
  /^(http|cluster)\.\S*(rq_active|pending_active|streams_active|pending_send_bytes|frames_active): [1-9]\d*$/gm;
/** Far more than sockets hold. */
const LARGE = 'x'.repeat(8 * 1024 * 1024);
const STREAMS = 8;

/** Two proxies and what is behind them. */
interface Chain {
  readonly front: SpawnedServer;
  readonly back: SpawnedServer;
  readonly upstream: H2Upstream;
}

const post = (target: string): Field[] => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', target],
];

function startProxy(port: number): Promise<SpawnedServer> {
  const cluster = { port, http: OVER_HTTP2 };
  return spawnServer((directory) =>
    rigBootstrap(
      {
        listeners: { main: { routes: [route('main')] } },
        clusters: { main: cluster },
      },
      path.join(directory, 'access.log'),
    ),
  );
}

function route(cluster: string): Readonly<Record<string, unknown>> {
  return { match: { prefix: '/' }, route: { cluster, timeout: '0s' } };
}

async function withChain(use: (chain: Chain) => Promise<void>): Promise<void> {
  const upstream = new H2Upstream();
  const port = await upstream.listen();
  upstream.on('/flood', (stream, peer) => {
    peer.write(splitHeaders(stream.id, [[':status', '200']], { endStream: false }));
    return peer.sendBody(stream, LARGE).catch(() => undefined);
  });
  upstream.on('/swallow', (stream, peer) => {
    peer.write(splitHeaders(stream.id, [[':status', '200']], { endStream: false }));
  });
  upstream.on('/silent', () => undefined);
  const proxies: SpawnedServer[] = [];
  try {
    const back = await startProxy(port);
    proxies.push(back);
    const front = await startProxy(await portOf(back));
    proxies.push(front);
    await use({ front, back, upstream });
  } finally {
    for (const proxy of proxies) proxy.kill('SIGKILL');
    await Promise.all(proxies.map((proxy) => proxy.exited));
    await upstream.close();
  }
}

async function portOf(proxy: SpawnedServer): Promise<number> {
  return Number((await proxy.listener('main')).split(':').at(-1));
}

/** A client that reads nothing once its streams are on their way: answers are stuck all the way. */
async function busyClient(chain: Chain, window: number): Promise<H2Peer> {
  const raw = await rawConnect(await chain.front.listener('main'));
  const settings = [[SETTING.INITIAL_WINDOW_SIZE, window]] as const;
  const client = new H2Peer(raw, 'client', { settings, givesCredit: false });
  const streams: PeerStream[] = [];
  for (let count = 0; count < STREAMS; count += 1) {
    client.request(post('/flood'));
    streams.push(client.request(post('/swallow'), { endStream: false }));
    client.request(post('/silent'));
    client.request(post('/silent'), { endStream: false });
  }
  await client.until(() => streams.every((stream) => stream.blocks.length > 0));
  for (const stream of streams) client.write(dataFrame(stream.id, 'y'.repeat(1000)));
  raw.socket.pause();
  return client;
}

/** Nothing is open, nothing waits, and the process uses no more time than to say so. */
async function atRest(proxy: SpawnedServer): Promise<void> {
  let open: readonly string[] = [];
  await eventually(async () => {
    const stats = await proxy.admin('/stats');
    open = stats.match(OPEN)?.filter((line) => !line.includes('admin')) ?? [];
    return open.length === 0;
  }, 20_000).catch((error: unknown) => {
    throw new Error(`still open: ${open.join(', ')}`, { cause: error });
  });
  let before = cpuTicks(proxy.pid);
  let since = performance.now();
  await eventually(() => {
    if (performance.now() - since < 300) return false;
    const ticks = cpuTicks(proxy.pid) - before;
    before += ticks;
    since = performance.now();
    // A tick is 10 ms: a third of this time at most.
    return ticks <= 10;
  }, 20_000);
}

/** Processor time of a process so far (proc(5): utime and stime). */
function cpuTicks(pid: number): number {
  const fields =
    fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function serves(t: Test, chain: Chain): Promise<void> {
  const client = new H2Peer(await rawConnect(await chain.front.listener('main')), 'client');
  const stream = await client.done(client.request(post('/echo')), 20_000);
  t.equal(stream.reset, null);
  t.ok(stream.isEnded, 'both serve on');
  client.close();
}

/** How clients go away. */
const LEAVE: Readonly<Record<string, (client: H2Peer) => void>> = {
  'with RST': (client) => client.raw.reset(),
  'with FIN and unread data': (client) => client.close(),
  'with half of their connection, reading on': (client) => {
    client.raw.socket.resume();
    client.raw.finish();
  },
  'when every other stream is reset': (client) => {
    for (let id = 1; id < STREAMS * 8; id += 4) client.write(resetFrame(id, 'CANCEL'));
    client.raw.finish();
  },
};

t.test('peers that vanish', { timeout: 200_000 }, async (t) => {
  await withChain(async (chain) => {
    for (const [how, leave] of Object.entries(LEAVE)) {
      await t.test(`clients that leave ${how}`, (t) => clientsLeave(t, chain, leave));
    }
    await t.test('an upstream, and its clients behind it', (t) => upstreamLeaves(t, chain));
    await t.test('a proxy between client and proxy', () => proxyLeaves(chain));
  });
});

async function clientsLeave(t: Test, chain: Chain, leave: (client: H2Peer) => void): Promise<void> {
  const windows = [0, 1, 65_535, 2 ** 31 - 1];
  const clients = await Promise.all(windows.map((window) => busyClient(chain, window)));
  for (const client of clients) leave(client);
  await Promise.all([atRest(chain.front), atRest(chain.back)]);
  await serves(t, chain);
  for (const client of clients) client.close();
}

async function upstreamLeaves(t: Test, chain: Chain): Promise<void> {
  const clients = await Promise.all([1, 65_535].map((window) => busyClient(chain, window)));
  for (const peer of chain.upstream.peers) peer.raw.reset();
  for (const client of clients) client.raw.finish();
  await Promise.all([atRest(chain.front), atRest(chain.back)]);
  await serves(t, chain);
  for (const client of clients) client.close();
}

async function proxyLeaves(chain: Chain): Promise<void> {
  const client = await busyClient(chain, 65_535);
  chain.front.kill('SIGKILL');
  await atRest(chain.back);
  client.close();
}
