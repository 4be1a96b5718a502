// /clusters beside Envoy's: the lines and the JSON of every cluster, idle and after requests.
import t from 'tap';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

interface Socket {
  readonly socket_address: { readonly address: string; readonly port_value: number };
}

function socket(address: string, port: number): Socket {
  return { socket_address: { address, port_value: port } };
}

function named(name: string, type: string): object {
  const endpoint = { endpoint: { address: socket('localhost', 9) } };
  return {
    ...{ name, type, connect_timeout: '1s', dns_lookup_family: 'V4_ONLY' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
  };
}

const CANARY = { filter_metadata: { 'envoy.lb': { canary: true } } };

const MIXED = {
  ...{ name: 'mixed', alt_stat_name: 'other', type: 'STATIC', connect_timeout: '1s' },
  circuit_breakers: {
    thresholds: [
      { max_connections: 5, max_retries: 8 },
      { priority: 'HIGH', max_requests: 9, max_pending_requests: 0 },
    ],
  },
  load_assignment: {
    cluster_name: 'mixed',
    // One healthy host is enough: the second priority gets nothing.
    policy: { overprovisioning_factor: 400 },
    endpoints: [
      {
        locality: { region: 'r', zone: 'z', sub_zone: 's' },
        lb_endpoints: [
          {
            endpoint: { address: socket('127.0.0.1', 1), hostname: 'h' },
            ...{ load_balancing_weight: 7, metadata: CANARY },
          },
          { endpoint: { address: socket('127.0.0.1', 2) }, health_status: 'DEGRADED' },
        ],
      },
      {
        priority: 1,
        lb_endpoints: [
          {
            endpoint: { address: { pipe: { path: '/tmp/none.sock' } } },
            health_status: 'UNHEALTHY',
          },
          { endpoint: { address: socket('::1', 2) }, health_status: 'DRAINING' },
          { endpoint: { address: socket('::1', 3) }, health_status: 'TIMEOUT' },
          {
            endpoint: {
              address: {
                envoy_internal_address: { server_listener_name: 'inside', endpoint_id: 'x' },
              },
            },
          },
        ],
      },
    ],
  },
};

function bootstrap(): Readonly<Record<string, unknown>> {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'web',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'mixed' } }],
        },
      ],
    },
  };
  const filters = [
    { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
  ];
  return {
    admin: { address: socket('127.0.0.1', 0) },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type':
            'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    static_resources: {
      listeners: [{ name: 'main', address: socket('127.0.0.1', 0), filter_chains: [{ filters }] }],
      clusters: [MIXED, named('strict', 'STRICT_DNS'), named('logical', 'LOGICAL_DNS')],
    },
  };
}

/** Of both, by name: Envoy's order is that of a hash table. */
async function read(admin: string): Promise<{ readonly text: unknown; readonly json: unknown }> {
  const text = await (await fetch(`${admin}/clusters`)).text();
  const json = await (await fetch(`${admin}/clusters?format=json`)).json();
  const nameOf = (line: string): string => line.split('::')[0] ?? '';
  const byCluster = ['mixed', 'strict', 'logical', ''].map((name) =>
    text.split('\n').filter((line) => nameOf(line) === name),
  );
  const statuses = (json as { cluster_statuses: { name: string }[] }).cluster_statuses;
  return {
    text: byCluster,
    json: statuses.sort((left, right) => left.name.localeCompare(right.name)),
  };
}

t.test('every line and field is as in Envoy', { skip: withoutEnvoy }, async (t) => {
  const proxy = await withProxy(bootstrap());
  t.teardown(() => proxy.stop());
  await withEnvoy(bootstrap(), async (envoy) => {
    const admin = `http://${proxy.adminAddress}`;
    t.same(await read(admin), await read(envoy.admin), 'idle');
    for (let count = 0; count < 4; count += 1) {
      const statuses = await Promise.all(
        [`127.0.0.1:${proxy.port}`, await envoy.listener('main')].map(async (address) => {
          const response = await fetch(`http://${address}/`);
          await response.text();
          return response.status;
        }),
      );
      t.same(statuses, [503, 503]);
    }
    t.same(await read(admin), await read(envoy.admin), 'in use');
  });
});
