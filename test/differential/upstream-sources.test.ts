// Where connections to upstreams come from, beside Envoy.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { socketOptions } from '../../proxy/net/socket-options.ts';
import { KEPT } from '../support/kept-connections.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const skip = withoutEnvoy || (typeof socketOptions() === 'string' && 'no socket options here');

function socket(port: number, address = '127.0.0.1') {
  return { socket_address: { address, port_value: port } };
}

function source(address: string) {
  return { address, port_value: 0 };
}

const BINDS: Readonly<Record<string, object>> = {
  one: { source_address: source('127.0.0.5') },
  other: { source_address: source('::1') },
  both: {
    source_address: source('127.0.0.5'),
    extra_source_addresses: [{ address: source('::1') }],
  },
  // Nobody here has that address: only a socket that may be bound to any can be.
  foreign: { source_address: source('192.0.2.7') },
  option: { socket_options: [{ level: 0, name: 1, int_value: 16 }] },
  refused: { socket_options: [{ level: 0, name: 9999, int_value: 1 }] },
  unused: { socket_options: [{ level: 0, name: 9999, int_value: 1, state: 'STATE_BOUND' }] },
};

function bootstrap(port: number): Readonly<Record<string, unknown>> {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  const names = Object.keys(BINDS);
  const clusters = names.flatMap((name) =>
    ['127.0.0.1', '::1'].map((address) => ({
      ...{ name: `${name}-${address}`, type: 'STATIC', connect_timeout: '1s' },
      upstream_bind_config: BINDS[name],
      load_assignment: {
        cluster_name: name,
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(port, address) } }] }],
      },
    })),
  );
  const routes = clusters.map(({ name }) => ({
    match: { path: `/${name}` },
    route: { cluster: name },
  }));
  const manager = {
    ...{ '@type': MANAGER, stat_prefix: 'web' },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
  };
  const filters = [
    { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
  ];
  return {
    admin: { address: socket(0) },
    static_resources: {
      listeners: [{ name: 'main', address: socket(0), filter_chains: [{ filters }] }],
      clusters,
    },
  };
}

async function seen(authority: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of Object.keys(BINDS)) {
    for (const address of ['127.0.0.1', '::1']) {
      const response = await fetch(`http://${authority}/${name}-${address}`);
      const text = await response.text();
      lines.push(`${name} to ${address}: ${response.status} ${response.ok ? text : ''}`);
    }
  }
  return lines;
}

t.test('connections come from where Envoy’s come from', { skip }, async (t) => {
  const upstream = createServer(KEPT, (request, response) => {
    response.end(request.socket.remoteAddress?.replace('::ffff:', ''));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '::', resolve));
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const { port } = upstream.address() as AddressInfo;
  const proxy = await withProxy(bootstrap(port));
  t.teardown(() => proxy.stop());
  await withEnvoy(bootstrap(port), async (envoy) => {
    const ours = await seen(`127.0.0.1:${proxy.port}`);
    t.same(ours, await seen(await envoy.listener('main')));
    t.match(ours[0], 'one to 127.0.0.1: 200 127.0.0.5');
  });
});
