// client_side_weighted_round_robin: what hosts come to weigh by the reports in their responses, as
// both proxies' /clusters show it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { pickedHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

const REPORTS: Readonly<Record<string, string>> = {
  '127.0.1.1': 'TEXT rps_fractional:100,cpu_utilization:0.5,eps:50',
  '127.0.1.2': 'JSON {"rps_fractional":100,"cpu_utilization":0.25}',
  '127.0.1.3': 'TEXT rps_fractional:90,cpu_utilization:0.1,named_metrics.queue:0.9',
  '127.0.1.4': 'TEXT rubbish',
};
const POLICY = 'client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin';

function cluster(port: number, name: string, members: Json): Json {
  const typed_config = typed(`extensions.load_balancing_policies.${POLICY}`, {
    ...{ blackout_period: '0s', weight_update_period: '0.1s' },
    metric_names_for_computing_utilization: ['named_metrics.queue'],
    ...members,
  });
  const lb_endpoints = Object.keys(REPORTS).map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  }));
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    load_balancing_policy: { policies: [{ typed_extension_config: { name: 'w', typed_config } }] },
  };
}

const CLUSTERS = ['by_default', 'with_penalty', 'without_penalty'] as const;

function config(port: number): TwinConfig {
  const routes = CLUSTERS.map((name) => ({
    match: { path: `/${name}` },
    route: { cluster: name },
  }));
  return {
    listeners: { main: { routes } },
    moreClusters: [
      cluster(port, 'by_default', {}),
      cluster(port, 'with_penalty', { error_utilization_penalty: 2 }),
      cluster(port, 'without_penalty', { error_utilization_penalty: 0 }),
    ],
    log: null,
  };
}

/** Weights of a cluster's hosts in their order. */
async function weights(twin: Twin, name: string): Promise<string> {
  const requests = Array.from({ length: 20 }, () => ({ path: `/${name}` }));
  await pickedHosts(twin.ports['main'] ?? 0, requests);
  const lines = (await (await fetch(`${twin.admin}/clusters`)).text()).split('\n');
  const found = lines.filter((line) => line.startsWith(`${name}::`) && line.includes('::weight::'));
  return found
    .sort()
    .map((line) => line.split('::')[3])
    .join(' ');
}

t.test('hosts weigh what they weigh in Envoy', { skip: withoutEnvoy }, async (t) => {
  const server = createServer(KEPT, (request, response) => {
    response.setHeader('endpoint-load-metrics', REPORTS[request.socket.localAddress ?? ''] ?? '');
    response.setHeader('x-host', request.socket.localAddress ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  await withTwins(config((server.address() as AddressInfo).port), async ({ ours, envoy }) => {
    for (const name of CLUSTERS) {
      const seen = { ours: '', envoy: '' };
      const areWeighed = async (): Promise<boolean> => {
        seen.ours = await weights(ours, name);
        seen.envoy = await weights(envoy, name);
        return seen.ours === seen.envoy && !seen.ours.startsWith('1 1');
      };
      await eventually(areWeighed).catch(() => undefined);
      t.equal(seen.ours, seen.envoy, name);
      t.notMatch(seen.ours, /^1 1/, 'reports were read');
      t.comment(`${name}: ${seen.ours}`);
    }
  });
});
