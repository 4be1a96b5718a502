// Priorities, overprovisioning and panic: who gets requests when hosts are not healthy. Nobody
// listens at any host; what counts is where both proxies try.
import t from 'tap';
import { pickedHosts } from '../support/many-hosts.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

/** The least share of a priority is 30 %: that it gets none happens in one run of 10^12. */
const REQUESTS = 80;

/** Hosts of one priority by health: `h`ealthy, `d`egraded or `u`nhealthy. */
type Hosts = string;

interface Setting {
  readonly hosts: readonly Hosts[];
  readonly threshold?: number;
  readonly factor?: number;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  all_healthy: { hosts: ['hh'] },
  half: { hosts: ['hu'] },
  third: { hosts: ['huu'] },
  degraded: { hosts: ['du'] },
  none: { hosts: ['uu'] },
  empty: { hosts: [''] },
  high_threshold: { hosts: ['hhu'], threshold: 90 },
  broken_threshold: { hosts: ['hu'], threshold: 50.9 },
  low_threshold: { hosts: ['huuu'], threshold: 10 },
  never: { hosts: ['huuu'], threshold: 0 },
  never_none: { hosts: ['uu'], threshold: 0 },
  never_empty: { hosts: [''], threshold: 0 },
  never_two: { hosts: ['uu', 'uu'], threshold: 0 },
  two: { hosts: ['hu', 'h'] },
  two_generous: { hosts: ['hu', 'h'], factor: 200 },
  two_strict: { hosts: ['hu', 'h'], factor: 100 },
  two_poor: { hosts: ['huu', 'huu'] },
  second_only: { hosts: ['uu', 'h'] },
  tiny_factor: { hosts: ['h', 'h'], factor: 1 },
};

const HEALTH: Readonly<Record<string, string>> = { h: 'HEALTHY', d: 'DEGRADED', u: 'UNHEALTHY' };

function cluster(name: string, { hosts, threshold, factor }: Setting): Json {
  const endpoints = hosts.map((kinds, priority) => ({
    priority,
    lb_endpoints: [...kinds].map((kind, index) => ({
      health_status: HEALTH[kind],
      endpoint: {
        address: { socket_address: { address: `127.0.${priority}.${index + 1}`, port_value: 1 } },
      },
    })),
  }));
  return {
    name,
    type: 'STATIC',
    ...(threshold === undefined
      ? {}
      : { common_lb_config: { healthy_panic_threshold: { value: threshold } } }),
    load_assignment: {
      cluster_name: name,
      endpoints,
      ...(factor === undefined ? {} : { policy: { overprovisioning_factor: factor } }),
    },
  };
}

const names = Object.keys(SETTINGS);

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      routes: names.map((name) => ({ match: { path: `/${name}` }, route: { cluster: name } })),
    },
  },
  moreClusters: Object.entries(SETTINGS).map(([name, setting]) => cluster(name, setting)),
  log: null,
};

/** Where requests for a cluster were sent, and whether all, some or none of them panicked. */
async function tried(twin: Twin, name: string): Promise<unknown> {
  const requests = Array.from({ length: REQUESTS }, () => ({ path: `/${name}` }));
  await pickedHosts(twin.ports['main'] ?? 0, requests);
  const lines = (await (await fetch(`${twin.admin}/clusters`)).text()).split('\n');
  const hosts = lines.filter(
    (line) => line.startsWith(`${name}::`) && /::cx_total::[1-9]/.test(line),
  );
  const stats = await fetch(`${twin.admin}/stats?filter=^cluster.${name}.lb_healthy_panic$`);
  const panics = Number((await stats.text()).split(': ')[1]);
  return {
    hosts: hosts.map((line) => line.split('::')[1]).sort(),
    panics: panics === 0 || panics === REQUESTS ? panics : 'some',
  };
}

t.test('sends requests where Envoy sends them', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async ({ ours, envoy }) => {
    for (const name of names) {
      const [mine, theirs] = await Promise.all([tried(ours, name), tried(envoy, name)]);
      t.same(mine, theirs, name);
    }
  });
});
