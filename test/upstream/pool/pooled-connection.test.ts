// The pool over real sockets and the real codec.

import { createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { privateCells } from '../../../proxy/base/cells/shared-cells.ts';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../../proxy/http/message.ts';
import type { RequestSender } from '../../../proxy/http/stream.ts';
import type { UpstreamHttpConfig } from '../../../proxy/model/cluster.ts';
import { SocketConnector } from '../../../proxy/net/connector.ts';
import { EventLoop } from '../../../proxy/net/event-loop.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { SecretHub } from '../../../proxy/tls/secret-hub.ts';
import type { StreamWaiter, UpstreamConnectionInfo } from '../../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { CLIENT_CODECS } from '../../../proxy/upstream/pool/client-codecs.ts';
import type { WorkerCluster } from '../../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { eventually } from '../../support/eventually.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { testTlsServices } from '../../support/tls-services.ts';

/** A GET that tells its outcome as one text. */
class Get implements StreamWaiter {
  readonly outcome: Promise<string>;
  connectionId = 0;
  isReused = false;
  hasContent = false;
  #tell: (outcome: string) => void = () => undefined;
  #text = '';

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    this.connectionId = connection.id;
    this.isReused = connection.isReused;
    const target = { path: '/', authority: 'h.test', scheme: 'http' };
    sender.sendRequestHead(new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty()), true);
  }

  onPoolFailure(reason: string, detail: string): void {
    this.#tell(`failed ${reason} ${detail}`);
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.#text = `${head.status} `;
    if (endStream) this.#tell(this.#text);
  }

  onData(data: Buffer, endStream: boolean): void {
    this.hasContent = true;
    this.#text += data.toString('latin1');
    if (endStream) this.#tell(this.#text);
  }

  onReset(reason: string): void {
    this.#tell(`reset ${reason}`);
  }

  onInformational(): void {}

  onTrailers(): void {}

  onWritable(): void {}
}

interface RealFixture {
  readonly cluster: WorkerCluster;
  get(): Get;
}

const RESPONSE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

function realCluster(
  test: Test,
  port: number,
  http: Partial<UpstreamHttpConfig> = {},
): RealFixture {
  const clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };
  const loop = new EventLoop(clock);
  const random = seededRandom(1);
  const clusters = new WorkerClusters({
    clock: loop,
    timers: loop.timers,
    random,
    connector: new SocketConnector(loop),
    streaks: { onStreak: () => undefined },
    codecs: CLIENT_CODECS,
    codecServices: {
      nowMs: () => loop.nowMs(),
      timers: loop.timers,
      random,
      flushLater: (target) => loop.flushLater(target),
    },
    stats: new StatsStore(null),
    cells: privateCells(() => loop.nowMs()),
    secrets: new SecretHub(),
    tls: testTlsServices(),
    healthReports: null,
    log: SILENT_LOG.logger('upstream'),
  });
  const config = clusterConfig({ endpoints: [endpointConfig({ port })] });
  clusters.apply({
    upserted: [{ ...config, http: { ...config.http, ...http } }],
    removed: [],
  });
  test.teardown(() => {
    clusters.close();
    loop.close();
  });
  const cluster = clusters.get('c') as WorkerCluster;
  const get = (): Get => {
    const waiter = new Get();
    cluster.httpPool(cluster.hostSet.hosts[0] as Host, 'HTTP/1.1')?.acquire(waiter);
    return waiter;
  };
  return { cluster, get };
}

async function withServer(test: Test, onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer(onSocket);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as { port: number }).port;
}

t.test('one connection serves one request after the other', async (t) => {
  const port = await withServer(t, (socket) => socket.on('data', () => socket.write(RESPONSE)));
  const { cluster, get } = realCluster(t, port);
  const first = get();
  t.equal(await first.outcome, '200 ok');
  const second = get();
  t.equal(await second.outcome, '200 ok');
  t.equal(second.connectionId, first.connectionId);
  t.strictSame([first.isReused, second.isReused], [false, true]);
  t.equal(cluster.stats.cxRxBytesTotal.value, 2 * RESPONSE.length);
  t.ok(cluster.stats.cxTxBytesTotal.value > 30);
});

