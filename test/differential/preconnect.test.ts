// Connections made ahead of requests, and those that serve one client only, beside Envoy.
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const CLUSTERS: Readonly<Record<string, object>> = {
  plain: {},
  half: { preconnect_policy: { per_upstream_preconnect_ratio: 1.5 } },
  triple: { preconnect_policy: { per_upstream_preconnect_ratio: 3 } },
  ahead: { preconnect_policy: { predictive_preconnect_ratio: 2 } },
  both: {
    preconnect_policy: { per_upstream_preconnect_ratio: 2, predictive_preconnect_ratio: 2 },
  },
  hashed: { lb_policy: 'RING_HASH', preconnect_policy: { predictive_preconnect_ratio: 2 } },
  limited: {
    preconnect_policy: { per_upstream_preconnect_ratio: 3 },
    circuit_breakers: { thresholds: [{ max_connections: 2 }] },
  },
  apart: { connection_pool_per_downstream_connection: true },
};

function socket(port: number, address = '127.0.0.1') {
  return { socket_address: { address, port_value: port } };
}

function cluster(name: string, port: number, more: object): object {
  const lb_endpoints = ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({
    endpoint: { address: socket(port, address) },
  }));
  const hosts = name === 'ahead' || name === 'both' ? lb_endpoints : lb_endpoints.slice(0, 1);
  return {
    ...{ name, type: 'STATIC' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: hosts }] },
    ...more,
  };
}

/** One cluster at a time: Envoy foresees over all that it has. */
function bootstrap(port: number, name: string): Readonly<Record<string, unknown>> {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  const routes = [{ match: { prefix: '/' }, route: { cluster: name } }];
  const manager = {
    ...{ '@type': MANAGER, stat_prefix: 'web' },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
  };
  const tcp = { '@type': TCP_PROXY, stat_prefix: 'tcp', cluster: name };
  const listener = (listenerName: string, filter: string, typed_config: object) => ({
    ...{ name: listenerName, address: socket(0) },
    filter_chains: [{ filters: [{ name: `envoy.filters.network.${filter}`, typed_config }] }],
  });
  return {
    admin: { address: socket(0) },
    static_resources: {
      listeners: [
        listener('main', 'http_connection_manager', manager),
        listener('tcp', 'tcp_proxy', tcp),
      ],
      clusters: [cluster(name, port, CLUSTERS[name] as object)],
    },
  };
}

interface Twin {
  readonly web: string;
  readonly tcp: string;
  readonly admin: string;
}

async function connections(admin: string, name: string): Promise<string> {
  const found: string[] = [];
  for (const stat of ['upstream_cx_total', 'upstream_cx_active', 'upstream_cx_overflow']) {
    const text = await (await fetch(`${admin}/stats?filter=^cluster.${name}.${stat}$`)).text();
    found.push(text.trim().replace(/^.*: /, ''));
  }
  return found.join(' ');
}

/** The counts once they did not change for a moment. */
async function settled(twin: Twin, name: string): Promise<string> {
  let [last, same] = ['', 0];
  await eventually(async () => {
    const now = await connections(twin.admin, name);
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= 3;
  });
  return last;
}

async function ask(authority: string, agent: Agent): Promise<void> {
  const [host = '', port] = authority.split(':');
  const request = get({ host, port, agent });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
}

async function seen(twin: Twin, name: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const clients = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  for (const index of [0, 0, 1, 1]) {
    await ask(twin.web, clients[index] as Agent);
    lines.push(`${name}: ${await settled(twin, name)}`);
  }
  const [host = '', port] = twin.tcp.split(':');
  const session = connect(Number(port), host);
  await once(session, 'connect');
  lines.push(`${name} with TCP: ${await settled(twin, name)}`);
  session.destroy();
  for (const client of clients) client.destroy();
  return lines;
}

t.test('connections are made ahead as Envoy makes them', { skip: withoutEnvoy }, async (t) => {
  const upstream = createServer(KEPT, (_, response) => response.end('there'));
  await new Promise<void>((resolve) => upstream.listen(0, '0.0.0.0', resolve));
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const { port } = upstream.address() as AddressInfo;
  for (const name of Object.keys(CLUSTERS)) {
    const proxy = await withProxy(bootstrap(port, name));
    const listeners = await (await fetch(`http://${proxy.adminAddress}/listeners`)).text();
    const tcp = /^tcp::(.*)$/m.exec(listeners)?.[1] ?? '';
    const ours = { web: `127.0.0.1:${proxy.port}`, tcp, admin: `http://${proxy.adminAddress}` };
    const mine = await seen(ours, name);
    await proxy.stop();
    await withEnvoy(bootstrap(port, name), async (envoy) => {
      const [web, theirTcp] = [await envoy.listener('main'), await envoy.listener('tcp')];
      t.same(mine, await seen({ web, tcp: theirTcp, admin: envoy.admin }, name), name);
    });
  }
});
