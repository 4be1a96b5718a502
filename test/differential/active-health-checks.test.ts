// Active health checks beside Envoy's: the same upstream is asked by both, and both come to the same
// flags, gauges and requests.
import t from 'tap';
import { CheckedUpstream, type ScriptedHealth } from '../support/checked-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

type Ports = Awaited<ReturnType<CheckedUpstream['listen']>>;

/** A cluster: how it is checked, and where. */
interface Setting {
  readonly check: Message;
  /** Further ones. */
  readonly more?: readonly Message[];
  readonly port?: keyof Ports;
  readonly cluster?: Message;
  readonly endpoint?: Message;
}

const http = (members: Message = {}): Message => ({
  http_health_check: { path: '/hc', ...members },
});
const IMMEDIATE = 'x-envoy-immediate-health-check-fail';
const H2_OPTIONS = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

const SETTINGS: Readonly<Record<string, Setting>> = {
  plain: { check: http() },
  named: { check: { name: 'of-name', ...http() } },
  single_use: { check: { reuse_connection: false, ...http() } },
  statuses: {
    check: http({
      expected_statuses: [{ start: 200, end: 205 }],
      retriable_statuses: [{ start: 200, end: 504 }],
    }),
  },
  body: { check: http({ receive: [{ text: '6f6b' }, { text: '21' }], response_buffer_size: 8 }) },
  posted: {
    check: http({
      ...{ method: 'POST', send: { text: '68690a' }, request_headers_to_remove: ['user-agent'] },
      request_headers_to_add: [
        { header: { key: 'x-host', value: '%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } },
        { header: { key: 'x-fixed', value: 'v' } },
      ],
    }),
  },
  headed: { check: http({ method: 'HEAD', host: 'of-the-check' }) },
  service: { check: http({ service_name_matcher: { prefix: 'svc-' } }) },
  http2: { check: http({ codec_client_type: 'HTTP2' }), port: 'http2', cluster: H2_OPTIONS },
  grpc: {
    check: {
      grpc_health_check: {
        service_name: 'a.b',
        initial_metadata: [{ header: { key: 'x-meta', value: 'm' } }],
      },
    },
    ...{ port: 'http2', cluster: H2_OPTIONS },
  },
  tcp_connect: { check: { tcp_health_check: {} }, port: 'tcp' },
  tcp: {
    check: { tcp_health_check: { send: { text: '50494e47' }, receive: [{ text: '504f4e47' }] } },
    port: 'tcp',
  },
  nobody: { check: http(), endpoint: { health_check_config: { port_value: 1 } } },
  disabled: {
    check: http(),
    endpoint: { health_check_config: { disable_active_health_check: true } },
  },
  several: {
    check: { name: 'one', ...http({ host: 'one' }) },
    more: [
      { name: 'two', unhealthy_threshold: 1, ...http({ host: 'two' }) },
      { name: 'three', healthy_threshold: 3, ...http({ host: 'three' }) },
    ],
  },
  own_name: { check: http({ host: 'x' }), endpoint: { health_check_config: { hostname: 'mine' } } },
};

function cluster(name: string, setting: Setting, ports: Ports): Message {
  const { check, more = [], port = 'http1', endpoint = {} } = setting;
  const address = { socket_address: { address: '127.0.0.1', port_value: ports[port] } };
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address, ...endpoint } }] }],
    },
    health_checks: [check, ...more].map((each) => ({
      ...{ timeout: '0.4s', interval: '0.05s', no_traffic_interval: '0.05s' },
      ...{ unhealthy_threshold: 2, healthy_threshold: 2, ...each },
    })),
    ...setting.cluster,
  };
}

function bootstrap(ports: Ports): Message {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'plain' } }];
  const clusters = Object.entries(SETTINGS).map(([name, each]) => cluster(name, each, ports));
  const listener = httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] });
  return {
    ...bootstrapOf([listener], clusters),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
}

const FAILED = '/failed_active_hc';
const EXCLUDED = `${FAILED}/excluded_via_immediate_hc_fail`;
const AT_FIRST: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, 'healthy'])),
  ...{ nobody: FAILED, body: FAILED, service: FAILED },
};

/** What hosts answer from now on, and the flags that come of it. */
const STEPS: readonly (readonly [
  title: string,
  answers: Readonly<Record<string, ScriptedHealth>>,
  flags: Readonly<Record<string, string>>,
])[] = [
  ['the first checks', {}, {}],
  [
    'answers that fail',
    {
      plain: { status: 503 },
      named: { status: 301 },
      single_use: { isCut: true },
      statuses: { status: 503 },
      body: { body: '.ok.!.' },
      posted: { status: 500, headers: { [IMMEDIATE]: 'x' } },
      'of-the-check': { status: 201 },
      service: { headers: { 'x-envoy-upstream-healthchecked-cluster': 'svc-1' } },
      http2: { status: 404 },
      grpc: { serving: 2 },
      tcp: { reply: 'PING' },
      mine: { isSilent: true },
      two: { status: 503 },
      three: { headers: { 'x-envoy-degraded': '' } },
    },
    {
      ...{ plain: FAILED, named: FAILED, single_use: FAILED, statuses: FAILED, body: 'healthy' },
      ...{ posted: EXCLUDED, headed: FAILED, service: 'healthy', http2: FAILED, grpc: FAILED },
      ...{ tcp: `${FAILED}/active_hc_timeout`, own_name: `${FAILED}/active_hc_timeout` },
      several: `${FAILED}/degraded_active_hc`,
    },
  ],
  [
    'other failures, and degraded hosts',
    {
      plain: { headers: { 'x-envoy-degraded': '' } },
      named: { isSilent: true },
      statuses: { status: 204, headers: { 'x-envoy-degraded': '1', [IMMEDIATE]: 'x' } },
      body: { body: '........ok!' },
      service: { headers: { 'x-envoy-upstream-healthchecked-cluster': 'other' } },
      http2: { isCut: true },
      grpc: { grpcStatus: 12 },
      tcp: { isCut: true },
      one: { isSilent: true },
    },
    {
      ...{ plain: '/degraded_active_hc', named: `${FAILED}/active_hc_timeout` },
      ...{
        single_use: 'healthy',
        statuses: '/degraded_active_hc',
        body: FAILED,
        posted: 'healthy',
      },
      ...{ headed: 'healthy', service: FAILED, tcp: FAILED, own_name: 'healthy' },
      several: `${FAILED}/active_hc_timeout`,
    },
  ],
  ['all is well again', {}, { ...AT_FIRST }],
];

