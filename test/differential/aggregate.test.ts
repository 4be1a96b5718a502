// Aggregate clusters: which member gets requests as hosts fail, what is counted where, retries and
// TCP. Unhealthy hosts are said to be so by their endpoints.
import t from 'tap';
import { type HostJson, hostsJson, ManyHosts, pickedHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, withTwins } from '../support/with-twins.ts';

/** Where members share at least a third each, one gets fewer than 4 in one run of 10^13. */
const REQUESTS = 100;
const HEALTH = { h: 'HEALTHY', d: 'DEGRADED', u: 'UNHEALTHY' } as const;
const servers = new ManyHosts();

/** Members by their priorities, whose hosts are by letter healthy, degraded or unhealthy. */
const SETTINGS: Readonly<Record<string, { members: readonly (readonly string[])[]; over?: Json }>> =
  {
    first: { members: [['hh'], ['h']] },
    fails: { members: [['uu'], ['hh']] },
    third_missing: { members: [['u'], ['u'], ['h']] },
    inner_priorities: { members: [['u', 'h'], ['h']] },
    spills: { members: [['huu'], ['hh']] },
    empty_first: { members: [[''], ['h']] },
    degraded: { members: [['d'], ['u']] },
    degraded_later: { members: [['du'], ['h']] },
    panics: { members: [['uu'], ['uu']] },
    never: {
      members: [['uu'], ['uu']],
      over: { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
    },
    nobody: { members: [[''], ['']] },
  };

function aggregate(name: string, clusters: readonly string[], over: Json = {}): Json {
  return {
    ...{ name, connect_timeout: '5s', lb_policy: 'CLUSTER_PROVIDED' },
    cluster_type: {
      name: 'envoy.clusters.aggregate',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig',
        clusters,
      },
    },
    ...over,
  };
}

/** Hosts `127.0.<which>.<n>`, so that an address says the member and its priority. */
function member(name: string, index: number, priorities: readonly string[]): Json {
  const localities = priorities.map((kinds, priority) => ({
    priority,
    hosts: [...kinds].map(
      (kind, at): HostJson => ({
        at: `${10 * (index + 1) + priority}.${at + 1}`,
        health: HEALTH[kind as keyof typeof HEALTH],
      }),
    ),
  }));
  return servers.cluster(name, localities);
}

function clusters(): Json[] {
  return Object.entries(SETTINGS).flatMap(([name, { members, over }]) => {
    const names = members.map((_, index) => `${name}_${index}`);
    return [
      aggregate(name, [...names, 'no_such_cluster'], over),
      ...members.map((priorities, index) => member(names[index] as string, index, priorities)),
    ];
  });
}

const names = Object.keys(SETTINGS);

function config(): TwinConfig {
  return {
    listeners: {
      main: {
        routes: [
          ...names.map((name) => ({ match: { path: `/${name}` }, route: { cluster: name } })),
          { match: { path: '/nested' }, route: { cluster: 'nested' } },
          {
            match: { path: '/retry' },
            route: {
              cluster: 'retry',
              retry_policy: {
                retry_on: 'connect-failure',
                num_retries: 3,
                retry_priority: {
                  name: 'envoy.retry_priorities.previous_priorities',
                  typed_config: {
                    '@type':
                      'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
                    update_frequency: 1,
                  },
                },
              },
            },
          },
        ],
      },
      tcp: {
        chain: {
          filters: [
            {
              name: 'envoy.filters.network.tcp_proxy',
              typed_config: typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
                ...{ stat_prefix: 't', cluster: 'fails' },
              }),
            },
          ],
        },
      },
    },
    moreClusters: [
      ...clusters(),
      aggregate('nested', ['first', 'nested_0']),
      servers.cluster('nested_0', [{ hosts: [{ at: '99.1' }] }]),
      aggregate('retry', ['retry_0', 'retry_1']),
      {
        ...{ name: 'retry_0', type: 'STATIC', connect_timeout: '5s' },
        load_assignment: {
          cluster_name: 'retry_0',
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
                  },
                },
              ],
            },
          ],
        },
      },
      servers.cluster('retry_1', [{ hosts: hostsJson(2) }]),
    ],
    log: {
      log_format: {
        text_format_source: {
          inline_string:
            '%DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% %UPSTREAM_CLUSTER% %RESPONSE_FLAGS%\n',
        },
      },
    },
  };
}

/** How many requests each member's priority got, and what was counted. */
async function tried(twin: Twin, name: string): Promise<unknown> {
  const requests = Array.from({ length: REQUESTS }, () => ({ path: `/${name}` }));
  const hosts = await pickedHosts(twin.ports['main'] ?? 0, requests);
  return { who: [...new Set(hosts)].sort(), counts: await counts(twin, name) };
}

async function counts(twin: Twin, name: string): Promise<unknown> {
  const wanted = 'upstream_rq_total|upstream_rq_200|upstream_rq_503|upstream_cx_none_healthy';
  const filter = `^cluster.${name}(_[0-9])?.(${wanted}|lb_healthy_panic|membership_total|upstream_rq_retry)$`;
  const lines = (await (await fetch(`${twin.admin}/stats?filter=${filter}`)).text()).split('\n');
  // Where two members share, how much each gets is chance.
  return lines
    .filter((line) => line !== '')
    .map((line) => line.replace(/: (\d+)$/, (_, count) => `: ${size(Number(count))}`))
    .sort();
}

function size(count: number): string {
  return count === 0 || count === REQUESTS || count < 4 ? String(count) : 'some';
}

t.test('members are used as Envoy uses them', { skip: withoutEnvoy }, async (t) => {
  await servers.listen();
  t.teardown(() => servers.close());
  await withTwins(config(), async ({ ours, envoy }) => {
    for (const name of [...names, 'nested', 'retry']) {
      const [mine, theirs] = await Promise.all([tried(ours, name), tried(envoy, name)]);
      t.same(mine, theirs, name);
    }
    const sessions = [{ path: '/' }];
    const reached = (twin: Twin) => pickedHosts(twin.ports['tcp'] ?? 0, sessions);
    const places = [...(await reached(ours)), ...(await reached(envoy))];
    t.ok(
      places.every((place) => /^127\.0\.20\.[12]$/.test(place)),
      'TCP too',
    );
    const log = [{ title: 'log', send: ['GET /first HTTP/1.1\r\nhost: h\r\n\r\n'], responses: 1 }];
    const [[mine], [theirs]] = await Promise.all([ours.run(log), envoy.run(log)]);
    t.same(mine?.log, theirs?.log, 'the log names the same cluster');
    t.equal(mine?.log.length, 1);
  });
});
