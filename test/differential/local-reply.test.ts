// local_reply_config: what clients and logs see of replies that the proxies make themselves.
import t from 'tap';
import type { Json, TwinConfig, TwinListener } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const text = (inline_string: string): Json => ({ text_format_source: { inline_string } });
const field = (key: string, value: string, rest: Json = {}): Json => ({
  header: { key, value },
  ...rest,
});

const status = (code: number, op = 'EQ'): Json => ({
  status_code_filter: {
    comparison: { op, value: { default_value: code, runtime_key: 'unused' } },
  },
});
const flag = (...flags: readonly string[]): Json => ({ response_flag_filter: { flags } });
const path = (prefix: string): Json => ({
  header_filter: { header: { name: ':path', string_match: { prefix } } },
});
const both = (...filters: readonly Json[]): Json => ({ and_filter: { filters } });

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %BYTES_SENT% ' +
  '[%LOCAL_REPLY_BODY%] %RESP(CONTENT-TYPE)% %RESP(X-MAPPED)% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const MAPPERS: readonly Json[] = [
  { filter: both(status(404), path('/direct/empty')), body: { inline_string: '' } },
  { filter: both(status(404), path('/direct/same')), status_code: 404 },
  {
    filter: both(status(404), path('/direct/typed')),
    body: { inline_string: '<p>not here</p>' },
    headers_to_add: [
      field('content-type', 'text/html', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
    ],
  },
  {
    filter: both(status(404), path('/direct/json')),
    body_format_override: {
      json_format: {
        status: '%RESPONSE_CODE%',
        text: 'said: %LOCAL_REPLY_BODY%',
        body: '%LOCAL_REPLY_BODY%',
        path: '%REQ(:PATH)%',
        none: '%REQ(X-NONE)%',
      },
    },
  },
  {
    filter: both(status(404), path('/direct/type-of-format')),
    body_format_override: { ...text('<p>%LOCAL_REPLY_BODY%</p>'), content_type: 'text/html; x=y' },
  },
  {
    filter: both(status(404), path('/direct/all')),
    status_code: 501,
    body: { inline_string: 'mapped ü' },
    headers_to_add: [
      field('x-mapped', 'code %RESPONSE_CODE% body %LOCAL_REPLY_BODY% %REQ(:PATH)%'),
      field('x-mapped', 'second'),
      field('x-route', 'mapper'),
      field('x-removed', '%REQ(X-NONE)%'),
    ],
    body_format_override: text(
      '%LOCAL_REPLY_BODY% %RESPONSE_CODE% %RESP(X-MAPPED)% %RESP(:STATUS)% %RESPONSE_FLAGS% ' +
        '%RESPONSE_CODE_DETAILS% %REQ(X-NONE)%\n',
    ),
  },
  {
    filter: both(status(404), path('/direct/as-json')),
    body_format_override: { ...text('"%LOCAL_REPLY_BODY%"\n'), content_type: 'application/json' },
  },
  {
    filter: both(status(404), path('/direct/as-text')),
    body_format_override: {
      json_format: { body: '%LOCAL_REPLY_BODY%' },
      content_type: 'text/x-json',
    },
  },
  { filter: both(status(404), path('/direct/to-400')), status_code: 400 },
  { filter: both(status(404), path('/direct/to-204')), status_code: 204 },
  { filter: both(status(404), path('/direct/to-304')), status_code: 304 },
  { filter: status(400), status_code: 422 },
  { filter: flag('UF'), status_code: 502, headers_to_add: [field('x-mapped', 'no connection')] },
  { filter: flag('NR'), body: { inline_string: 'no route' } },
  { filter: flag('NC'), body: { inline_string: 'no cluster: %RESPONSE_CODE%' } },
  { filter: status(500, 'GE'), body_format_override: text('%RESPONSE_CODE%: %LOCAL_REPLY_BODY%') },
  { filter: status(301), headers_to_add: [field('location', 'http://elsewhere.test/')] },
];

