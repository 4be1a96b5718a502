// What filters leave for others: header_to_metadata, set_metadata and set_filter_state, seen by logs,
// by routes and in statistics.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const OWN = 'envoy.filters.http.header_to_metadata';
const LOG_FORMAT =
  `%REQ(:PATH)% %RESPONSE_CODE% %ROUTE_NAME% %DYNAMIC_METADATA(${OWN})% %DYNAMIC_METADATA(ns)% ` +
  '%DYNAMIC_METADATA(set)% %DYNAMIC_METADATA(other)% [%FILTER_STATE(one:PLAIN)% ' +
  '%FILTER_STATE(two)% %FILTER_STATE(two:PLAIN)% %FILTER_STATE(three:PLAIN)% %FILTER_STATE(envoy.tcp_proxy.cluster:PLAIN)%] ' +
  '%DOWNSTREAM_REMOTE_ADDRESS%\n';

const filter = (name: string, type: string, config: Json): Json => ({
  name,
  typed_config: typed(`extensions.filters.http.${type}.v3.Config`, config),
});
const perRoute = (name: string, type: string, config: Json): Json => ({
  [name]: typed(`extensions.filters.http.${type}.v3.Config`, config),
});
const route = (prefix: string, config: Json, rest: Json = {}): Json => ({
  match: { prefix },
  name: prefix,
  route: { cluster: 'main' },
  typed_per_filter_config: config,
  ...rest,
});

const rewrite = (regex: string, substitution: string): Json => ({
  regex_value_rewrite: { pattern: { regex }, substitution },
});
const present = (header: string, on_header_present: Json, rest: Json = {}): Json => ({
  header,
  on_header_present,
  ...rest,
});
const RULES: Json = {
  stat_prefix: 'h2m',
  request_rules: [
    present('X-Text', { key: 'text' }),
    present('x-text', { metadata_namespace: 'ns', key: 'removed' }, { remove: true }),
    present('x-text', { key: 'gone' }),
    present('x-fixed', { key: 'fixed', value: 'instead' }),
    present('x-number', { key: 'number', type: 'NUMBER' }),
    present('x-base64', { key: 'base64', encode: 'BASE64' }),
    present('x-base64-number', { key: 'base64n', encode: 'BASE64', type: 'NUMBER' }),
    present('x-value', { key: 'value', encode: 'BASE64', type: 'PROTOBUF_VALUE' }),
    present('x-rewrite', { key: 'rewritten', ...rewrite('^/(\\w+)/.*$', 'to-\\1') }),
    present(':path', { metadata_namespace: 'ns', key: 'path', ...rewrite('\\?.*', '') }),
    present(':method', { metadata_namespace: 'ns', key: 'method' }),
    present('host', { metadata_namespace: 'ns', key: 'host' }),
    {
      header: 'x-either',
      on_header_present: { key: 'either' },
      on_header_missing: { key: 'either', value: 'missing' },
    },
    { header: 'x-only', on_header_missing: { key: 'only', value: '7', type: 'NUMBER' } },
    { cookie: 'session', on_header_present: { key: 'session' } },
    { cookie: 'lost', on_header_missing: { key: 'lost', value: 'no cookie' } },
  ],
  response_rules: [
    present('x-answer', { metadata_namespace: 'ns', key: 'answer' }, { remove: true }),
    present(':status', { metadata_namespace: 'ns', key: 'status', type: 'NUMBER' }),
    { header: 'x-none', on_header_missing: { metadata_namespace: 'ns', key: 'none', value: 'n' } },
  ],
};

const H2M_ROUTES: readonly Json[] = [
  route(
    '/route',
    perRoute('h2m', 'header_to_metadata', { request_rules: [present('x-text', { key: 'route' })] }),
  ),
  route('/off', { h2m: typed('config.route.v3.FilterConfig', { disabled: true }) }),
];

