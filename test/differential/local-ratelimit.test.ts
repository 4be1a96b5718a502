// envoy.filters.http.local_ratelimit: who is refused, how, and what clients, upstreams, logs and
// statistics see of it. Buckets do not fill while a test runs.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const NAME = 'my.limit';
const ALL: Json = { default_value: { numerator: 100 } };
const limit = (config: Json): Json =>
  typed('extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 'p',
    ...config,
  });
const bucket = (max_tokens: number, more: Json = {}): Json => ({
  max_tokens,
  fill_interval: '7200s',
  ...more,
});
const on = (tokens: number, more: Json = {}): Json => ({
  token_bucket: bucket(tokens),
  filter_enabled: ALL,
  filter_enforced: ALL,
  ...more,
});
const entry = (key: string, value?: string): Json =>
  value === undefined ? { key } : { key, value };
const descriptor = (tokens: number, entries: readonly Json[], more: Json = {}): Json => ({
  entries: [...entries],
  token_bucket: bucket(tokens),
  ...more,
});
const byField = (header_name: string, descriptor_key: string, more: Json = {}): Json => ({
  actions: [{ request_headers: { header_name, descriptor_key } }],
  ...more,
});
const field = (key: string, value: string, more: Json = {}): Json => ({
  header: { key, value },
  ...more,
});
const TOLD: Json = { enable_x_ratelimit_headers: 'DRAFT_VERSION_03' };
const A = byField('x-a', 'a');
const B = byField('x-b', 'b');

interface Limited {
  readonly config: Json;
  readonly limits?: readonly Json[];
  readonly include_vh_rate_limits?: boolean;
}

const LIMITED: Readonly<Record<string, Limited>> = {
  plain: { config: on(2) },
  told: { config: on(2, TOLD) },
  after: { config: on(1, { ...TOLD, enable_retry_after_header: true }) },
  retry: { config: on(1, { enable_retry_after_header: true }) },
  off: { config: { token_bucket: bucket(1) } },
  watched: {
    config: {
      ...{ token_bucket: bucket(1), filter_enabled: ALL },
      request_headers_to_add_when_not_enforced: [field('x-limited', 'yes %REQ(:path)%')],
      response_headers_to_add: [field('x-never', 'no')],
      ...TOLD,
    },
  },
  status: { config: on(1, { status: { code: 503 } }) },
  lowstatus: { config: on(1, { status: { code: 200 } }) },
  fields: {
    config: on(1, {
      response_headers_to_add: [
        field('x-limit', '%RESPONSE_FLAGS% %REQ(x-a)%'),
        field('x-limit', 'two'),
        field('content-type', 'text/limited', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
      ],
    }),
  },
  exhausted: { config: on(1, { rate_limited_as_resource_exhausted: true }) },
  exact: {
    config: on(3, { ...TOLD, descriptors: [descriptor(1, [entry('a', 'x')])] }),
    limits: [A],
  },
  only: {
    config: on(1, {
      ...{ ...TOLD, always_consume_default_token_bucket: false },
      descriptors: [descriptor(2, [entry('a', 'x')])],
    }),
    limits: [A],
  },
  slowest: {
    config: on(5, {
      ...TOLD,
      descriptors: [
        descriptor(3, [entry('a', 'x')], { token_bucket: bucket(3, { tokens_per_fill: 3 }) }),
        descriptor(2, [entry('b', 'y')]),
      ],
    }),
    limits: [A, B],
  },
  pair: {
    config: on(9, { descriptors: [descriptor(1, [entry('a', 'x'), entry('b', 'y')])] }),
    limits: [{ actions: [...(A['actions'] as Json[]), ...(B['actions'] as Json[])] }],
  },
  any: {
    config: on(9, { ...TOLD, descriptors: [descriptor(1, [entry('a')])] }),
    limits: [A],
  },
  few: {
    config: on(9, { descriptors: [descriptor(1, [entry('a')])], max_dynamic_descriptors: 2 }),
    limits: [A],
  },
  mixed: {
    config: on(9, {
      ...TOLD,
      descriptors: [descriptor(2, [entry('a', 'x')]), descriptor(1, [entry('a')])],
    }),
    limits: [A],
  },
  shadow: {
    config: on(2, {
      ...TOLD,
      descriptors: [descriptor(1, [entry('a', 'x')], { shadow_mode: true })],
    }),
    limits: [A],
  },
  shadowed: {
    config: on(9, {
      descriptors: [descriptor(1, [entry('a', 'x')], { shadow_mode: true })],
      request_headers_to_add_when_not_enforced: [field('x-limited', 'yes')],
    }),
    limits: [A],
  },
  ownhits: {
    config: on(9, {
      rate_limits: [{ ...A, hits_addend: { number: 3 } }],
      ...{ ...TOLD, descriptors: [descriptor(4, [entry('a', 'x')])] },
    }),
  },
  stage: {
    config: on(9, { stage: 3, descriptors: [descriptor(1, [entry('a', 'x')])] }),
    limits: [
      { ...A, stage: 2 },
      { ...B, stage: 3 },
    ],
  },
  disabled: {
    config: on(9, { descriptors: [descriptor(1, [entry('a', 'x')])] }),
    limits: [{ ...A, disable_key: 'k' }],
  },
  host: { config: on(9, { descriptors: [descriptor(1, [entry('h', 'x')])] }) },
  over: {
    config: on(9, { descriptors: [descriptor(1, [entry('h', 'x')])] }),
    limits: [A],
  },
  include: {
    config: on(9, { vh_rate_limits: 'INCLUDE', descriptors: [descriptor(1, [entry('h', 'x')])] }),
    limits: [A],
  },
  ignore: {
    config: on(9, { vh_rate_limits: 'IGNORE', descriptors: [descriptor(1, [entry('h', 'x')])] }),
  },
  included: {
    config: on(9, { vh_rate_limits: 'IGNORE', descriptors: [descriptor(1, [entry('h', 'x')])] }),
    limits: [A],
    include_vh_rate_limits: true,
  },
  own: {
    config: on(9, { rate_limits: [A], descriptors: [descriptor(1, [entry('a', 'x')])] }),
    limits: [B],
  },
  hits: {
    config: on(9, { ...TOLD, descriptors: [descriptor(4, [entry('a', 'x')])] }),
    limits: [{ ...A, hits_addend: { number: 3 } }],
  },
  nohits: {
    config: on(9, { ...TOLD, descriptors: [descriptor(1, [entry('a', 'x')])] }),
    limits: [{ ...A, hits_addend: { number: 0 } }],
  },
  connection: { config: on(1, { local_rate_limit_per_downstream_connection: true }) },
  direct: { config: on(1, TOLD) },
};

const ROUTES = Object.entries(LIMITED).map(([name, { config, limits, ...more }]) => ({
  match: { prefix: `/${name}` },
  ...(name === 'direct'
    ? { direct_response: { status: 200, body: { inline_string: 'own' } } }
    : { route: { cluster: 'main', ...(limits && { rate_limits: limits }), ...more } }),
  typed_per_filter_config: { [NAME]: limit(config) },
}));

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      filters: [{ name: NAME, typed_config: limit({}) }],
      routes: ROUTES,
      virtualHost: { rate_limits: [byField('x-h', 'h')] },
    },
    own: { filters: [{ name: NAME, typed_config: limit(on(2, { stat_prefix: 'q', ...TOLD })) }] },
  },
  log: {
    log_format: {
      text_format_source: {
        inline_string: '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n',
      },
    },
  },
};

