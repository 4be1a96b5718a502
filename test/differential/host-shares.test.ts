// Which share of the requests goes where, beside Envoy: zone-aware routing, health by weight, dropped
// overload, subsets' localities, localities above weights by load reports. Both choose at random:
// shares differ by at most 0.2, seven times what REQUESTS let them differ by chance (once in 10^11
// runs).
import t from 'tap';
import { type HostJson, ManyHosts, pickedHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

const REQUESTS = 600;
/** On one connection. */
const BATCH = 100;
const TOLERANCE = 0.2;
const LB = 'extensions.load_balancing_policies';

/** So many hosts at 127.0.<third>.x, the first ones of them healthy. */
function zoneHosts(third: number, count: number, healthy = count): readonly HostJson[] {
  return Array.from({ length: count }, (_, index) => ({
    at: `${third}.${index + 1}`,
    ...(index < healthy ? {} : { health: 'UNHEALTHY' as const }),
  }));
}

function policy(typed_config: Json): Json {
  const policies = [{ typed_extension_config: { name: 'p', typed_config } }];
  return { load_balancing_policy: { policies } };
}

function zoneAware(name: string, zones: readonly [number, number], over: Json = {}) {
  const localities = [
    { zone: 'a', hosts: zoneHosts(1, zones[0]) },
    { zone: 'b', hosts: zoneHosts(2, zones[1]) },
  ];
  const zone_aware_lb_config = { min_cluster_size: 1, ...over };
  return (hosts: ManyHosts) =>
    hosts.cluster(name, localities, { common_lb_config: { zone_aware_lb_config } });
}

/** Clusters by name; shares are those of the third octets of hosts. */
const CLUSTERS: readonly ((hosts: ManyHosts) => Json)[] = [
  zoneAware('zone_enough', [4, 4]),
  zoneAware('zone_short', [2, 6]),
  zoneAware('zone_none', [0, 4]),
  zoneAware('zone_small', [2, 2], { min_cluster_size: 6 }),
  zoneAware('zone_seldom', [4, 4], { routing_enabled: { value: 40 } }),
  ...[true, false].map((weighted_priority_health) => (hosts: ManyHosts) => {
    const weights = (third: number): readonly HostJson[] => [
      { at: `${third}.1`, weight: 1 },
      { at: `${third}.2`, weight: 3, health: 'UNHEALTHY' },
    ];
    const made = hosts.cluster(`health_weighted_${weighted_priority_health}`, [
      { hosts: weights(1) },
      { hosts: zoneHosts(2, 1), priority: 1 },
    ]);
    const assignment = made['load_assignment'] as Json;
    return { ...made, load_assignment: { ...assignment, policy: { weighted_priority_health } } };
  }),
  (hosts) => {
    const made = hosts.cluster('dropped', [{ hosts: zoneHosts(1, 1) }]);
    const drop_overloads = [
      { category: 'lb', drop_percentage: { numerator: 400_000, denominator: 'MILLION' } },
    ];
    const assignment = made['load_assignment'] as Json;
    return { ...made, load_assignment: { ...assignment, policy: { drop_overloads } } };
  },
  ...[true, false].map((scale_locality_weight) => (hosts: ManyHosts) => {
    const staged = (third: number, stages: readonly string[]): readonly HostJson[] =>
      stages.map((stage, index) => ({ at: `${third}.${index + 1}`, metadata: { stage } }));
    const localities = [
      { zone: 'a', weight: 1, hosts: staged(1, ['prod', 'dev', 'dev', 'dev']) },
      { zone: 'b', weight: 1, hosts: staged(2, ['prod', 'prod']) },
    ];
    return hosts.cluster(`subset_${scale_locality_weight}`, localities, {
      lb_subset_config: {
        ...{ locality_weight_aware: true, scale_locality_weight },
        subset_selectors: [{ keys: ['stage'] }],
      },
      common_lb_config: { locality_weighted_lb_config: {} },
    });
  }),
  (hosts) => {
    const endpoint_picking_policy = policy(
      typed(`${LB}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin`),
    )['load_balancing_policy'];
    const localities = [
      { zone: 'a', weight: 3, hosts: zoneHosts(1, 2) },
      { zone: 'b', weight: 1, hosts: zoneHosts(2, 3) },
    ];
    const wrr = typed(`${LB}.wrr_locality.v3.WrrLocality`, { endpoint_picking_policy });
    return hosts.cluster('wrr_locality', localities, policy(wrr));
  },
];

function config(hosts: ManyHosts): TwinConfig {
  const clusters = CLUSTERS.map((make) => make(hosts));
  const routes = clusters.map(({ name }) => ({
    match: { path: `/${name}` },
    route: {
      cluster: name,
      ...(String(name).startsWith('subset') && {
        metadata_match: { filter_metadata: { 'envoy.lb': { stage: 'prod' } } },
      }),
    },
  }));
  const own = [
    { zone: 'a', hosts: zoneHosts(8, 2) },
    { zone: 'b', hosts: zoneHosts(9, 2) },
  ];
  return {
    listeners: { main: { routes } },
    moreClusters: [...clusters, hosts.cluster('own', own)],
    log: { log_format: { text_format_source: { inline_string: '%RESPONSE_FLAGS%\n' } } },
    bootstrap: {
      node: { id: 'n', cluster: 'own', locality: { region: 'r', zone: 'a' } },
      cluster_manager: { local_cluster_name: 'own' },
    },
  };
}

/** Shares by zone or failure, and which of some counters moved. */
async function shares(twin: Twin, name: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let sent = 0; sent < REQUESTS; sent += BATCH) {
    const requests = Array.from({ length: BATCH }, () => ({ path: `/${name}` }));
    for (const picked of await pickedHosts(twin.ports['main'] ?? 0, requests)) {
      const place = picked.startsWith('127.') ? `zone ${picked.split('.')[2]}` : picked;
      found.set(place, (found.get(place) ?? 0) + 1 / REQUESTS);
    }
  }
  return found;
}

/** Counters that are not 0, their values where chance does not make them. */
async function counters(twin: Twin, name: string): Promise<readonly string[]> {
  const filter = encodeURIComponent(`^cluster\\.${name}\\.(lb_zone|upstream_rq_drop)`);
  const lines = (await (await fetch(`${twin.admin}/stats?filter=${filter}`)).text()).split('\n');
  const values = lines.map((line) => line.split(': ') as [string, string]);
  const counted = values.filter(([, value]) => Number(value) > 0);
  return counted.map(([counter, value]) =>
    Number(value) === REQUESTS ? `${counter}: all` : counter,
  );
}

t.test('as much goes where it goes in Envoy', { skip: withoutEnvoy }, async (t) => {
  const hosts = new ManyHosts();
  await hosts.listen();
  t.teardown(() => hosts.close());
  await withTwins(config(hosts), async ({ ours, envoy }) => {
    for (const name of CLUSTERS.map((make) => String(make(hosts)['name']))) {
      const [mine, theirs] = await Promise.all([shares(ours, name), shares(envoy, name)]);
      t.comment(`${name}: ${JSON.stringify([[...mine], [...theirs]])}`);
      t.same([...mine.keys()].sort(), [...theirs.keys()].sort(), `${name}: places`);
      for (const [place, share] of mine) {
        const difference = Math.abs(share - (theirs.get(place) ?? 0));
        t.ok(difference < TOLERANCE, `${name}: ${place} has ${share.toFixed(3)}`);
      }
      // Envoy counts clusters too small for zones also where localities have weights.
      if (/^zone|dropped/.test(name)) {
        t.same(await counters(ours, name), await counters(envoy, name), `${name}: counters`);
      }
    }
  });
});
