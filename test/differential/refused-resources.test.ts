// Resources that cannot be used, beside Envoy: both refuse the same, name the resource, and where
// Envoy says why in a sentence of its own, that sentence is in ours.
import t from 'tap';
import { ADS, adsBootstrap, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { type DynamicSide, withDynamicTwins } from '../support/dynamic-twins.ts';
import type { Kind } from '../support/played-plane.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

interface Bad {
  readonly kind: Kind;
  readonly resource: Message;
}

const cluster = (members: Message): Bad => ({
  kind: 'cluster',
  resource: { ...staticCluster('bad', 1), ...members },
});
const listener = (members: Message): Bad => ({
  kind: 'listener',
  resource: { ...rdsListener('bad'), ...members },
});
const manager = (members: Message): Bad => ({
  kind: 'listener',
  resource: httpListener('bad', { virtual_hosts: [] }, { manager: members }),
});
const route = (match: Message, members: Message = { route: { cluster: 'one' } }): Bad => ({
  kind: 'route',
  resource: { name: 'routes', virtual_hosts: [virtualHost(['*'], [{ match, ...members }])] },
});
const endpoints = (members: Message): Bad => ({
  kind: 'endpoint',
  resource: { ...assignment('one', [1]), ...members },
});
const typed = (type: string, members: Message = {}) => ({
  '@type': `type.googleapis.com/${type}`,
  ...members,
});
const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const socket = (type: string, members: Message) => ({
  transport_socket: { name: 'tls', typed_config: typed(`${TLS}.${type}`, members) },
});
const chain = (members: Message): Message => {
  const { filter_chains } = rdsListener('bad') as unknown as { filter_chains: Message[] };
  return { ...filter_chains[0], ...members };
};

const BAD: Readonly<Record<string, Bad>> = {
  'EDS without a source': cluster({ type: 'EDS', load_assignment: undefined }),
  'an empty name of a service': cluster({ name: '' }),
  'a connect_timeout of 0': cluster({ connect_timeout: '0s' }),
  'a negative connect_timeout': cluster({ connect_timeout: '-1s' }),
  'a policy that is not used with its type': cluster({ lb_policy: 'CLUSTER_PROVIDED' }),
  'an unknown type of discovery': cluster({
    type: undefined,
    cluster_type: { name: 'no.such.cluster' },
  }),
  'a STATIC cluster with a name for an address': cluster({
    load_assignment: {
      cluster_name: 'bad',
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: 'a.b', port_value: 1 } } } },
          ],
        },
      ],
    },
  }),
  'a STRICT_DNS cluster with no endpoints in a name': cluster({
    type: 'STRICT_DNS',
    dns_lookup_family: 'V4_ONLY',
    load_assignment: { cluster_name: '' },
  }),
  'a LOGICAL_DNS cluster with two endpoints': cluster({
    type: 'LOGICAL_DNS',
    load_assignment: assignment('bad', [1, 2]),
  }),
  'a ring of no size': cluster({
    lb_policy: 'RING_HASH',
    ring_hash_lb_config: { minimum_ring_size: 10, maximum_ring_size: 5 },
  }),
  'a health check without a kind': cluster({
    health_checks: [
      { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1 },
    ],
  }),
  'a health check without thresholds': cluster({
    health_checks: [{ timeout: '1s', interval: '1s', tcp_health_check: {} }],
  }),
  'TLS without a trusted authority file': cluster(
    socket('UpstreamTlsContext', {
      common_tls_context: { validation_context: { trusted_ca: { filename: '/no/such/file' } } },
    }),
  ),
  'TLS with rubbish for a certificate': cluster(
    socket('UpstreamTlsContext', {
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { inline_string: 'x' }, private_key: { inline_string: 'y' } },
        ],
      },
    }),
  ),
  'a transport socket that is not known': cluster({
    transport_socket: {
      name: 'no.such.socket',
      typed_config: typed('google.protobuf.StringValue', { value: 'x' }),
    },
  }),
  'a cluster that is an aggregate of none': cluster({
    type: undefined,
    load_assignment: undefined,
    cluster_type: {
      name: 'envoy.clusters.aggregate',
      typed_config: typed('envoy.extensions.clusters.aggregate.v3.ClusterConfig'),
    },
  }),
  'a source of an older API': {
    kind: 'cluster',
    resource: edsCluster('bad', {
      ads: {},
      resource_api_version: 'V2',
      initial_fetch_timeout: '0.1s',
    }),
  },
  'a listener without an address': listener({ address: undefined }),
  'a listener without filter chains': listener({ filter_chains: [] }),
  'a listener with an address that is none': listener({
    address: { socket_address: { address: '1.2.3', port_value: 0 } },
  }),
  'two filter chains alike': listener({ filter_chains: [chain({}), chain({})] }),
  'a filter chain without filters': listener({ filter_chains: [{}] }),
  'a network filter that is not known': listener({
    filter_chains: [
      {
        filters: [
          {
            name: 'no.such.filter',
            typed_config: typed('google.protobuf.StringValue', { value: 'x' }),
          },
        ],
      },
    ],
  }),
  'a listener filter that is not known': listener({
    listener_filters: [
      { name: 'no.such', typed_config: typed('google.protobuf.StringValue', { value: 'x' }) },
    ],
  }),
  'a connection manager without a prefix': manager({ stat_prefix: '' }),
  'a connection manager without filters': manager({ http_filters: [] }),
  'a connection manager without routes': manager({ route_config: undefined }),
  'no terminal filter': manager({
    http_filters: [
      { name: 'cors', typed_config: typed('envoy.extensions.filters.http.cors.v3.Cors') },
    ],
  }),
  'a router that is not the last': manager({
    http_filters: [
      { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') },
      { name: 'cors', typed_config: typed('envoy.extensions.filters.http.cors.v3.Cors') },
    ],
  }),
  'an HTTP filter that is not known': manager({
    http_filters: [
      { name: 'no.such', typed_config: typed('google.protobuf.StringValue', { value: 'x' }) },
    ],
  }),
  'a domain twice': {
    kind: 'route',
    resource: {
      name: 'routes',
      virtual_hosts: [virtualHost(['a.b'], []), { ...virtualHost(['a.b'], []), name: 'w' }],
    },
  },
  'a name of a virtual host twice': {
    kind: 'route',
    resource: {
      name: 'routes',
      virtual_hosts: [virtualHost(['a'], []), { ...virtualHost(['b'], []), name: 'a' }],
    },
  },
  'a route without a match': route({}),
  'a route without an action': route({ prefix: '/' }, {}),
  'a regular expression that is none': route({ safe_regex: { regex: '(' } }),
  'a prefix rewrite that is no path': route(
    { prefix: '/' },
    { redirect: { prefix_rewrite: 'a\n' } },
  ),
  'weights of nothing': route(
    { prefix: '/' },
    { route: { weighted_clusters: { clusters: [{ name: 'one', weight: 0 }] } } },
  ),
  'a cluster that is not there, validated': {
    kind: 'route',
    resource: { ...routeTable('routes', { '/': 'nowhere' }), validate_clusters: true },
  },
  'endpoints of a priority of 200': endpoints({ endpoints: [{ priority: 200 }] }),
  'endpoints without an address': endpoints({ endpoints: [{ lb_endpoints: [{ endpoint: {} }] }] }),
  'an overprovisioning factor of 0': endpoints({ policy: { overprovisioning_factor: 0 } }),
  'an endpoint with a name for an address': endpoints({
    endpoints: [
      {
        lb_endpoints: [
          { endpoint: { address: { socket_address: { address: 'a.b', port_value: 1 } } } },
        ],
      },
    ],
  }),
  'a locality with a weight of 0': endpoints({
    endpoints: [{ load_balancing_weight: 0, lb_endpoints: [] }],
  }),
  'an endpoint with a weight of 0': endpoints({
    endpoints: [
      {
        lb_endpoints: [
          {
            load_balancing_weight: 0,
            endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
          },
        ],
      },
    ],
  }),
};