const get = (path: string, lines = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: h.test\r\n${lines}\r\n`;
const GRPC = 'content-type: application/grpc\r\n';

/** Requests one after the other, each with these lines, each on a connection of its own. */
function times(name: string, ...each: readonly string[]): readonly TwinCase[] {
  const lines = each.length === 0 ? ['', '', ''] : each;
  return lines.map((one, index) => ({
    title: `/${name}, ${index + 1}: ${one.trim().replaceAll('\r\n', ' ') || '-'}`,
    send: get(`/${name}`, one),
  }));
}

const TWICE = get('/connection') + get('/connection');

const X = 'x-a: x\r\n';
const CASES: readonly TwinCase[] = [
  ...['plain', 'told', 'after', 'retry', 'off', 'watched', 'status', 'lowstatus'].flatMap((name) =>
    times(name),
  ),
  ...times('fields', X, X),
  ...times('exhausted', GRPC, GRPC),
  ...times('plain', GRPC),
  ...times('exact', X, X, 'x-a: y\r\n', '', ''),
  ...times('only', X, X, X, '', ''),
  ...times('slowest', 'x-a: x\r\nx-b: y\r\n', X, 'x-b: y\r\nx-a: x\r\n', 'x-a: x\r\nx-b: y\r\n', X),
  ...times('pair', X, 'x-a: x\r\nx-b: y\r\n', 'x-b: y\r\nx-a: x\r\n'),
  ...times('any', X, 'x-a: y\r\n', X, 'x-a: y\r\n', '', 'x-a: z\r\n'),
  ...times('few', X, 'x-a: y\r\n', 'x-a: z\r\n', X, 'x-a: z\r\n', 'x-a: y\r\n'),
  ...times('mixed', X, X, X, 'x-a: y\r\n', 'x-a: y\r\n'),
  ...times('shadow', X, X, X, X),
  ...times('stage', X, X, 'x-b: x\r\n', 'x-b: x\r\n'),
  ...times('disabled', X, X),
  ...['host', 'over', 'include', 'ignore', 'included'].flatMap((name) =>
    times(name, 'x-h: x\r\n', 'x-h: x\r\nx-a: q\r\n', 'x-h: x\r\n'),
  ),
  ...times('own', X, X),
  ...times('hits', X, X),
  ...times('nohits', X, X),
  ...times('ownhits', X, X),
  ...times('shadowed', X, X),
  { title: 'a connection of its own', send: TWICE, methods: ['GET', 'GET'] },
  { title: 'another connection has another bucket', send: TWICE, methods: ['GET', 'GET'] },
  ...times('direct', '', ''),
  ...times('chain').map((each) => ({ ...each, listener: 'own' })),
];

async function limitStats(twin: Twin): Promise<readonly string[]> {
  const response = await fetch(`${twin.admin}/stats?filter=http_local_rate_limit`);
  return (await response.text()).split('\n').filter((line) => line.includes(': '));
}

t.test('refuses what Envoy refuses', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
    t.same(await limitStats(twins.ours), await limitStats(twins.envoy), 'statistics');
  });
});
