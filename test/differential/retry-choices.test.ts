// Where retries go beside Envoy's: hosts and priorities that were tried, hosts that predicates avoid;
// and what becomes of retries when streams of a cluster, or hedged attempts, take too long.
import t from 'tap';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import {
  type PlayCase,
  type PlayConfig,
  type PlayOutcome,
  playLog,
  withPlayedTwins,
} from '../support/with-played-twins.ts';

const LOG =
  '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% ' +
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT%';
const HOSTS = ['host1', 'host2', 'host3', 'host4'] as const;
const TYPES = 'type.googleapis.com/envoy.extensions.retry';
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const FIVE_TIMES = '503;503;503;503;503;503';

/** What is special about a host. */
interface HostMember {
  readonly priority?: number;
  readonly health?: string;
  readonly lb?: Message;
}

function cluster(
  name: string,
  ports: Readonly<Record<string, number>>,
  members: Readonly<Record<string, HostMember>>,
): Message {
  const entries = Object.entries(members);
  const highest = Math.max(...entries.map(([, { priority = 0 }]) => priority));
  const endpoints = Array.from({ length: highest + 1 }, (_, priority) => ({
    priority,
    lb_endpoints: entries
      .filter(([, member]) => (member.priority ?? 0) === priority)
      .map(([host, { health = 'HEALTHY', lb = {} }]) => ({
        endpoint: {
          address: { socket_address: { address: '127.0.0.1', port_value: ports[host] } },
        },
        health_status: health,
        metadata: { filter_metadata: { 'envoy.lb': lb } },
      })),
  }));
  const load_assignment = { cluster_name: name, endpoints };
  return { name, type: 'STATIC', lb_policy: 'RANDOM', load_assignment };
}

const each = (member: (index: number) => HostMember): Record<string, HostMember> =>
  Object.fromEntries(HOSTS.map((name, index) => [name, member(index)]));

const CLUSTERS: Readonly<Record<string, Readonly<Record<string, HostMember>>>> = {
  alike: each(() => ({})),
  single: { host1: {} },
  canaries: each((index) => ({ lb: { canary: index < 3 } })),
  staged: each((index) => ({ lb: { stage: index < 3 ? 'test' : 'live', zone: index } })),
  levels: each((priority) => ({ priority })),
  'ill-levels': each((priority) => ({
    priority,
    health: priority === 1 ? 'UNHEALTHY' : 'HEALTHY',
  })),
};

const predicate = (kind: string, type: string, config: Message = {}): Message => ({
  retry_host_predicate: [
    {
      name: `envoy.retry_host_predicates.${kind}`,
      typed_config: { '@type': `${TYPES}.host.${kind}.v3.${type}`, ...config },
    },
  ],
  host_selection_retry_max_attempts: 100,
});
const PREVIOUS = predicate('previous_hosts', 'PreviousHostsPredicate');
const CANARIES = predicate('omit_canary_hosts', 'OmitCanaryHostsPredicate');
const omit = (members: Message): Message =>
  predicate('omit_host_metadata', 'OmitHostMetadataConfig', {
    metadata_match: { filter_metadata: { 'envoy.lb': members } },
  });
const priorities = (update_frequency: number): Message => ({
  retry_priority: {
    name: 'envoy.retry_priorities.previous_priorities',
    typed_config: {
      '@type': `${TYPES}.priority.previous_priorities.v3.PreviousPrioritiesConfig`,
      update_frequency,
    },
  },
});

function to(name: string, to_cluster: string, retry: Message, action: Message = {}): Message {
  const retry_policy = {
    ...{ retry_on: '5xx', num_retries: 5 },
    retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' },
    ...retry,
  };
  const match = { path_separated_prefix: `/${name}` };
  return { name, match, route: { cluster: to_cluster, retry_policy, ...action } };
}

const HEDGES: Message = { hedge_policy: { hedge_on_per_try_timeout: true } };

const ROUTES: readonly Message[] = [
  to('previous', 'alike', { ...PREVIOUS, num_retries: 3 }),
  to('previous-single', 'single', PREVIOUS),
  to('canaries', 'canaries', CANARIES),
  to('staged', 'staged', omit({ stage: 'test' })),
  to('levels', 'levels', { ...priorities(1), num_retries: 3 }),
  to('levels-again', 'levels', { ...priorities(1), num_retries: 7 }),
  to('levels-by-two', 'levels', { ...priorities(2), num_retries: 11 }),
  to('ill-levels', 'ill-levels', { ...priorities(1), num_retries: 2 }),
  to('brief', 'brief', { num_retries: 1 }),
  to('brief-reset', 'brief', { num_retries: 1, retry_on: 'reset' }),
  to('brief-never', 'brief', { num_retries: 0 }),
  to('hedges', 'single', { num_retries: 2, per_try_timeout: '0.2s' }, HEDGES),
  to(
    'hedges-briefly',
    'single',
    { num_retries: 2, per_try_timeout: '0.2s' },
    {
      ...{ ...HEDGES, timeout: '0.5s' },
    },
  ),
];

