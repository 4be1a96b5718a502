// The TCP proxy and the other network filters over real sockets.
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { filterListener, networkFilter, TcpServer, tcpProxy } from '../support/tcp-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const MIB = 1024 * 1024;
const BULK_BYTES = 100 * MIB;
const DEADLINE_MS = 60_000;

interface Scene {
  readonly proxy: TestProxy;
  readonly server: TcpServer;
  client(listener: string): Promise<RawPeer>;
}

function serve(peer: RawPeer): void {
  peer.write('hello ');
  peer.socket.on('data', (data) => {
    if (!peer.socket.write(data)) {
      peer.socket.pause();
      peer.socket.once('drain', () => peer.socket.resume());
    }
  });
  peer.socket.on('end', () => peer.socket.end());
}

async function withScene(use: (scene: Scene) => Promise<void>): Promise<void> {
  const server = new TcpServer(serve);
  const port = await server.listen();
  const back = await withProxy(backBootstrap(port));
  const proxy = await withProxy(frontBootstrap(port, back, await closedPort()));
  try {
    const client = (name: string) => rawConnect(`127.0.0.1:${proxy.ports[name]}`);
    await use({ proxy, server, client });
  } finally {
    await proxy.stop();
    await back.stop();
    server.close();
  }
}

/** A proxy that ends tunnels. */
function backBootstrap(port: number): Message {
  const connect_config = {};
  const upgrade_configs = [{ upgrade_type: 'CONNECT', connect_config }];
  const match = { connect_matcher: {} };
  const routes = [{ match, route: { cluster: 'server', upgrade_configs } }];
  const routeConfig = { virtual_hosts: [virtualHost(['*'], routes)] };
  const manager = {
    upgrade_configs: [{ upgrade_type: 'CONNECT' }],
    http2_protocol_options: { allow_connect: true },
  };
  return bootstrapOf(
    [httpListener('tunnels', routeConfig, { manager })],
    [staticCluster('server', port)],
  );
}

function frontBootstrap(port: number, back: TestProxy, dead: number): Message {
  const tunneling_config = { hostname: 'server.test:1', headers_to_add: [] };
  const half = [
    { name: 'server', weight: 1 },
    { name: 'second', weight: 1 },
  ];
  const limit = { stat_prefix: 'l', max_connections: 1 };
  const state = {
    object_key: 'envoy.tcp_proxy.cluster',
    format_string: { text_format_source: { inline_string: 'server' } },
  };
  return bootstrapOf(
    [
      filterListener('plain', tcpProxy('plain')),
      filterListener('idle', tcpProxy('idle', { idle_timeout: '0.2s' })),
      filterListener('dead', tcpProxy('dead', { cluster: 'dead', max_connect_attempts: 2 })),
      filterListener('half', tcpProxy('half', { weighted_clusters: { clusters: half } })),
      filterListener('h1', tcpProxy('h1', { cluster: 'h1', tunneling_config })),
      filterListener('h2', tcpProxy('h2', { cluster: 'h2', tunneling_config })),
      filterListener('bound', tcpProxy('bound', { cluster: 'bound' })),
      filterListener('echo', networkFilter('echo.v3.Echo')),
      filterListener(
        'direct',
        networkFilter('direct_response.v3.Config', { response: { inline_string: 'no service' } }),
      ),
      filterListener(
        'limit',
        networkFilter('connection_limit.v3.ConnectionLimit', limit),
        networkFilter('echo.v3.Echo'),
      ),
      filterListener(
        'state',
        networkFilter('set_filter_state.v3.Config', { on_new_connection: [state] }),
        tcpProxy('state', { cluster: 'dead' }),
      ),
    ],
    [
      ...[staticCluster('server', port), staticCluster('second', port)],
      ...[staticCluster('dead', dead), staticCluster('h1', back.port)],
      {
        ...staticCluster('bound', port),
        upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
      },
      { ...staticCluster('h2', back.port), ...overHttp2() },
    ],
  );
}

function overHttp2(): Message {
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const http2_protocol_options = { allow_connect: true };
  const options = {
    '@type': `type.googleapis.com/${key}`,
    explicit_http_config: { http2_protocol_options },
  };
  return { typed_extension_protocol_options: { [key]: options } };
}

t.test('network filters', { timeout: 180_000 }, async (t) => {
  await withScene(async (scene) => {
    for (const [title, run] of Object.entries(CASES)) {
      await t.test(title, (t) => run(t, scene));
    }
  });
});

