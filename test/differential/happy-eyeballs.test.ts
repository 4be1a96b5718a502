// Hosts with several addresses beside Envoy: who answers, and what is counted.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { KEPT } from '../support/kept-connections.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const COUNTED = [
  ...['upstream_cx_total', 'upstream_cx_connect_fail', 'upstream_cx_active', 'upstream_rq_200'],
  ...['upstream_rq_503', 'upstream_cx_http1_total', 'upstream_cx_destroy', 'membership_total'],
];

function socket(port: number, address = '127.0.0.1') {
  return { socket_address: { address, port_value: port } };
}

function cluster(name: string, ports: readonly number[], more: object = {}): object {
  const [first = 0, ...others] = ports;
  const additional = others.map((port) => ({ address: socket(port) }));
  const endpoint = { address: socket(first), additional_addresses: additional };
  return {
    ...{ name, type: 'STATIC', connect_timeout: '1s' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    ...more,
  };
}

function bootstrap(port: number): Readonly<Record<string, unknown>> {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  const clusters = [
    cluster('second', [1, port]),
    cluster('third', [1, 2, port]),
    cluster('none', [1, 2, 3]),
    cluster('first', [port, 1]),
  ];
  const names = ['second', 'third', 'none', 'first'];
  const manager = {
    '@type': MANAGER,
    stat_prefix: 'web',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    route_config: {
      response_headers_to_add: ['HOST', 'REMOTE_ADDRESS', 'LOCAL_ADDRESS_WITHOUT_PORT'].map(
        (name) => ({
          header: { key: `x-${name}`, value: `%UPSTREAM_${name}%` },
        }),
      ),
      virtual_hosts: [
        {
          ...{ name: 'all', domains: ['*'] },
          routes: names.map((name) => ({ match: { path: `/${name}` }, route: { cluster: name } })),
        },
      ],
    },
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

async function seen(listener: string, admin: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of ['second', 'third', 'none', 'first', 'second']) {
    const response = await fetch(`http://${listener}/${name}`);
    lines.push(`${name}: ${response.status} ${await response.text()}`);
    const told = [...response.headers].filter(([field]) => /^x-(host|remote|local)/.test(field));
    lines.push(
      `${name}: ${told
        .map((field) => field.join(': '))
        .sort()
        .join(', ')}`,
    );
  }
  const stats = (await (await fetch(`${admin}/stats?filter=^cluster\\.`)).text()).split('\n');
  for (const name of ['second', 'third', 'none', 'first']) {
    for (const counter of COUNTED) {
      lines.push(stats.find((line) => line.startsWith(`cluster.${name}.${counter}: `)) ?? '');
    }
  }
  const hosts = (await (await fetch(`${admin}/clusters`)).text()).split('\n');
  lines.push(...hosts.filter((line) => /::cx_(total|connect_fail|active)::/.test(line)).sort());
  return lines;
}

t.test('additional addresses are tried as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const upstream = createServer(KEPT, (_, response) => response.end('there'));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const { port } = upstream.address() as AddressInfo;
  const proxy = await withProxy(bootstrap(port));
  t.teardown(() => proxy.stop());
  await withEnvoy(bootstrap(port), async (envoy) => {
    const ours = await seen(`127.0.0.1:${proxy.port}`, `http://${proxy.adminAddress}`);
    t.same(ours, await seen(await envoy.listener('main'), envoy.admin));
    t.match(ours[0], 'second: 200 there');
  });
});