const metadata = (metadata_namespace: string, value: Json, rest: Json = {}): Json => ({
  metadata_namespace,
  value,
  ...rest,
});
const SET: Json = {
  metadata: [
    metadata('set', { a: 1, list: [1], deep: { x: true, y: 'y' }, kind: 'text' }),
    metadata('set', { a: 2, denied: true }),
    metadata(
      'set',
      { a: 3, list: [2, { z: null }], deep: { y: 'new', w: [] }, kind: 4 },
      { allow_overwrite: true },
    ),
    metadata('other', { only: 'ü' }),
    { metadata_namespace: 'empty' },
  ],
};
const SET_ROUTES: readonly Json[] = [
  route('/route', perRoute('set', 'set_metadata', { metadata: [metadata('ns', { route: 1 })] })),
  route(
    '/twice',
    perRoute('set', 'set_metadata', {
      metadata: [metadata('other', { a: 1 }), metadata('other', { a: 2 })],
    }),
  ),
  route('/none', perRoute('set', 'set_metadata', {})),
];

const state = (object_key: string, text: string, rest: Json = {}): Json => ({
  object_key,
  factory_key: object_key.startsWith('envoy.') ? object_key : 'envoy.string',
  format_string: { text_format_source: { inline_string: text } },
  ...rest,
});
const states = (...on_request_headers: readonly Json[]): Json => ({ on_request_headers });
const STATES = states(
  state('one', '%REQ(x-one)%'),
  state('two', 'first'),
  state('two', '%REQ(x-two)%', { skip_if_empty: true }),
  state('three', 'chain %REQ(:PATH)%'),
  state('envoy.tcp_proxy.cluster', '%PROTOCOL%'),
);
const onState = (key: string, exact: string): Json => ({
  filter_state: [{ key, string_match: { exact } }],
});
const STATE_ROUTES: readonly Json[] = [
  {
    match: { prefix: '/matched', ...onState('one', 'go') },
    name: 'by state',
    route: { cluster: 'main' },
  },
  route('/route', perRoute('state', 'set_filter_state', states(state('three', 'route')))),
  route(
    '/more',
    perRoute('state', 'set_filter_state', states(state('three', 'm'), state('one', '1'))),
  ),
];
const HOST_STATES = {
  virtualHost: {
    typed_per_filter_config: perRoute(
      'state',
      'set_filter_state',
      states(state('three', 'host'), state('two', 'host')),
    ),
  },
};