const CASES: Readonly<Record<string, (t: Test, scene: Scene) => Promise<void>>> = {
  'each side ends on its own, and the server may speak first': async (t, { client }) => {
    for (const listener of ['plain', 'h1', 'h2']) {
      const peer = await client(listener);
      t.equal(await peer.takeBytes(6), 'hello ', listener);
      peer.write('question');
      peer.socket.end();
      t.equal(await peer.takeBytes(8), 'question', 'what comes behind our end arrives');
      t.equal(await peer.ended(), 'fin');
    }
  },

  'a hundred MiB both ways, past a client that reads nothing for a while': async (t, scene) => {
    for (const listener of ['plain', 'h2']) await bulk(t, scene, listener);
  },

  'a session that is idle is ended': async (t, { client, proxy }) => {
    const peer = await client('idle');
    await peer.takeBytes(6);
    t.equal(await peer.ended(), 'fin');
    t.equal(await proxy.stat('tcp.idle.idle_timeout'), 1);
  },

  'a server that is not there is tried as often as asked': async (t, { client, proxy }) => {
    const peer = await client('dead');
    t.equal(await peer.ended(), 'fin');
    t.equal(await proxy.stat('cluster.dead.upstream_cx_connect_fail'), 2);
    t.equal(await proxy.stat('cluster.dead.upstream_cx_connect_attempts_exceeded'), 1);
  },

  'sessions are shared by weight': async (t, { client, proxy }) => {
    for (let count = 0; count < 40; count += 1) {
      const peer = await client('half');
      await peer.takeBytes(6);
      peer.socket.end();
      await peer.ended();
    }
    const second = await proxy.stat('cluster.second.upstream_cx_total');
    t.ok(second > 5 && second < 35, `${second} of 40`);
  },

  'a reset of the server reaches the client': async (t, { client, server }) => {
    const before = server.peers.length;
    const peer = await client('plain');
    await peer.takeBytes(6);
    server.peers[before]?.socket.resetAndDestroy();
    t.equal(await peer.ended(), 'reset');
  },

  'a reset of the client reaches the server': async (t, { client, server }) => {
    const before = server.peers.length;
    const peer = await client('plain');
    await peer.takeBytes(6);
    peer.socket.resetAndDestroy();
    t.equal(await server.peers[before]?.ended(), 'reset');
  },

  'a cluster’s own source address is what the server sees': async (t, { client, server }) => {
    const before = server.peers.length;
    const peer = await client('bound');
    t.equal(await peer.takeBytes(6), 'hello ');
    t.equal(server.peers[before]?.socket.remoteAddress, '127.0.0.6');
    peer.socket.destroy();
  },

  'echo gives back what comes, and ends with the client': async (t, { client }) => {
    const peer = await client('echo');
    peer.write('ping');
    peer.socket.end();
    t.equal(await peer.takeBytes(4), 'ping');
    t.equal(await peer.ended(), 'fin');
  },

  'direct_response says one thing to everybody': async (t, { client }) => {
    const peer = await client('direct');
    t.equal(await peer.takeBytes(10), 'no service');
    t.equal(await peer.ended(), 'fin');
  },

  'connection_limit closes who is one too many': async (t, { client, proxy }) => {
    const first = await client('limit');
    first.write('a');
    t.equal(await first.takeBytes(1), 'a');
    const second = await client('limit');
    await second.ended();
    t.equal(await proxy.stat('connection_limit.l.limited_connections'), 1);
    t.equal(await proxy.stat('connection_limit.l.active_connections'), 1);
    first.socket.end();
    await first.ended();
    await eventually(async () => (await proxy.stat('connection_limit.l.active_connections')) === 0);
  },

  'set_filter_state chooses the cluster of a TCP proxy': async (t, { client }) => {
    const peer = await client('state');
    t.equal(await peer.takeBytes(6), 'hello ');
    peer.socket.destroy();
  },
};

async function bulk(t: Test, { client, proxy }: Scene, listener: string): Promise<void> {
  const peer = await client(listener);
  await peer.takeBytes(6);
  const { socket } = peer;
  socket.removeAllListeners('data');
  const received = createHash('sha1');
  let count = 0;
  socket.on('data', (data) => {
    received.update(data);
    count += data.length;
  });
  socket.pause();
  const chunk = Buffer.alloc(MIB, 'octets of all kinds ');
  const sent = createHash('sha1');
  for (let index = 0; index < BULK_BYTES / MIB; index += 1) {
    sent.update(chunk);
    socket.write(chunk);
  }
  socket.end();
  const paused = `tcp.${listener}.downstream_flow_control_paused_reading_total`;
  await eventually(async () => (await proxy.stat(paused)) > 0, DEADLINE_MS);
  socket.resume();
  await eventually(() => count >= BULK_BYTES, DEADLINE_MS);
  t.equal(count, BULK_BYTES);
  t.equal(received.digest('hex'), sent.digest('hex'), listener);
  t.equal(await peer.ended(), 'fin');
}