const GOOD: readonly (readonly [Kind, Message])[] = [
  ['cluster', edsCluster('one', ADS)],
  ['endpoint', assignment('one', [1])],
  ['listener', rdsListener('in')],
  ['route', routeTable('routes', { '/': 'one' })],
];

/** Envoy reads resource_api_version of some sources only. */
const OURS_ALONE = new Set(['a source of an older API']);

/** Where libraries speak, or a place is not said twice. */
const OWN_WORDS = new Set([
  'TLS without a trusted authority file',
  'a regular expression that is none',
  'endpoints without an address',
]);

/** Envoy's own sentence; '' where it prints the message and a rule of the proto. */
function reasonOf(answer: string): string {
  if (answer.includes('goo.gle/')) return '';
  return answer
    .replace(/^refused 13 (?:Error adding\/updating \w+\(s\) bad: )?/, '')
    .trim()
    .replace(/\.$/, '');
}

async function play({ plane }: DynamicSide): Promise<Record<string, string>> {
  const asked = { cluster: [], endpoint: ['one'], listener: [], route: ['routes'] } as Record<
    string,
    string[]
  >;
  for (const [kind, resource] of GOOD) {
    await plane.asked(kind, ...(asked[kind] ?? []));
    plane.push(kind, [resource]);
  }
  const answers: Record<string, string> = {};
  for (const [title, { kind, resource }] of Object.entries(BAD)) {
    const good = GOOD.flatMap(([each, it]) => (each === kind ? [it] : []));
    const isCollection = kind === 'cluster' || kind === 'listener';
    const answer = await plane.set(kind, isCollection ? [...good, resource] : [resource]);
    answers[title] = answer.replace(/^.*?nonce=n\d+ ?/s, '') || 'taken';
    if (answers[title] === 'taken') await plane.set(kind, good);
  }
  return answers;
}

t.test('what is refused, beside Envoy', { skip: withoutEnvoy }, async (t) => {
  const { ours, envoy } = await withDynamicTwins({
    bootstrap: (port) => adsBootstrap(port),
    script: async (side) => {
      const answers = await play(side);
      await side.serving();
      return answers;
    },
  });
  for (const [title, { kind }] of Object.entries(BAD)) {
    const [mine, theirs] = [ours[title] ?? '', envoy[title] ?? ''];
    if (OURS_ALONE.has(title)) {
      t.equal(theirs, 'taken', `${title}: taken by Envoy`);
      t.match(mine, /^refused 13 /, title);
      continue;
    }
    t.equal(mine === 'taken', theirs === 'taken', `${title}: ${mine} | ${theirs}`);
    const reason = reasonOf(theirs);
    if (reason !== '' && !OWN_WORDS.has(title)) t.ok(mine.includes(reason), `${title}: ${mine}`);
    const isNamed =
      kind !== 'cluster' || /^(?:taken|refused 13 Error .*\(s\) (?:bad)?: \S)/.test(mine);
    t.ok(isNamed, `${title} is named: ${mine}`);
  }
});
