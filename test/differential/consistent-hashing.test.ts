// Where the hash of a request leads on rings and in tables: to the same host as in Envoy, for every
// key, size, weight and locality.
import t from 'tap';
import {
  type HostJson,
  hostsJson,
  type LocalityJson,
  ManyHosts,
  pickedHosts,
} from '../support/many-hosts.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

const KEYS = 32;

interface Setting {
  readonly hosts?: readonly HostJson[];
  readonly localities?: readonly LocalityJson[];
  readonly over: Json;
}

const RING: Json = { lb_policy: 'RING_HASH' };
const MAGLEV: Json = { lb_policy: 'MAGLEV' };

function ring(options: Json): Json {
  return { ...RING, ring_hash_lb_config: options };
}

const WEIGHTED: Json = { common_lb_config: { locality_weighted_lb_config: {} } };
const UNEVEN = hostsJson(9, (index) => ({ weight: 1 + (index % 4) }));
const SICK = hostsJson(6, (index) => ({ health: index < 2 ? 'UNHEALTHY' : 'HEALTHY' }));
const KEYED = hostsJson(5, (index) => ({ metadata: { hash_key: `pod-${index}` } }));
const HALF_KEYED = hostsJson(5, (index) => ({
  metadata: index < 2 ? { hash_key: `pod-${index}` } : { hash_key: 3 },
}));
const NAMED = hostsJson(5, (index) => ({ hostname: index === 2 ? '' : `h${index}.test` }));
/** Out of order, and one that nobody can be sent to. */
const ZONES: readonly LocalityJson[] = [
  { zone: 'c', weight: 1, hosts: hostsJson(2, () => ({ weight: 3 })) },
  { zone: 'a', weight: 5, hosts: [{ at: '2.1' }, { at: '2.2', weight: 2 }] },
  { zone: 'd', weight: 4, hosts: [{ at: '3.1', health: 'UNHEALTHY' }] },
  { zone: 'b', hosts: [{ at: '4.1' }] },
];
const TWO_PRIORITIES: readonly LocalityJson[] = [
  { hosts: SICK.slice(0, 4) },
  { hosts: [{ at: '2.1' }, { at: '2.2' }], priority: 1 },
];
const DEGRADED = hostsJson(4, (index) => ({ health: index < 3 ? 'DEGRADED' : 'UNHEALTHY' }));

const SETTINGS: Readonly<Record<string, Setting>> = {
  ring: { hosts: hostsJson(7), over: RING },
  ring_one: { hosts: hostsJson(1), over: RING },
  ring_small: { hosts: hostsJson(7), over: ring({ minimum_ring_size: 8, maximum_ring_size: 10 }) },
  ring_least: { hosts: hostsJson(7), over: ring({ minimum_ring_size: 2, maximum_ring_size: 3 }) },
  ring_large: { hosts: hostsJson(11), over: ring({ minimum_ring_size: 20_000 }) },
  ring_murmur: { hosts: hostsJson(7), over: ring({ hash_function: 'MURMUR_HASH_2' }) },
  ring_uneven: { hosts: UNEVEN, over: ring({ minimum_ring_size: 100 }) },
  ring_sick: { hosts: SICK, over: RING },
  ring_keyed: { hosts: KEYED, over: RING },
  ring_half_keyed: { hosts: HALF_KEYED, over: RING },
  ring_named: {
    hosts: NAMED,
    over: {
      ...{ ...RING, type: 'STRICT_DNS' },
      common_lb_config: { consistent_hashing_lb_config: { use_hostname_for_hashing: true } },
    },
  },
  ring_zones: { localities: ZONES, over: { ...ring({ minimum_ring_size: 50 }), ...WEIGHTED } },
  ring_unweighted: {
    localities: ZONES.map(({ zone = '', hosts }) => ({ zone, hosts })),
    over: { ...RING, ...WEIGHTED },
  },
  ring_priorities: { localities: TWO_PRIORITIES, over: RING },
  ring_degraded: { hosts: DEGRADED, over: RING },
  maglev: { hosts: hostsJson(7), over: MAGLEV },
  maglev_small: { hosts: hostsJson(7), over: { ...MAGLEV, maglev_lb_config: { table_size: 11 } } },
  maglev_uneven: { hosts: UNEVEN, over: { ...MAGLEV, maglev_lb_config: { table_size: 1009 } } },
  maglev_keyed: { hosts: KEYED, over: MAGLEV },
  maglev_sick: { hosts: SICK, over: MAGLEV },
  maglev_zones: { localities: ZONES, over: { ...MAGLEV, ...WEIGHTED } },
  maglev_priorities: { localities: TWO_PRIORITIES, over: MAGLEV },
  maglev_degraded: { hosts: DEGRADED, over: MAGLEV },
};

const NAMES = Object.keys(SETTINGS);

function config(hosts: ManyHosts): TwinConfig {
  const hash_policy = [{ header: { header_name: 'x-key' } }];
  const routes = NAMES.map((name) => ({
    match: { path: `/${name}` },
    route: { cluster: name, hash_policy },
  }));
  const moreClusters = Object.entries(SETTINGS).map(([name, setting]) =>
    hosts.cluster(name, setting.localities ?? [{ hosts: setting.hosts ?? [] }], setting.over),
  );
  return { listeners: { main: { routes } }, moreClusters, log: null };
}

async function picked(twin: Twin, name: string): Promise<unknown> {
  const requests = Array.from({ length: KEYS }, (_, index) => ({
    path: `/${name}`,
    fields: [`x-key: user-${index * 7919}`],
  }));
  return pickedHosts(twin.ports['main'] ?? 0, requests);
}

async function gauges(twin: Twin): Promise<string> {
  const filter = '^cluster%5C..*(ring_hash_lb|maglev_lb)%5C.';
  return (await fetch(`${twin.admin}/stats?filter=${filter}`)).text();
}

t.test(
  'hashes lead to the hosts to which they lead in Envoy',
  { skip: withoutEnvoy },
  async (t) => {
    const hosts = new ManyHosts();
    await hosts.listen();
    t.teardown(() => hosts.close());
    await withTwins(config(hosts), async ({ ours, envoy }) => {
      for (const name of NAMES) {
        const [mine, theirs] = await Promise.all([picked(ours, name), picked(envoy, name)]);
        t.same(mine, theirs, name);
      }
      t.equal(await gauges(ours), await gauges(envoy));
    });
  },
);