t.test('a port where nobody listens', async (t) => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const free = (closed.address() as { port: number }).port;
  await new Promise((resolve) => closed.close(resolve));
  const refused = realCluster(t, free).get();
  t.equal(
    await refused.outcome,
    'failed connection-failure delayed connect error: Connection refused',
  );
});

t.test('an upstream that closes when it is asked', async (t) => {
  const port = await withServer(t, (socket) => socket.once('data', () => socket.end()));
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, 'reset connection-termination');
  t.equal(cluster.stats.cxDestroyRemoteWithActiveRq.value, 1);
  t.equal(cluster.stats.cxActive.value, 0);
});

t.test('an upstream that resets when it is asked', async (t) => {
  const port = await withServer(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, 'reset connection-termination');
  t.equal(cluster.stats.cxDestroyRemoteWithActiveRq.value, 1);
});

t.test('a response that ends with its connection', async (t) => {
  const port = await withServer(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')),
  );
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, '200 all of it');
  t.equal(cluster.stats.cxActive.value, 0);
  t.equal(cluster.stats.cxDestroyRemote.value, 1);
  t.equal(cluster.stats.cxDestroyWithActiveRq.value, 0);
  t.equal(cluster.stats.cxCloseNotify.value, 0);
});

t.test('connection: close', async (t) => {
  const text = RESPONSE.replace('\r\n', '\r\nconnection: close\r\n');
  const port = await withServer(t, (socket) => socket.on('data', () => socket.write(text)));
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, '200 ok');
  t.equal(await get().outcome, '200 ok');
  t.equal(cluster.stats.cxTotal.value, 2);
  t.equal(cluster.stats.cxCloseNotify.value, 2);
  t.equal(cluster.stats.cxDestroyLocal.value, 2);
});

t.test('a response that is cut inside its content', async (t) => {
  const cut = RESPONSE.replace('length: 2', 'length: 9');
  const port = await withServer(t, (socket) => socket.once('data', () => socket.end(cut)));
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, 'reset protocol-error');
  t.equal(cluster.stats.cxProtocolError.value, 1);
  t.equal(cluster.stats.cxDestroyRemoteWithActiveRq.value, 1);
});

t.test('a response that is cut on a connection for one request only', async (t) => {
  const cut = RESPONSE.replace('length: 2', 'length: 9');
  const port = await withServer(t, (socket) => socket.once('data', () => socket.end(cut)));
  const { cluster, get } = realCluster(t, port, { maxRequestsPerConnection: 1 });
  t.equal(await get().outcome, 'reset protocol-error');
  t.equal(cluster.stats.cxProtocolError.value, 1);
  t.equal(cluster.stats.cxDestroyRemoteWithActiveRq.value, 1);
  t.equal(cluster.stats.cxDestroyLocal.value, 0);
});

t.test('a response that is reset inside its content', async (t) => {
  const cut = RESPONSE.replace('length: 2', 'length: 9');
  const sockets: Socket[] = [];
  const port = await withServer(t, (socket) => {
    sockets.push(socket);
    socket.once('data', () => socket.write(cut));
  });
  const { cluster, get } = realCluster(t, port);
  const exchange = get();
  await eventually(() => exchange.hasContent);
  for (const socket of sockets) socket.resetAndDestroy();
  t.equal(await exchange.outcome, 'reset protocol-error');
  t.equal(cluster.stats.cxProtocolError.value, 1);
  t.equal(cluster.stats.cxDestroyRemoteWithActiveRq.value, 1);
});

t.test('bytes behind a response', async (t) => {
  const port = await withServer(t, (socket) =>
    socket.on('data', () => socket.write(`${RESPONSE}X`)),
  );
  const { cluster, get } = realCluster(t, port);
  t.equal(await get().outcome, '200 ok');
  t.equal(await get().outcome, '200 ok');
  t.equal(cluster.stats.cxProtocolError.value, 2);
  t.equal(cluster.stats.cxDestroyLocal.value, 2);
  t.equal(cluster.stats.cxDestroyWithActiveRq.value, 0);
});