const many = (count: number): string => Array.from({ length: count }, () => '503').join(';');

/** Attempts that all fail: where they went is the same on both sides. */
const CASES: readonly PlayCase[] = [
  { title: 'no other host', path: '/previous-single', play: FIVE_TIMES },
  { title: 'priorities', path: '/levels', play: many(4) },
  { title: 'all priorities were tried', path: '/levels-again', play: many(8) },
  { title: 'every second attempt', path: '/levels-by-two', play: many(12) },
  { title: 'a priority that is ill', path: '/ill-levels', play: many(3) },
  { title: 'brief: hangs', path: '/brief', play: 'hang;200' },
  { title: 'brief: hangs, twice', path: '/brief', play: 'hang;hang' },
  { title: 'brief: hangs, reset', path: '/brief-reset', play: 'hang;200' },
  { title: 'brief: hangs, never', path: '/brief-never', play: 'hang' },
  { title: 'hedged until the end', path: '/hedges-briefly', play: 'hang;hang;hang' },
  { title: 'hedged, the second fails', path: '/hedges', play: 'hang;503;200' },
  { title: 'hedged, both reset', path: '/hedges', play: 'late 500;reset;200' },
  { title: 'hedged, a response and a bad one', path: '/hedges', play: 'late 300;late 500' },
];

/** No host is asked twice. */
const PREVIOUS_CASES: readonly PlayCase[] = [1, 2, 3].map((n) => ({
  ...{ title: `previous hosts ${n}`, path: '/previous', play: many(4) },
}));

/** Of each, the host that all attempts but the first went to. */
const KEPT: readonly (readonly [PlayCase, host: string])[] = [
  [{ title: 'canaries', path: '/canaries', play: FIVE_TIMES }, 'host4'],
  [{ title: 'metadata', path: '/staged', play: FIVE_TIMES }, 'host4'],
];

const CONFIG: PlayConfig = {
  upstreams: HOSTS,
  listeners: (places) => [
    httpListener(
      'main',
      { virtual_hosts: [virtualHost(['*'], ROUTES, { include_request_attempt_count: true })] },
      { manager: { access_log: [playLog(places, LOG)] } },
    ),
  ],
  clusters: ({ ports }) => [
    ...Object.entries(CLUSTERS).map(([name, members]) => cluster(name, ports, members)),
    {
      ...staticCluster('brief', ports['host1'] ?? 0),
      typed_extension_protocol_options: {
        [OPTIONS]: {
          '@type': `type.googleapis.com/${OPTIONS}`,
          common_http_protocol_options: { max_stream_duration: '0.2s' },
          explicit_http_config: { http_protocol_options: {} },
        },
      },
    },
  ],
};

const STATS =
  /^cluster\.(?:alike|single|levels|ill-levels|brief)\.(?:upstream_rq_(?:\d|completed|total|retry|timeout|per_try|max)|retry|internal\.)/;

/** Hosts in the order of attempts. */
function hostsOf({ upstream }: PlayOutcome): readonly string[] {
  const attempt = ({ fields }: PlayOutcome['upstream'][number]): number =>
    Number(/\d+$/.exec(fields.find((line) => line.startsWith('x-envoy-attempt-count')) ?? '')?.[0]);
  return [...upstream].sort((a, b) => attempt(a) - attempt(b)).map((request) => request.upstream);
}

t.test('retries go where Envoy’s go', { skip: withoutEnvoy }, async (t) => {
  await withPlayedTwins(CONFIG, async (ours, envoy) => {
    const [found, wanted] = await Promise.all([ours.run(CASES), envoy.run(CASES)]);
    for (const [index, { title }] of CASES.entries()) t.same(found[index], wanted[index], title);
    for (const [one, host] of KEPT) {
      for (const side of [ours, envoy]) {
        const [outcome] = await side.run([one]);
        const [, ...retries] = hostsOf(outcome as PlayOutcome);
        t.same(retries, Array(5).fill(host), one.title);
      }
    }
    for (const side of [ours, envoy]) {
      for (const outcome of await side.run(PREVIOUS_CASES)) {
        t.same([...hostsOf(outcome)].sort(), HOSTS, 'each host once');
      }
    }
    t.same(await ours.stats(STATS), await envoy.stats(STATS), 'statistics');
  });
});