const names = (name: string): Json => ({ body: { inline_string: name } });
const at = (prefix: string, filter: Json): Json => both(path(`/direct/${prefix}`), filter);
const metadata = (rest: Json): Json => ({
  metadata_filter: {
    matcher: { filter: 'ns', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } } },
    ...rest,
  },
});
const duration = (op: string, ms: number): Json => ({
  duration_filter: { comparison: { op, value: { default_value: ms, runtime_key: 'unused' } } },
});
const adds = (key: string, append_action: string, rest: Json = {}): Json =>
  field(key, '%RESPONSE_CODE%', { append_action, ...rest });

/** One of each kind of filter, and of each way to add a field. */
const BY_FILTER: readonly Json[] = [
  { filter: at('metadata', metadata({})), ...names('no metadata') },
  { filter: at('strict', metadata({ match_if_key_not_found: false })), ...names('never') },
  { filter: at('grpc', { grpc_status_filter: { statuses: ['UNIMPLEMENTED'] } }), ...names('grpc') },
  { filter: at('not-grpc', { grpc_status_filter: { exclude: true } }), ...names('not grpc') },
  { filter: at('type', { log_type_filter: { types: ['NotSet'] } }), ...names('type') },
  { filter: at('end', { log_type_filter: { types: ['DownstreamEnd'] } }), ...names('never') },
  { filter: at('quick', duration('LE', 60_000)), ...names('quick') },
  { filter: at('slow', duration('GE', 60_000)), ...names('never') },
  { filter: at('differs', status(404, 'NE')), ...names('never') },
  { filter: at('traced', { traceable_filter: {} }), ...names('never') },
  { filter: at('health', { not_health_check_filter: {} }), ...names('no health check') },
  {
    filter: at('sampled', {
      runtime_filter: { runtime_key: 'unused', percent_sampled: { numerator: 100 } },
    }),
    ...names('sampled'),
  },
  {
    filter: at('either', { or_filter: { filters: [status(1), flag('UF'), status(404)] } }),
    ...names('either'),
  },
  {
    filter: path('/direct/adding'),
    status_code: 418,
    headers_to_add: [
      adds('x-route', 'APPEND_IF_EXISTS_OR_ADD'),
      adds('x-over', 'OVERWRITE_IF_EXISTS_OR_ADD'),
      adds('x-if-absent', 'ADD_IF_ABSENT'),
      adds('x-new', 'ADD_IF_ABSENT'),
      adds('x-if-there', 'OVERWRITE_IF_EXISTS'),
      adds('x-not-there', 'OVERWRITE_IF_EXISTS'),
      field('x-empty', '%REQ(X-NONE)%', { keep_empty_value: true }),
      field('x-none', '%REQ(X-NONE)%'),
      field('x-old', '%PER_REQUEST_STATE(none)%', { keep_empty_value: true }),
      adds('content-length', 'OVERWRITE_IF_EXISTS_OR_ADD'),
    ],
  },
];

const direct = (name: string, rest: Json = {}): Json => ({
  match: { prefix: `/direct/${name}` },
  direct_response: { status: 404, body: { inline_string: `direct ${name}` } },
  ...rest,
});

const ROUTES: readonly Json[] = [
  direct('typed', { response_headers_to_add: [field('content-type', 'text/css')] }),
  direct('type-of-format', { response_headers_to_add: [field('content-type', 'text/css')] }),
  direct('json', {
    direct_response: { status: 404, body: { inline_string: 'a "quoted"\n\tü \u0001 body' } },
  }),
  direct('all', { response_headers_to_add: [field('x-route', 'route')] }),
  direct('adding', {
    response_headers_to_add: ['x-route', 'x-over', 'x-if-absent', 'x-if-there'].map((key) =>
      field(key, 'route'),
    ),
  }),
  direct('nothing', { direct_response: { status: 404 } }),
  direct('', {}),
  { match: { prefix: '/go' }, redirect: { host_redirect: 'h.test' } },
  { match: { prefix: '/dead' }, route: { cluster: 'dead' } },
  { match: { prefix: '/void' }, route: { cluster: 'void' } },
  { match: { prefix: '/slow' }, route: { cluster: 'main', timeout: '0.1s' } },
  { match: { prefix: '/by-field' }, route: { cluster_header: 'x-cluster' } },
  { match: { prefix: '/none' }, non_forwarding_action: {} },
];

