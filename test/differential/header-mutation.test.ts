// header_mutation: fields, pseudo-fields, trailers and query parameters, at every level.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %ROUTE_NAME% ' +
  '%DOWNSTREAM_REMOTE_ADDRESS%\n';

const append = (
  key: string,
  value: string,
  action = 'APPEND_IF_EXISTS_OR_ADD',
  rest: Json = {},
): Json => ({
  append: { header: { key, value }, append_action: action, ...rest },
});
const set = (key: string, value: string): Json => append(key, value, 'OVERWRITE_IF_EXISTS_OR_ADD');
const remove = (name: string): Json => ({ remove: name });
const removeMatching = (key_matcher: Json): Json => ({ remove_on_match: { key_matcher } });
const parameter = (key: string, value: string, action = 'APPEND_IF_EXISTS_OR_ADD'): Json => ({
  append: { record: { key, value }, action },
});

const TYPE = 'extensions.filters.http.header_mutation.v3.';
const perRoute = (mutations: Json): Json => ({
  mutate: typed(`${TYPE}HeaderMutationPerRoute`, { mutations }),
});
const route = (prefix: string, mutations: Json, rest: Json = {}): Json => ({
  match: { prefix },
  name: prefix,
  route: { cluster: 'main' },
  typed_per_filter_config: perRoute(mutations),
  ...rest,
});
const request = (path: string, ...request_mutations: readonly Json[]): Json =>
  route(path, { request_mutations });
const response = (path: string, ...response_mutations: readonly Json[]): Json =>
  route(path, { response_mutations });
const query = (path: string, ...query_parameter_mutations: readonly Json[]): Json =>
  route(path, { query_parameter_mutations });

const ROUTES: readonly Json[] = [
  request(
    '/fields',
    append('X-A', '1'),
    append('x-a', '2-%REQ(x-a)%'),
    set('x-b', '%REQ(x-b)%!'),
    append('x-c', 'c', 'ADD_IF_ABSENT'),
    append('x-d', 'd', 'ADD_IF_ABSENT'),
    append('x-e', 'e', 'OVERWRITE_IF_EXISTS'),
    append('x-f', 'f', 'OVERWRITE_IF_EXISTS'),
    append('x-empty', '%REQ(none)%'),
    append('x-kept', '%REQ(none)%', 'APPEND_IF_EXISTS_OR_ADD', { keep_empty_value: true }),
    append('user-agent', 'more'),
    append('accept', 'text/plain'),
    append('x-percent', '100%%'),
    remove('X-G'),
    append('x-g', 'after'),
    append('x-h', 'before'),
    remove('x-h'),
  ),
  request('/matching', removeMatching({ prefix: 'x-' }), append('x-new', 'n')),
  request('/matching-case', removeMatching({ exact: 'X-A', ignore_case: true })),
  request('/matching-regex', removeMatching({ safe_regex: { regex: '.*-a' } })),
  request('/no-path', remove(':path')),
  request('/no-method', remove(':method')),
  request('/no-authority', remove(':authority')),
  request('/no-host', remove('host')),
  request('/no-scheme', remove(':scheme')),
  request('/nothing', removeMatching({ prefix: ':' })),
  request('/te', append('te', 'x')),
  request('/x-envoy', set('x-envoy-upstream-rq-timeout-ms', '77'), remove('x-request-id')),
  response(
    '/back',
    append('x-a', '%RESP(x-a)%-%REQ(:PATH)%'),
    set('x-b', '%RESPONSE_CODE%'),
    append('x-c', 'c', 'ADD_IF_ABSENT'),
    append('x-e', 'e', 'OVERWRITE_IF_EXISTS'),
    append('content-type', 'text/x'),
    append('set-cookie', 'a=b'),
    remove('x-g'),
    removeMatching({ prefix: 'x-z' }),
  ),
  response('/answer-none', remove(':status')),
  response(
    '/answer-server',
    set('server', 'me'),
    set('date', 'today'),
    remove('x-envoy-upstream-service-time'),
  ),
  query('/query/add', parameter('a', 'new'), parameter('b', '%REQ(x-a)%')),
  query(
    '/query/absent',
    parameter('a', 'new', 'ADD_IF_ABSENT'),
    parameter('b', 'new', 'ADD_IF_ABSENT'),
  ),
  query(
    '/query/set',
    parameter('a', 'new', 'OVERWRITE_IF_EXISTS_OR_ADD'),
    parameter('b', 'new', 'OVERWRITE_IF_EXISTS_OR_ADD'),
  ),
  query(
    '/query/if',
    parameter('a', 'new', 'OVERWRITE_IF_EXISTS'),
    parameter('b', 'new', 'OVERWRITE_IF_EXISTS'),
  ),
  query('/query/remove', { remove: 'a' }, { remove: 'none' }),
  query('/query/empty', parameter('b', '%REQ(none)%')),
  query('/query/strange', parameter('k', "ü &=?#/:;@!$'()*+,~-._%%")),
  query('/query/key', parameter('k y', 'v')),
  route('/query/both', {
    request_mutations: [set('x-path', '%REQ(:PATH)%')],
    query_parameter_mutations: [parameter('a', '%REQ(x-path)%'), parameter('a', '%REQ(:PATH)%')],
  }),
  route('/trailers', {
    request_trailers_mutations: [
      append('x-added', '%REQ(:PATH)%'),
      remove('x-gone'),
      set('x-set', 'new'),
    ],
    response_trailers_mutations: [
      append('x-added', '%REQ(:PATH)%%RESP(x-a)%'),
      append('x-copy', '%TRAILER(x-t)%'),
      remove('x-gone'),
      removeMatching({ suffix: '-z' }),
    ],
  }),
  route('/levels', { request_mutations: [append('x-order', 'route'), set('x-last', 'route')] }),
  {
    match: { prefix: '/weighted' },
    route: {
      weighted_clusters: {
        clusters: [
          {
            name: 'main',
            weight: 1,
            typed_per_filter_config: perRoute({
              request_mutations: [append('x-order', 'entry'), set('x-last', 'entry')],
            }),
          },
        ],
      },
    },
    typed_per_filter_config: perRoute({
      request_mutations: [append('x-order', 'route'), set('x-last', 'route')],
    }),
  },
  {
    match: { prefix: '/local' },
    direct_response: { status: 200, body: { inline_string: 'local' } },
    typed_per_filter_config: perRoute({ response_mutations: [set('x-local', 'yes')] }),
  },
  {
    match: { prefix: '/go' },
    redirect: { path_redirect: '/new' },
    typed_per_filter_config: perRoute({
      response_mutations: [set('x-local', 'yes')],
    }),
  },
  {
    match: { prefix: '/off' },
    route: { cluster: 'main' },
    typed_per_filter_config: { mutate: typed('config.route.v3.FilterConfig', { disabled: true }) },
  },
  {
    match: { prefix: '/rewritten' },
    route: { cluster: 'main', prefix_rewrite: '/late' },
    request_headers_to_add: [{ header: { key: 'x-route', value: '%REQ(:PATH)%' } }],
    typed_per_filter_config: perRoute({ request_mutations: [append('x-early', '%REQ(:PATH)%')] }),
  },
];

