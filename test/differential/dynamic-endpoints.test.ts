// Endpoints and secrets that change while they are used, beside Envoy: who is asked and how much,
// what /clusters tells of hosts, and what is counted.
import t from 'tap';
import { ADS, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { type DynamicStep, playSteps, type StepPorts } from '../support/dynamic-steps.ts';
import type { DynamicSide } from '../support/dynamic-twins.ts';
import { eventually } from '../support/eventually.ts';
import { edsCluster } from '../support/resource-files.ts';
import type { Message } from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const host = (port: number, members: Message = {}): Message => ({
  endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  ...members,
});
const loads = (endpoints: readonly Message[], policy?: Message): Message => ({
  cluster_name: 'one',
  endpoints,
  ...(policy === undefined ? {} : { policy }),
});

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** No connection is used again: the upstream would end idle ones while a busy machine waits. */
const ONCE: Message = {
  typed_extension_protocol_options: {
    [OPTIONS]: {
      '@type': `type.googleapis.com/${OPTIONS}`,
      explicit_http_config: { http_protocol_options: {} },
      common_http_protocol_options: { max_requests_per_connection: 1 },
    },
  },
};

const REQUESTS = 12;
/** After so many requests a priority with 30 % of them got none in one run of 10^15. */
const MOST_REQUESTS = 100;

/** How many of 12 requests each answered; by chance: who of the two answered any. */
async function shares(side: DynamicSide, isShared = false): Promise<unknown> {
  const counts: Record<string, number> = {};
  const address = await side.address('in');
  const isEnough = (count: number): boolean =>
    isShared ? count >= MOST_REQUESTS || Object.keys(counts).length > 1 : count >= REQUESTS;
  for (let index = 0; !isEnough(index); index += 1) {
    const response = await fetch(`http://${address}/`);
    const text = await response.text();
    const key = text.startsWith('{') ? JSON.parse(text).upstream : `${response.status} ${text}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  // Where priorities share them the rest is chance.
  return isShared ? Object.keys(counts).sort() : counts;
}

/** What /clusters says of the hosts that is no count, with ports by upstream. */
async function hosts(side: DynamicSide, ports: StepPorts): Promise<readonly string[]> {
  const lines = (await side.admin('/clusters')).split('\n');
  const settled = /::(?:weight|health_flags|priority|zone|region|sub_zone|canary|hostname)::/;
  return lines
    .filter((line) => line.startsWith('one::') && settled.test(line))
    .map((line) => line.replace(`:${ports.a}:`, ':a:').replace(`:${ports.b}:`, ':b:'))
    .sort();
}

/** The same hosts as an assignment. */
async function dumped(side: DynamicSide, ports: StepPorts): Promise<unknown> {
  const query = '?include_eds&resource=dynamic_endpoint_configs';
  const { configs = [] } = JSON.parse(await side.admin(`/config_dump${query}`));
  const assignments = configs.map((element: Message) => element['endpoint_config']);
  const text = JSON.stringify(assignments).replace(new RegExp(`:${ports.a}\\b`, 'g'), ':"a"');
  return JSON.parse(text.replace(new RegExp(`:${ports.b}\\b`, 'g'), ':"b"'));
}

const STATS =
  /^cluster\.one\.(?:membership_|update_(?!duration|time)|assignment_|max_host_weight|upstream_rq_drop|lb_(?:recalc|healthy)|version_text|init_fetch|bind|retry_or)/;

/** Endpoints from now on, then everything that is to be seen. */
async function change(
  side: DynamicSide,
  ports: StepPorts,
  assignment: Message,
  isShared = false,
): Promise<unknown> {
  const answer = await side.plane.set('endpoint', [assignment]);
  const told = await hosts(side, ports);
  const loaded = await dumped(side, ports);
  return [answer, told, loaded, await shares(side, isShared), await side.stats(STATS)];
}

const STEPS: Readonly<Record<string, DynamicStep>> = {
  start: async (side, ports) => {
    const { plane } = side;
    await plane.asked('cluster');
    plane.push('cluster', [edsCluster('one', ADS, ONCE)]);
    await plane.asked('endpoint', 'one');
    await plane.set('endpoint', [loads([{ lb_endpoints: [host(ports.a)] }])]);
    await plane.asked('listener');
    plane.push('listener', [rdsListener('in')]);
    await plane.asked('route', 'routes');
    await plane.set('route', [routeTable('routes', { '/': 'one' })]);
    await side.serving();
    return [await hosts(side, ports), await shares(side), await side.stats(STATS)];
  },
  weights: (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a, { load_balancing_weight: 3 }), host(b)] }]),
    ),
  'unhealthy in the eyes of the server': (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a, { health_status: 'UNHEALTHY' }), host(b)] }]),
    ),
  draining: (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a), host(b, { health_status: 'DRAINING' })] }]),
    ),
  degraded: (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a, { health_status: 'DEGRADED' }), host(b)] }]),
      true,
    ),
  'nobody is healthy': (side, { a, b }) =>
    change(side, { a, b }, loads([{ lb_endpoints: [host(a, { health_status: 'UNHEALTHY' })] }])),
  priorities: (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a)] }, { priority: 1, lb_endpoints: [host(b)] }]),
    ),
  'the first priority is gone': (side, { a, b }) =>
    change(side, { a, b }, loads([{ lb_endpoints: [] }, { priority: 1, lb_endpoints: [host(b)] }])),
  localities: async (side, { a, b }) => [
    await change(side, { a, b }, loads([])),
    await change(
      side,
      { a, b },
      loads([
        { locality: { region: 'r', zone: 'x', sub_zone: 's' }, lb_endpoints: [host(a)] },
        { locality: { region: 'r', zone: 'y' }, lb_endpoints: [host(b)] },
      ]),
    ),
  ],
  'everything is dropped': (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a)] }], {
        drop_overloads: [{ category: 'all', drop_percentage: { numerator: 100 } }],
      }),
    ),
  // Envoy hears of it with other hosts only.
  'nothing is dropped': (side, { a, b }) =>
    change(side, { a, b }, loads([{ lb_endpoints: [host(b)] }])),
  'an address twice': (side, { a, b }) =>
    change(
      side,
      { a, b },
      loads([{ lb_endpoints: [host(a), host(a, { load_balancing_weight: 5 })] }]),
    ),
  'no endpoints': (side, ports) => change(side, ports, loads([])),
  'the same again': async (side, ports) => {
    const good = loads([{ lb_endpoints: [host(ports.a)] }]);
    return [await change(side, ports, good), await change(side, ports, good)];
  },
  stale: async (side, ports) => {
    const seen = await side.plane.set('endpoint', [
      loads([{ lb_endpoints: [host(ports.a)] }], { endpoint_stale_after: '0.2s' }),
    ]);
    await eventually(async () => (await side.get('/')) === '503');
    return [seen, await hosts(side, ports), await side.stats(STATS)];
  },
  'fresh again': (side, { a, b }) => change(side, { a, b }, loads([{ lb_endpoints: [host(b)] }])),
  'another configuration of the cluster': async (side, ports) => {
    const { plane } = side;
    const nonce = plane.push('cluster', [
      { ...edsCluster('one', ADS, ONCE), connect_timeout: '3s' },
    ]);
    const any = await plane.set('endpoint', [
      loads([{ lb_endpoints: [host(ports.b), host(ports.a)] }]),
    ]);
    const answers = [any, await plane.answer(nonce), await shares(side)];
    // Envoy asks again for what it has.
    plane.requests();
    return answers;
  },
};

t.test('endpoints that change, beside Envoy', { skip: withoutEnvoy }, (t) => playSteps(t, STEPS));
