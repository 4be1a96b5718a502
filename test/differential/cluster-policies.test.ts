// retry_policy, hash_policy and request_mirror_policies of clusters beside Envoy's, alone and against
// those of routes and virtual hosts.
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
  playLog,
  withPlayedTwins,
} from '../support/with-played-twins.ts';

const LOG =
  '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% ' +
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT%';
const HOSTS = ['host1', 'host2', 'host3', 'host4'] as const;
const UPSTREAMS = ['main', 'mirror', 'mirror2', ...HOSTS] as const;
const BACK_OFF: Message = { base_interval: '0.001s', max_interval: '0.002s' };
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** These policies as a cluster says them. */
function policies(members: Message): Message {
  const options = {
    '@type': `type.googleapis.com/${OPTIONS}`,
    explicit_http_config: { http_protocol_options: {} },
    ...members,
  };
  return { typed_extension_protocol_options: { [OPTIONS]: options } };
}

const retries = (retry_on: string, more: Message = {}): Message => ({
  retry_policy: { retry_on, retry_back_off: BACK_OFF, ...more },
});
const mirrors = (cluster: string, more: Message = {}): Message => ({
  request_mirror_policies: [{ cluster, ...more }],
});
const hashes = (...names: readonly string[]): Message => ({
  hash_policy: names.map((header_name) => ({ header: { header_name } })),
});
const COOKIE: Message = {
  hash_policy: [{ cookie: { name: 'sid', ttl: '60s', path: '/' } }],
};

/** What each cluster says; `main` serves those that are not about hosts. */
const CLUSTERS: Readonly<Record<string, Message>> = {
  main: {},
  'retries-5xx': retries('5xx', { num_retries: 2 }),
  'retries-nothing': { retry_policy: {} },
  'retries-quickly': retries('5xx', { per_try_timeout: '0.15s' }),
  'idles-quickly': retries('5xx', { per_try_idle_timeout: '0.15s' }),
  mirrors: mirrors('mirror'),
  'mirrors-never': mirrors('mirror', {
    runtime_fraction: { default_value: { numerator: 0 } },
  }),
};
const HASHED_CLUSTERS: Readonly<Record<string, Message>> = {
  'hashes-nothing': {},
  'hashes-a': hashes('x-a'),
  'hashes-cookie': COOKIE,
};

function to(cluster: string, action: Message = {}, more = ''): Message {
  const name = `${cluster}${more}`;
  return { name, match: { path_separated_prefix: `/${name}` }, route: { cluster, ...action } };
}

const HEDGES: Message = { hedge_policy: { hedge_on_per_try_timeout: true } };

const ROUTES: readonly Message[] = [
  ...Object.keys(CLUSTERS).map((name) => to(name)),
  ...Object.keys(CLUSTERS).map((name) => to(name, retries('gateway-error'), '-and-route')),
  ...Object.keys(CLUSTERS).map((name) =>
    to(name, retries('gateway-error', { per_try_timeout: '0.15s' }), '-and-quick-route'),
  ),
  to('retries-quickly', HEDGES, '-hedges'),
  ...Object.keys(CLUSTERS).map((name) => to(name, mirrors('mirror2'), '-and-mirror')),
  to('main', mirrors('hashes-a'), '-and-hashed'),
  ...Object.keys(HASHED_CLUSTERS).map((name) => to(name)),
  ...Object.keys(HASHED_CLUSTERS).map((name) => to(name, hashes('x-b'), '-and-route')),
];

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8'] as const;

/** Clusters whose times of attempts might count. */
const TIMED = ['main', 'retries-nothing', 'retries-quickly', 'idles-quickly'] as const;

const RETRY_CASES: readonly PlayCase[] = [
  ...Object.keys(CLUSTERS).flatMap((name): readonly PlayCase[] => [
    { title: `${name}: 500`, path: `/${name}`, play: '500;500;200' },
    { title: `${name}: 503`, path: `/${name}`, play: '503;503;200' },
    { title: `${name}: reset`, path: `/${name}`, play: 'reset;200' },
    { title: `${name} and a route: 500`, path: `/${name}-and-route`, play: '500;500;200' },
    { title: `${name} and a route: 503`, path: `/${name}-and-route`, play: '503;503;200' },
    {
      ...{ title: `${name} and a virtual host`, path: `/${name}`, host: 'retries.test' },
      play: '503;503;200',
    },
    {
      ...{ title: `${name} and a client`, path: `/${name}`, play: '409;500;200' },
      fields: ['x-envoy-retry-on: retriable-4xx', 'x-envoy-max-retries: 3'],
    },
  ]),
  ...TIMED.flatMap((name): readonly PlayCase[] => [
    {
      ...{ title: `${name} that hangs`, path: `/${name}`, play: 'hang;200' },
      fields: ['x-envoy-upstream-rq-timeout-ms: 400'],
    },
    {
      ...{ title: `${name} and a quick route`, path: `/${name}-and-quick-route` },
      ...{ play: 'hang;200', fields: ['x-envoy-upstream-rq-timeout-ms: 400'] },
    },
  ]),
  {
    ...{ title: 'hedges', path: '/retries-quickly-hedges', play: 'hang;200' },
    fields: ['x-envoy-upstream-rq-timeout-ms: 400'],
  },
  { title: 'content', method: 'POST', body: 'content', path: '/retries-5xx', play: '503;200' },
];