const CONFIG: TwinConfig = {
  listeners: {
    main: { filters: [filter('h2m', 'header_to_metadata', RULES)], routes: H2M_ROUTES },
    set: {
      filters: [filter('set', 'set_metadata', SET)],
      routes: SET_ROUTES,
      virtualHost: {
        typed_per_filter_config: perRoute('set', 'set_metadata', {
          metadata: [metadata('ns', { host: 1 })],
        }),
      },
    },
    old: {
      filters: [
        filter('set', 'set_metadata', {
          metadata_namespace: 'set',
          value: { a: 1 },
          metadata: [metadata('set', { b: 2 }), metadata('other', { c: 3 })],
        }),
      ],
    },
    state: { filters: [filter('state', 'set_filter_state', STATES)], routes: STATE_ROUTES },
    hosts: {
      filters: [filter('state', 'set_filter_state', STATES)],
      routes: STATE_ROUTES,
      ...HOST_STATES,
    },
    locked: {
      filters: [
        filter(
          'state',
          'set_filter_state',
          states(
            state('one', 'early', { read_only: true }),
            state('one', 'late'),
            state('two', 'first'),
            state('two', 'second', { read_only: true }),
            state('two', 'third'),
            state('three', 'x', { shared_with_upstream: 'ONCE' }),
            state('three', 'y', { shared_with_upstream: 'TRANSITIVE' }),
          ),
        ),
      ],
      routes: STATE_ROUTES,
    },
    clearing: {
      filters: [filter('state', 'set_filter_state', { ...STATES, clear_route_cache: true })],
      routes: STATE_ROUTES,
    },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const get = (target: string, fields: readonly string[] = [], listener = 'main'): TwinCase => ({
  title: `${listener}: GET ${target} ${fields.join(', ').slice(0, 60)}`,
  listener,
  send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
});

const base64 = (octets: string): string => Buffer.from(octets, 'latin1').toString('base64');
/** google.protobuf.Value: a text, a number, a truth, a list of two. */
const VALUES = [
  '\x1a\x02hi',
  '\x11\0\0\0\0\0\0\x45\x40',
  '\x20\x01',
  '\x32\x0a\n\x03\x1a\x01a\n\x03\x1a\x01b',
];

const H2M_CASES: readonly TwinCase[] = [
  get('/'),
  get('/', ['x-text: one']),
  get('/', ['x-text: one', 'x-text: two']),
  get('/', ['x-text:']),
  get('/', ['x-text: "quoted" \\']),
  get('/', ['x-fixed: any']),
  ...['1', '-1.5', ' 12 ', '1e3', '+7', '.5', '5.', '0x10', 'abc', '1,2', '1 2', ''].map((number) =>
    get('/', [`x-number: ${number}`]),
  ),
  ...[base64('text'), 'dGV4dA', 'dGV4dA=', '!!!', 'dGV4dB==', 'dGV4d', '====', base64('x"y\n')].map(
    (text) => get('/', [`x-base64: ${text}`]),
  ),
  get('/', [`x-base64-number: ${base64('42')}`]),
  get('/', [`x-base64-number: ${base64('text')}`]),
  ...VALUES.map((value) => get('/', [`x-value: ${base64(value)}`])),
  get('/', [`x-value: ${base64('\xff\xff')}`]),
  get('/', ['x-rewrite: /first/second']),
  get('/', ['x-rewrite: other']),
  get('/path?query'),
  get('/', ['x-either: here']),
  get('/', ['x-only: here']),
  get('/', ['cookie: a=b; session=s1; session=s2']),
  get('/', ['cookie: session="quoted"; lost=found']),
  get('/', ['cookie: session=']),
  get('/', [`x-text: ${'x'.repeat(8191)}`]),
  get('/', [`x-text: ${'x'.repeat(8192)}`]),
  {
    ...get('/answered'),
    answer: {
      text: 'HTTP/1.1 404 X\r\nx-answer: yes\r\nx-none: some\r\ncontent-length: 0\r\n\r\n',
    },
  },
  get('/direct', ['x-text: one']),
  get('/route', ['x-text: one', 'x-either: here']),
  get('/off', ['x-text: one']),
];

const STATE_CASES: readonly TwinCase[] = ['state', 'hosts', 'locked', 'clearing'].flatMap(
  (listener) => [
    get('/', [], listener),
    get('/', ['x-one: 1', 'x-two: 2'], listener),
    get('/matched', ['x-one: go'], listener),
    get('/matched', ['x-one: no'], listener),
    get('/route', ['x-one: 1'], listener),
    get('/more', ['x-one: 2'], listener),
  ],
);

/** What both count. */
async function counters(twin: Twin): Promise<readonly string[]> {
  const pattern = encodeURIComponent('^(http_filter_name|http\\.\\w+\\.set_metadata|set_metadata)');
  const text = await (await fetch(`${twin.admin}/stats?filter=${pattern}`)).text();
  return text.split('\n').filter((line) => line !== '');
}

t.test('metadata and filter state are as with Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, H2M_CASES);
    const paths = ['/', '/route', '/twice', '/none'];
    await compareCases(
      t,
      twins,
      paths.map((path) => get(path, [], 'set')),
    );
    await compareCases(t, twins, [get('/', [], 'old')]);
    t.same(await counters(twins.ours), await counters(twins.envoy), 'statistics');
    await compareCases(t, twins, STATE_CASES);
  });
});