const listener = (config: Json): TwinListener => ({
  routes: ROUTES,
  hcm: { local_reply_config: config },
});

const CONFIG: TwinConfig = {
  listeners: {
    main: listener({ mappers: MAPPERS }),
    formatted: listener({
      mappers: MAPPERS,
      body_format: {
        json_format: {
          code: '%RESPONSE_CODE%',
          body: '%LOCAL_REPLY_BODY%',
          flags: '%RESPONSE_FLAGS%',
        },
      },
    }),
    plain: listener({ body_format: text('%PROTOCOL% %REQ(:METHOD)% <%LOCAL_REPLY_BODY%>') }),
    empty: listener({}),
    filters: listener({ mappers: BY_FILTER }),
  },
  moreClusters: [
    { name: 'void', type: 'STATIC', load_assignment: { cluster_name: 'void' } },
    {
      name: 'dead',
      type: 'STATIC',
      load_assignment: {
        cluster_name: 'dead',
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
  ],
  log: { log_format: text(LOG_FORMAT) },
};

const TARGETS = [
  ...['typed', 'type-of-format', 'json', 'all', 'nothing', 'empty', 'same'].map(
    (name) => `/direct/${name}`,
  ),
  ...['/direct/to-400', '/direct/other', '/direct/as-json', '/direct/as-text'],
  ...['/go', '/dead', '/void', '/none', '/by-field', '/ok'],
];

const GRPC_TARGETS = [
  ...['/direct/all', '/direct/json', '/direct/nothing', '/dead'],
  ...['/direct/as-json', '/direct/as-text'],
];

const FILTERED = [
  ...['metadata', 'strict', 'grpc', 'not-grpc', 'type', 'end', 'quick', 'slow', 'differs'],
  ...['traced', 'health', 'sampled', 'either', 'adding'],
];

const get = (target: string, name: string, fields = '', method = 'GET'): TwinCase => ({
  title: `${name}: ${method} ${target} ${fields}`.trimEnd(),
  listener: name,
  send: `${method} ${target} HTTP/1.1\r\nhost: h.test\r\n${fields}\r\n`,
  methods: [method],
});

const GRPC = 'content-type: application/grpc\r\n';

const CASES: readonly TwinCase[] = Object.keys(CONFIG.listeners).flatMap((name) => [
  ...TARGETS.map((target) => get(target, name)),
  ...['/direct/all', '/direct/json', '/void'].map((target) => get(target, name, '', 'HEAD')),
  ...GRPC_TARGETS.map((target) => get(target, name, GRPC)),
  { ...get('/slow', name), answer: { text: '' } },
  { ...get('/large', name, `x-large: ${'x'.repeat(70_000)}\r\n`), title: `${name}: large` },
  get('/up', name, 'connection: upgrade\r\nupgrade: websocket\r\n'),
  { title: `${name}: no host`, listener: name, send: 'GET / HTTP/1.1\r\n\r\n' },
  { title: `${name}: rubbish`, listener: name, send: 'rubbish\r\n\r\n' },
]);

const FILTER_CASES: readonly TwinCase[] = FILTERED.flatMap((name) =>
  ['', GRPC].map((fields) => get(`/direct/${name}`, 'filters', fields)),
);

/** Statuses that have no content, whatever the body (RFC 9110 §6.4.1). */
const WITHOUT_CONTENT: readonly TwinCase[] = ['/direct/to-204', '/direct/to-304'].map((target) =>
  get(target, 'main'),
);

t.test('rewrites its replies as Envoy does', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, (twins) =>
    compareCases(t, twins, [...CASES, ...FILTER_CASES, ...WITHOUT_CONTENT]),
  );
});