const MIRROR_CASES: readonly PlayCase[] = [
  { title: 'a mirror', path: '/mirrors', requests: 2 },
  { title: 'a mirror with content', method: 'POST', body: 'c', path: '/mirrors', requests: 2 },
  { title: 'a mirror and a route', path: '/mirrors-and-mirror', requests: 2 },
  { title: 'a mirror and a virtual host', path: '/mirrors', host: 'mirrors.test', requests: 2 },
  { title: 'never', path: '/mirrors-never-and-mirror', requests: 1 },
  { title: 'a route alone', path: '/main-and-mirror', requests: 2 },
];

const HASH_CASES: readonly PlayCase[] = [
  ...KEYS.flatMap((key): readonly PlayCase[] => [
    { title: `cluster ${key}`, path: '/hashes-a', fields: [`x-a: ${key}`] },
    { title: `route ${key}`, path: '/hashes-nothing-and-route', fields: [`x-b: ${key}`] },
    { title: `both ${key}`, path: '/hashes-a-and-route', fields: [`x-a: ${key}`, 'x-b: 1'] },
    { title: `cookie ${key}`, path: '/hashes-cookie', fields: [`cookie: sid=${key}`] },
    { title: `copy ${key}`, path: '/main-and-hashed', fields: [`x-a: ${key}`], requests: 2 },
  ]),
];

function hashedCluster(name: string, ports: Readonly<Record<string, number>>): Message {
  const lb_endpoints = HOSTS.map((hostname) => {
    const address = { socket_address: { address: '127.0.0.1', port_value: ports[hostname] } };
    const metadata = { filter_metadata: { 'envoy.lb': { hash_key: hostname } } };
    return { endpoint: { address }, metadata };
  });
  return {
    ...{ name, type: 'STATIC', lb_policy: 'RING_HASH' },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    ...policies(HASHED_CLUSTERS[name] ?? {}),
  };
}

const CONFIG: PlayConfig = {
  upstreams: UPSTREAMS,
  listeners: (places) => {
    const manager = {
      access_log: [playLog(places, LOG)],
      internal_address_config: {
        cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }],
      },
      use_remote_address: true,
    };
    const virtual_hosts = [
      virtualHost(['*'], ROUTES),
      virtualHost(['retries.test'], ROUTES, retries('gateway-error')),
      virtualHost(['mirrors.test'], ROUTES, mirrors('mirror2')),
    ];
    return [httpListener('main', { virtual_hosts }, { manager })];
  },
  clusters: ({ ports }) => [
    ...Object.entries(CLUSTERS).map(([name, members]) => ({
      ...staticCluster(name, ports['main'] ?? 0),
      ...policies(members),
    })),
    ...Object.keys(HASHED_CLUSTERS).map((name) => hashedCluster(name, ports)),
    ...['mirror', 'mirror2'].map((name) => staticCluster(name, ports[name] ?? 0)),
  ],
};

const STATS =
  /^cluster\.(?:main|retries|mirror|idles|hashes)[a-z0-9-]*\.(?:upstream_rq_(?:\d|completed|total|retry|per_try|timeout)|internal\.)/;

t.test('clusters’ own policies count as with Envoy', { skip: withoutEnvoy }, async (t) => {
  await withPlayedTwins(CONFIG, async (ours, envoy) => {
    const cases = [...RETRY_CASES, ...MIRROR_CASES, ...HASH_CASES];
    const [found, wanted] = await Promise.all([ours.run(cases), envoy.run(cases)]);
    for (const [index, { title }] of cases.entries()) t.same(found[index], wanted[index], title);
    t.same(await ours.stats(STATS), await envoy.stats(STATS), 'statistics');
  });
});
