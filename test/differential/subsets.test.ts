// Subsets of a cluster's hosts: which hosts serve a request, by what its route asks of their
// metadata, and what is counted.
import t from 'tap';
import { type HostJson, type LocalityJson, ManyHosts, pickedHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

/** More than enough to reach every host in turn. */
const REQUESTS = 6;

const HOSTS: readonly HostJson[] = [
  { at: '1.1', metadata: { stage: 'prod', version: '1.0', id: 'a' } },
  { at: '1.2', metadata: { stage: 'prod', version: '1.1', id: 'b' } },
  { at: '1.3', metadata: { stage: 'dev', version: '1.1', id: 'b', tags: ['x', 'y'] } },
  { at: '1.4', metadata: { stage: 'dev', version: 2, tags: ['y'], object: { a: 1, b: [2] } } },
  { at: '1.5', metadata: { stage: 'sick', version: '1.0' }, health: 'UNHEALTHY' },
  { at: '1.6' },
];
const PLACES: readonly LocalityJson[] = [
  { zone: 'a', weight: 3, hosts: HOSTS.slice(0, 3) },
  { zone: 'b', weight: 1, hosts: HOSTS.slice(3) },
];

const SELECTORS: Json[] = [{ keys: ['stage', 'version'] }, { keys: ['stage'] }];

/** lb_subset_config of each cluster. */
const SETTINGS: Readonly<Record<string, Json>> = {
  none: { subset_selectors: SELECTORS },
  any: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: SELECTORS },
  default_one: {
    ...{ fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'dev' } },
    subset_selectors: SELECTORS,
  },
  default_all: { fallback_policy: 'DEFAULT_SUBSET', subset_selectors: SELECTORS },
  default_none: {
    ...{ fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'no' } },
    ...{ subset_selectors: SELECTORS, panic_mode_any: true },
  },
  panic_only: { panic_mode_any: true, subset_selectors: SELECTORS },
  lists: { list_as_any: true, subset_selectors: [{ keys: ['tags'] }] },
  whole_lists: { subset_selectors: [{ keys: ['tags'] }, { keys: ['object'] }] },
  single: {
    fallback_policy: 'ANY_ENDPOINT',
    subset_selectors: [{ keys: ['id'], single_host_per_subset: true }, { keys: ['stage'] }],
  },
  selectors: {
    ...{ fallback_policy: 'ANY_ENDPOINT', default_subset: { stage: 'prod' } },
    subset_selectors: [
      { keys: ['id'], fallback_policy: 'NO_FALLBACK' },
      { keys: ['stage'], fallback_policy: 'ANY_ENDPOINT' },
      { keys: ['version'], fallback_policy: 'DEFAULT_SUBSET' },
      {
        ...{ keys: ['stage', 'version'], fallback_policy: 'KEYS_SUBSET' },
        fallback_keys_subset: ['stage'],
      },
    ],
  },
  listed: {
    ...{ metadata_fallback_policy: 'FALLBACK_LIST', fallback_policy: 'NO_FALLBACK' },
    subset_selectors: SELECTORS,
  },
  aware: { locality_weight_aware: true, subset_selectors: [{ keys: ['stage'] }] },
  scaled: {
    ...{ locality_weight_aware: true, scale_locality_weight: true },
    subset_selectors: [{ keys: ['stage'] }],
  },
};

/** metadata_match of the routes, each for every cluster. */
const MATCHES: readonly Json[] = [
  {},
  { stage: 'prod' },
  { stage: 'prod', version: '1.1' },
  { version: '1.1', stage: 'dev' },
  { stage: 'dev', version: 2 },
  { stage: 'dev', version: '2' },
  { stage: 'sick' },
  { stage: 'no' },
  { version: '1.1' },
  { version: 'no' },
  { id: 'a' },
  { id: 'b' },
  { id: 'no' },
  { stage: 'prod', version: 'no' },
  { stage: 'no', version: 'no' },
  { stage: 'prod', more: 'x' },
  { tags: 'y' },
  { tags: ['x', 'y'] },
  { tags: ['y', 'x'] },
  { object: { b: [2], a: 1 } },
  { stage: 'no', fallback_list: [{ stage: 'never' }, { stage: 'dev' }] },
  { version: '1.0', fallback_list: [{ stage: 'prod' }] },
  { stage: 'prod', fallback_list: [] },
  { stage: 'prod', fallback_list: 'no list' },
];