/** Not health_check.degraded: Envoy's never falls while the host is checked. */
const GAUGES =
  /^cluster\.(\w+)\.(health_check\.(?:name\.[^.]+\.)?healthy|membership_\w+): (\d+)$/gm;
const NAMES = /^(cluster\.\w+\.health_check\.\S+): /gm;

async function read(admin: string, path: string): Promise<string> {
  return (await fetch(`${admin}${path}`, { headers: { connection: 'close' } })).text();
}

async function flagsOf(admin: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await read(admin, '/clusters')).matchAll(
    /^(\w+)::[^:]+:\d+::health_flags::(.*)$/gm,
  );
  return Object.fromEntries([...lines].map(([, name, flags]) => [name, flags]));
}

/** Requests of checks as the upstream saw them, in whatever order of fields. */
function seenBy(upstream: CheckedUpstream, port: number): Readonly<Record<string, unknown>> {
  const mask = (text: string): string => text.replaceAll(String(port), '<port>');
  const entries = [...upstream.seen].map(([name, { line, headers, body }]) => {
    const fields = headers.flatMap((key, index) => {
      const isName = index % 2 === 0;
      return isName ? [`${key.toLowerCase()}: ${mask(headers[index + 1] ?? '')}`] : [];
    });
    return [name, { line, fields: fields.sort(), body }] as const;
  });
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Waits for the flags; what is there when they do not come is compared all the same. */
async function settle(admins: readonly string[], expected: Readonly<Record<string, string>>) {
  const isThere = async () => {
    const all = await Promise.all(admins.map(flagsOf));
    return all.every((flags) =>
      Object.entries(expected).every(([name, wanted]) => flags[name] === wanted),
    );
  };
  await eventually(isThere, 8000).catch(() => undefined);
}

t.test('checks come to what Envoy’s come to', { skip: withoutEnvoy }, async (t) => {
  const upstreams = { ours: new CheckedUpstream(), envoy: new CheckedUpstream() };
  const ports = { ours: await upstreams.ours.listen(), envoy: await upstreams.envoy.listen() };
  t.teardown(() => {
    upstreams.ours.close();
    upstreams.envoy.close();
  });
  const proxy = await withProxy(bootstrap(ports.ours));
  t.teardown(() => proxy.stop());
  const ours = `http://${proxy.adminAddress}`;
  await withEnvoy(bootstrap(ports.envoy), async ({ admin: envoy, listener }) => {
    const expected: Record<string, string> = { ...AT_FIRST };
    for (const [title, answers, flags] of STEPS) {
      for (const { health } of Object.values(upstreams)) {
        health.clear();
        for (const [name, answer] of Object.entries(answers)) health.set(name, answer);
      }
      Object.assign(expected, flags);
      await settle([ours, envoy], expected);
      t.strictSame(await flagsOf(ours), expected, `${title}: ours`);
      t.strictSame(await flagsOf(envoy), expected, `${title}: Envoy’s`);
      const gauges = async (admin: string) => (await read(admin, '/stats')).match(GAUGES);
      t.strictSame(await gauges(ours), await gauges(envoy), `${title}: gauges`);
    }
    const degraded = /^cluster\.\w+\.health_check\.degraded: 1$/m;
    t.notMatch(await read(ours, '/stats'), degraded, 'nobody is degraded any more');
    const names = async (admin: string) => (await read(admin, '/stats')).match(NAMES);
    t.strictSame(await names(ours), await names(envoy), 'names of statistics');
    t.strictSame(
      seenBy(upstreams.ours, ports.ours.http1),
      seenBy(upstreams.envoy, ports.envoy.http1),
      'requests',
    );
    const say = async (address: string): Promise<string | null> => {
      const headers = { 'x-say': IMMEDIATE, connection: 'close' };
      const response = await fetch(`http://${address}/data`, { headers });
      return `${response.status} ${response.headers.get(IMMEDIATE)}`;
    };
    const answers = [await say(`127.0.0.1:${proxy.port}`), await say(await listener('main'))];
    t.equal(answers[0], answers[1], 'a response that says so is relayed alike');
    const passive = 'cluster.plain.health_check.passive_failure: 1';
    for (const admin of [ours, envoy]) {
      await eventually(async () => (await read(admin, '/stats')).includes(passive));
    }
  });
});
