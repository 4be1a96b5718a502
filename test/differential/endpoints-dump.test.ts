// `/config_dump?include_eds` beside Envoy: hosts of clusters of every kind as assignments, made of what
// is in use and not of what was written.
import t from 'tap';
import { edsCluster, ResourceFiles } from '../support/resource-files.ts';
import type { Message } from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const at = (port_value: number, address = '127.0.0.1'): Message => ({
  address: { socket_address: { address, port_value } },
});
const NEAR = { region: 'here', zone: 'near', sub_zone: 's' };

/** Of every field that a host can have. */
const ENDPOINTS: readonly Message[] = [
  {
    locality: { region: 'r', zone: 'x' },
    load_balancing_weight: 3,
    lb_endpoints: [
      {
        endpoint: {
          ...at(7001),
          hostname: 'h1',
          health_check_config: { port_value: 99, hostname: 'hh' },
        },
        load_balancing_weight: 5,
        metadata: { filter_metadata: { 'envoy.lb': { a: 'b' } } },
      },
      { endpoint: at(7002, '::1'), health_status: 'DRAINING' },
    ],
  },
  { locality: NEAR, lb_endpoints: [{ endpoint: at(7004) }] },
  { load_balancing_weight: 9, lb_endpoints: [{ endpoint: at(7005) }] },
  {
    locality: { region: 'r', zone: 'yy' },
    priority: 1,
    lb_endpoints: [
      {
        endpoint: { ...at(7003), additional_addresses: [at(7003, '::1')] },
        health_status: 'UNHEALTHY',
      },
      { endpoint: at(7003) },
      { endpoint: { address: { pipe: { path: '/nowhere/s.sock' } } }, health_status: 'DEGRADED' },
      { endpoint: { ...at(7006), health_check_config: at(7007) } },
    ],
  },
  { lb_endpoints: [] },
];
const POLICY = {
  overprovisioning_factor: 150,
  drop_overloads: [{ category: 'x', drop_percentage: { numerator: 2 } }],
};

function cluster(name: string, type: string, members: Message = {}): Message {
  return { name, type, connect_timeout: '1s', ...members };
}

function bootstrap(files: ResourceFiles): Record<string, unknown> {
  const loads = (members: Message): Message => ({
    load_assignment: { cluster_name: 'its own', ...members },
  });
  const one = loads({ endpoints: [{ lb_endpoints: [{ endpoint: at(7010) }] }] });
  const balanced = { common_lb_config: { locality_weighted_lb_config: {} } };
  const service = {
    eds_cluster_config: { service_name: 'service', eds_config: files.source('eds') },
  };
  files.write('eds', [{ cluster_name: 'service', endpoints: ENDPOINTS, policy: POLICY }]);
  files.write('cds', [cluster('told', 'STATIC', one), cluster('told-eds', 'EDS', service)]);
  return {
    node: { id: 'n', cluster: 'c', locality: NEAR },
    dynamic_resources: { cds_config: files.source('cds') },
    static_resources: {
      clusters: [
        cluster('static', 'STATIC', loads({ endpoints: ENDPOINTS, policy: POLICY })),
        cluster('weighted', 'STATIC', { ...balanced, ...loads({ endpoints: ENDPOINTS }) }),
        { ...edsCluster('eds', files.source('eds')), ...service },
        cluster('dns', 'STRICT_DNS', one),
        cluster('logical', 'LOGICAL_DNS', one),
        cluster('elsewhere', 'ORIGINAL_DST', { lb_policy: 'CLUSTER_PROVIDED' }),
        cluster('nobody', 'STATIC'),
      ],
    },
  };
}

/** The assignments of both lists in an order of their own: Envoy's is that of a hash table. */
async function dumped(admin: string): Promise<readonly string[]> {
  const parts: string[] = [];
  for (const list of ['static_endpoint_configs', 'dynamic_endpoint_configs']) {
    const answer = await fetch(`${admin}/config_dump?include_eds&resource=${list}`);
    const { configs } = (await answer.json()) as { configs: readonly Message[] };
    for (const { endpoint_config } of configs) {
      parts.push(`${list} ${JSON.stringify(sorted(endpoint_config), null, 1)}`);
    }
  }
  return parts.sort();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

t.test('hosts in use as assignments', { skip: withoutEnvoy }, async (t) => {
  const files = new ResourceFiles(t.testdir());
  const config = bootstrap(files);
  const admin = at(0);
  const proxy = await withProxy({ ...config, admin });
  t.teardown(() => proxy.stop());
  const ours = await dumped(`http://${proxy.adminAddress}`);
  t.equal(ours.length, 9);
  await withEnvoy(config, async (envoy) => {
    t.same(ours, await dumped(envoy.admin));
  });
});