const NAMES = [...Object.keys(SETTINGS), 'redundant'];

function redundant(hosts: ManyHosts): Json {
  const policy = typed('extensions.load_balancing_policies.subset.v3.Subset', {
    allow_redundant_keys: true,
    fallback_policy: 'ANY_ENDPOINT',
    subset_selectors: [{ keys: ['stage'] }, { keys: ['stage', 'version'] }, { keys: ['tags'] }],
    subset_lb_policy: policies('round_robin.v3.RoundRobin'),
  });
  return hosts.cluster('redundant', [{ hosts: HOSTS }], {
    load_balancing_policy: {
      policies: [{ typed_extension_config: { name: 'subset', typed_config: policy } }],
    },
  });
}

function policies(type: string): Json {
  const typed_config = typed(`extensions.load_balancing_policies.${type}`);
  return { policies: [{ typed_extension_config: { name: 'inner', typed_config } }] };
}

function config(hosts: ManyHosts): TwinConfig {
  const routes = NAMES.flatMap((cluster) =>
    MATCHES.map((match, index) => ({
      match: { path: `/${cluster}/${index}` },
      route: { cluster, metadata_match: { filter_metadata: { 'envoy.lb': match } } },
    })),
  );
  const weighted = {
    match: { path: '/weighted' },
    route: {
      metadata_match: { filter_metadata: { 'envoy.lb': { stage: 'prod', version: '1.0' } } },
      weighted_clusters: {
        clusters: [
          {
            ...{ name: 'none', weight: 1 },
            metadata_match: { filter_metadata: { 'envoy.lb': { version: '1.1' } } },
          },
        ],
      },
    },
  };
  const isWeighted = { common_lb_config: { locality_weighted_lb_config: {} } };
  const moreClusters = Object.entries(SETTINGS).map(([name, lb_subset_config]) =>
    hosts.cluster(name, PLACES, {
      lb_subset_config,
      ...('locality_weight_aware' in lb_subset_config ? isWeighted : {}),
    }),
  );
  return {
    listeners: { main: { routes: [weighted, ...routes] } },
    moreClusters: [...moreClusters, redundant(hosts)],
    log: null,
  };
}

/** Every host that got one, in order. */
async function picked(twin: Twin, path: string): Promise<readonly string[]> {
  const requests = Array.from({ length: REQUESTS }, () => ({ path }));
  return [...new Set(await pickedHosts(twin.ports['main'] ?? 0, requests))].sort();
}

/** Envoy's main thread keeps subsets as well, beside its worker. */
async function counted(twin: Twin, threads: number): Promise<readonly string[]> {
  const text = await (await fetch(`${twin.admin}/stats?filter=lb_(subsets|healthy)`)).text();
  const lines = text.split('\n').filter((line) => !line.startsWith('cluster.main.'));
  return lines.map((line) => {
    const [name = '', value = ''] = line.split(': ');
    return /active|created/.test(name) ? `${name}: ${Number(value) / threads}` : line;
  });
}

t.test('subsets serve what they serve in Envoy', { skip: withoutEnvoy }, async (t) => {
  const hosts = new ManyHosts();
  await hosts.listen();
  t.teardown(() => hosts.close());
  await withTwins(config(hosts), async ({ ours, envoy }) => {
    const paths = NAMES.flatMap((name) => MATCHES.map((_, index) => `/${name}/${index}`));
    for (const path of [...paths, '/weighted']) {
      const [mine, theirs] = await Promise.all([picked(ours, path), picked(envoy, path)]);
      const [, name = '', index = ''] = path.split('/');
      t.same(mine, theirs, `${name}: ${JSON.stringify(MATCHES[Number(index)])}`);
    }
    t.same(await counted(ours, 1), await counted(envoy, 2));
  });
});
