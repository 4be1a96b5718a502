// Connections that a proxy hands to listeners of its own.
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { DEFAULT_SERVER_OPTIONS } from '../../proxy/server/options.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  internalCluster,
  internalExtension,
  internalListener,
} from '../support/internal-bootstrap.ts';
import { rawConnect } from '../support/raw-peer.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { filterListener, TcpServer, tcpProxy } from '../support/tcp-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const MIB = 1024 * 1024;
const BULK_BYTES = 50 * MIB;
const DEADLINE_MS = 60_000;

const http = (name: string, cluster: string): Message =>
  httpListener(name, {
    virtual_hosts: [
      virtualHost(
        ['*'],
        [
          { match: { prefix: '/nobody' }, route: { cluster: 'nobody' } },
          { match: { prefix: '/' }, route: { cluster } },
        ],
      ),
    ],
  });

function hops(port: number, second: string): Message {
  const listeners = [
    http('outer', 'first'),
    internalListener(http('one', 'second')),
    internalListener(http('two', 'server')),
  ];
  const clusters = [
    internalCluster('first', 'one'),
    internalCluster('second', second),
    internalCluster('nobody', 'nobody'),
    staticCluster('server', port),
  ];
  return { ...bootstrapOf(listeners, clusters), bootstrap_extensions: [internalExtension()] };
}

t.test('HTTP through two internal listeners', async (t) => {
  const upstream = await startEchoUpstream('server');
  const proxy = await withProxy(hops(upstream.port, 'two'));
  t.teardown(async () => {
    await proxy.stop();
    await upstream.close();
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${proxy.ports['outer']}${path}`);
  for (const _ of [1, 2]) {
    const response = await get('/deep');
    t.equal(response.status, 200);
    t.match(await response.json(), { path: '/deep' });
  }
  for (const name of ['one', 'two']) {
    const scope = `listener.envoy_internal_${name}`;
    t.equal(await proxy.stat(`${scope}.downstream_cx_total`), 1, 'the connection is kept');
    t.equal(await proxy.stat(`${scope}.worker_0.downstream_cx_active`), 1);
  }

  const missing = await get('/nobody');
  t.equal(missing.status, 503);
  t.match(await missing.text(), /reset reason: remote connection failure/);
  t.equal(await proxy.stat('cluster.nobody.upstream_cx_connect_fail'), 1);

  t.ok(
    await proxy.reload(hops(upstream.port, 'gone')),
    'a listener goes on under a new configuration',
  );
  t.equal((await get('/deep')).status, 503);
  t.ok(await proxy.reload(hops(upstream.port, 'two')));
  t.equal((await get('/deep')).status, 200);
});

t.test('a removed internal listener ends its connections', async (t) => {
  const upstream = await startEchoUpstream('server');
  const bootstrap = hops(upstream.port, 'two') as {
    static_resources: { listeners: Message[]; clusters: Message[] };
  };
  const proxy = await withProxy(bootstrap, {
    drain: { ...DEFAULT_SERVER_OPTIONS.drain, timeS: 1 },
  });
  t.teardown(async () => {
    await proxy.stop();
    await upstream.close();
  });
  const url = `http://127.0.0.1:${proxy.ports['outer']}/`;
  t.equal((await fetch(url)).status, 200);
  const { listeners, clusters } = bootstrap.static_resources;
  const fewer = {
    ...bootstrap,
    static_resources: { clusters, listeners: listeners.filter(({ name }) => name !== 'two') },
  };
  t.ok(await proxy.reload(fewer));
  const active = 'listener.envoy_internal_two.downstream_cx_active';
  await eventually(async () => (await proxy.stat(active)) === 0, 10_000);
  t.equal((await fetch(url)).status, 503);
});

/** Ends tunnels. */
function backBootstrap(port: number): Message {
  const upgrade_configs = [{ upgrade_type: 'CONNECT', connect_config: {} }];
  const routes = [
    { match: { connect_matcher: {} }, route: { cluster: 'server', upgrade_configs } },
  ];
  const routeConfig = { virtual_hosts: [virtualHost(['*'], routes)] };
  const manager = {
    upgrade_configs: [{ upgrade_type: 'CONNECT' }],
    http2_protocol_options: { allow_connect: true },
  };
  const tunnels = httpListener('tunnels', routeConfig, { manager });
  return bootstrapOf([tunnels], [staticCluster('server', port)]);
}

/** TCP into an internal listener, which opens a tunnel for it. */
function frontBootstrap(back: number): Message {
  const tunneling_config = { hostname: 'server.test:1' };
  const options = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  };
  const listeners = [
    filterListener('outer', tcpProxy('outer', { cluster: 'originate' })),
    internalListener(
      filterListener('connect_originate', tcpProxy('inner', { cluster: 'back', tunneling_config })),
    ),
  ];
  const tunnels = {
    ...staticCluster('back', back),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options,
    },
  };
  const clusters = [internalCluster('originate', 'connect_originate'), tunnels];
  const extensions = [internalExtension({ buffer_size_kb: 64 })];
  return { ...bootstrapOf(listeners, clusters), bootstrap_extensions: extensions };
}

t.test('TCP through an internal listener that tunnels it', { timeout: 120_000 }, async (t) => {
  const server = new TcpServer((peer) => {
    peer.socket.on('data', (data) => {
      if (peer.socket.write(data)) return;
      peer.socket.pause();
      peer.socket.once('drain', () => peer.socket.resume());
    });
    peer.socket.on('end', () => peer.socket.end());
  });
  const port = await server.listen();
  const back = await withProxy(backBootstrap(port));
  const proxy = await withProxy(frontBootstrap(back.port));
  t.teardown(async () => {
    await proxy.stop();
    await back.stop();
    server.close();
  });
  await bulk(t, proxy);
  await eventually(
    async () =>
      (await proxy.stat('listener.envoy_internal_connect_originate.downstream_cx_active')) === 0,
  );
  t.equal(await proxy.stat('listener.envoy_internal_connect_originate.downstream_cx_total'), 1);
});

/** Many MiB there and back, and the end of each side. */
async function bulk(t: Test, proxy: TestProxy): Promise<void> {
  const { socket } = await rawConnect(`127.0.0.1:${proxy.ports['outer']}`);
  const piece = Buffer.allocUnsafe(MIB);
  for (let index = 0; index < MIB; index += 1) piece[index] = (index * 31) ^ (index >> 8);
  const sent = createHash('sha1');
  const received = createHash('sha1');
  let bytes = 0;
  let hasEnded = false;
  socket.on('data', (data) => {
    bytes += data.length;
    received.update(data);
  });
  socket.on('end', () => {
    hasEnded = true;
  });
  for (let done = 0; done < BULK_BYTES; done += MIB) {
    sent.update(piece);
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  await eventually(() => hasEnded, DEADLINE_MS);
  t.equal(bytes, BULK_BYTES);
  t.equal(received.digest('hex'), sent.digest('hex'));
}