const own = (rest: Json = {}): Json => ({
  name: 'mutate',
  typed_config: typed(`${TYPE}HeaderMutation`, {
    mutations: { request_mutations: [append('x-order', 'own'), set('x-last', 'own')] },
    ...rest,
  }),
});
const outer: Json = {
  routes: ROUTES,
  virtualHost: {
    typed_per_filter_config: perRoute({
      request_mutations: [append('x-order', 'host'), set('x-last', 'host')],
    }),
  },
  table: {
    typed_per_filter_config: perRoute({
      request_mutations: [append('x-order', 'table'), set('x-last', 'table')],
    }),
  },
};

const CONFIG: TwinConfig = {
  listeners: {
    main: { filters: [own()], routes: ROUTES },
    levels: { filters: [own()], ...outer },
    refusing: {
      filters: [own({ mutations: { response_mutations: [append('x-local', 'yes')] } })],
      routes: ROUTES,
      virtualHost: { require_tls: 'ALL' },
    },
    specific: { filters: [own({ most_specific_header_mutations_wins: true })], ...outer },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const FIELDS =
  'x-a: a\r\nx-b: b\r\nx-c: own\r\nx-e: own\r\nx-g: g\r\nuser-agent: me\r\naccept: */*\r\n';
const get = (target: string, rest: Partial<TwinCase> = {}): TwinCase => ({
  title: `${rest.listener ?? 'main'}: GET ${target}`,
  send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${FIELDS}\r\n`,
  answer: {
    text:
      'HTTP/1.1 200 OK\r\nx-a: a\r\nx-b: b\r\nx-c: own\r\nx-e: own\r\nx-g: g\r\nx-za: 1\r\nx-zb: 2\r\n' +
      'content-type: text/plain\r\ncontent-length: 2\r\n\r\nok',
  },
  ...rest,
});

const PATHS = ROUTES.map(({ match }) => (match as { prefix: string }).prefix);
const QUERIES = ['a=1', 'a=1&a=2&c=3', 'b', 'z=+x&a=%zz', '', 'a==&&=x'];
/** Of what Envoy writes decoded. */
const ENCODED = ['z=%41%20x', '%c3%bc=%C3%BC'];

const CASES: readonly TwinCase[] = [
  ...PATHS.filter((path) => path !== '/trailers').map((path) => get(path)),
  ...PATHS.filter((path) => path.startsWith('/query') && path !== '/query/key').flatMap((path) =>
    QUERIES.map((query) => get(`${path}?${query}`)),
  ),
  ...ENCODED.map((query) => get(`/query/if?${query}`)),
  get('/fields-repeated', {
    send: `GET /fields HTTP/1.1\r\nhost: h\r\n${FIELDS}${FIELDS.replace('user-agent: me\r\n', '')}\r\n`,
  }),
  {
    title: 'trailers',
    send:
      'POST /trailers HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n' +
      '2\r\nab\r\n0\r\nx-gone: 1\r\nx-set: 1\r\nx-set: 2\r\n\r\n',
    answer: {
      text:
        'HTTP/1.1 200 OK\r\nx-a: a\r\ntransfer-encoding: chunked\r\n\r\n' +
        '2\r\nok\r\n0\r\nx-t: t\r\nx-gone: 1\r\nx-z: 1\r\n\r\n',
    },
  },
  get('/trailers'),
  get('/fields', { listener: 'refusing' }),
  get('*', { listener: 'refusing', send: 'OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n' }),
  ...['/levels', '/weighted', '/elsewhere', '/off'].flatMap((path) => [
    get(path, { listener: 'levels' }),
    get(path, { listener: 'specific' }),
  ]),
];

t.test('messages are changed as by Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
  });
});
