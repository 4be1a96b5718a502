// Cross-origin requests: what CORS and CSRF policies do at every level of a route table.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats } from './compare-stats.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %BYTES_SENT% ' +
  '%UPSTREAM_CLUSTER% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const exact = (...texts: readonly string[]): readonly Json[] =>
  texts.map((text) => ({ exact: text }));
const percent = (numerator: number, denominator = 'HUNDRED'): Json => ({
  default_value: { numerator, denominator },
});
const cors = (policy: Json): Json => ({
  cors: typed('extensions.filters.http.cors.v3.CorsPolicy', policy),
});
const csrf = (policy: Json): Json => ({
  csrf: typed('extensions.filters.http.csrf.v3.CsrfPolicy', policy),
});
const route = (prefix: string, config: Json, rest: Json = {}): Json => ({
  match: { prefix },
  route: { cluster: 'main' },
  typed_per_filter_config: config,
  ...rest,
});
const added = (key: string): Json => ({
  response_headers_to_add: [{ header: { key, value: 'route' } }],
});

const FULL: Json = {
  allow_origin_string_match: [
    ...exact('http://a.test', 'null'),
    { suffix: '.B.test', ignore_case: true },
    { safe_regex: { regex: 'http://re[0-9]\\.test' } },
  ],
  allow_methods: 'GET,POST',
  allow_headers: 'x-one, x-two',
  expose_headers: 'x-seen',
  max_age: '600',
  allow_credentials: true,
  allow_private_network_access: true,
};
const STAR: Json = {
  allow_origin_string_match: exact('*'),
  allow_methods: '*',
  allow_headers: '*',
  expose_headers: '*',
};
const A_ONLY: Json = { allow_origin_string_match: exact('http://a.test') };

const CORS_ROUTES: readonly Json[] = [
  route('/full', cors(FULL), added('x-route')),
  route('/star', cors(STAR)),
  route('/empty', cors({})),
  route('/none', {}),
  route('/bare', cors(A_ONLY)),
  route('/kept', cors({ ...FULL, forward_not_matching_preflights: false })),
  route('/sent', cors({ ...FULL, forward_not_matching_preflights: true })),
  route('/off', cors({ ...FULL, filter_enabled: percent(0) })),
  route('/shadow', cors({ ...FULL, filter_enabled: percent(0), shadow_enabled: percent(100) })),
  route('/both', cors({ ...FULL, shadow_enabled: percent(1_000_000, 'MILLION') })),
  route(
    '/runtime',
    cors({ ...FULL, filter_enabled: { ...percent(100), runtime_key: 'cors.off' } }),
  ),
  route('/no-credentials', cors({ ...FULL, allow_credentials: false })),
  route('/merged', cors({ allow_methods: 'PUT', allow_credentials: false })),
  route('/switch-off', { cors: typed('config.route.v3.FilterConfig', { disabled: true }) }),
  route('/wrapped', {
    cors: typed('config.route.v3.FilterConfig', { config: cors(A_ONLY)['cors'] as Json }),
  }),
  {
    match: { prefix: '/go' },
    redirect: { path_redirect: '/x' },
    typed_per_filter_config: cors(FULL),
  },
  {
    match: { prefix: '/answer' },
    direct_response: { status: 200 },
    typed_per_filter_config: cors(FULL),
  },
  { match: { prefix: '/filters' }, non_forwarding_action: {}, typed_per_filter_config: cors(FULL) },
  {
    match: { prefix: '/weighted' },
    route: {
      weighted_clusters: {
        clusters: [{ name: 'main', weight: 1, typed_per_filter_config: cors({ max_age: '7' }) }],
      },
    },
    typed_per_filter_config: cors({ max_age: '8', allow_methods: 'LIST' }),
  },
];

const LEGACY_ROUTES: readonly Json[] = [
  { match: { prefix: '/own' }, route: { cluster: 'main', cors: { allow_methods: 'PUT' } } },
  {
    match: { prefix: '/off' },
    route: { cluster: 'main', cors: { ...A_ONLY, filter_enabled: percent(0) } },
  },
  route('/typed', cors({ expose_headers: 'x-typed' }), {
    route: { cluster: 'main', cors: { max_age: '4' } },
  }),
  { match: { prefix: '/host' }, route: { cluster: 'main' } },
];

const CSRF: Json = {
  filter_enabled: percent(100),
  additional_origins: [
    { exact: 'friend.test' },
    { suffix: '.friend.test:8080' },
    { exact: 'null' },
  ],
};
const CSRF_ROUTES: readonly Json[] = [
  route('/off', csrf({ filter_enabled: percent(0) })),
  route('/shadow', csrf({ filter_enabled: percent(0), shadow_enabled: percent(100) })),
  route('/route', csrf({ filter_enabled: percent(100), additional_origins: exact('route.test') })),
  route('/disabled', { csrf: typed('config.route.v3.FilterConfig', { disabled: true }) }),
  { match: { prefix: '/go' }, redirect: { path_redirect: '/x' } },
];

const filter = (name: string, type: string, config: Json = {}): Json => ({
  name,
  typed_config: typed(`extensions.filters.http.${type}`, config),
});
const CORS_FILTER = filter('cors', 'cors.v3.Cors');
const MAPPER: Json = {
  filter: {
    status_code_filter: {
      comparison: { op: 'GE', value: { default_value: 200, runtime_key: 'unused' } },
    },
  },
  headers_to_add: [{ header: { key: 'x-mapped', value: 'yes' } }],
  body_format_override: { text_format_source: { inline_string: 'mapped %LOCAL_REPLY_BODY%' } },
};

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      filters: [CORS_FILTER],
      routes: CORS_ROUTES,
      virtualHost: {
        typed_per_filter_config: cors({
          allow_origin_string_match: exact('http://host.test'),
          expose_headers: 'x-host',
          filter_enabled: percent(0),
        }),
      },
      table: {
        typed_per_filter_config: cors({
          allow_origin_string_match: exact('http://table.test'),
          allow_headers: 'x-table',
          max_age: '1',
        }),
      },
      hcm: {},
    },
    legacy: {
      filters: [CORS_FILTER],
      routes: LEGACY_ROUTES,
      virtualHost: { cors: { ...A_ONLY, max_age: '5', allow_methods: 'GET' } },
    },
    mapped: {
      filters: [CORS_FILTER, filter('csrf', 'csrf.v3.CsrfPolicy', CSRF)],
      routes: [route('/full', cors(FULL))],
      hcm: { local_reply_config: { mappers: [MAPPER] } },
    },
    csrf: { filters: [filter('csrf', 'csrf.v3.CsrfPolicy', CSRF)], routes: CSRF_ROUTES },
  },
  bootstrap: {
    layered_runtime: { layers: [{ name: 'static', static_layer: { 'cors.off': 0 } }] },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const request = (method: string, target: string, ...fields: readonly string[]): TwinCase => ({
  title: `${method} ${target} ${fields.join(', ')}`,
  send: `${method} ${target} HTTP/1.1\r\nhost: h.test\r\n${fields.map((field) => `${field}\r\n`).join('')}${
    /^(POST|PUT|PATCH)$/.test(method) ? 'content-length: 0\r\n' : ''
  }\r\n`,
});
const on = (listener: string, each: TwinCase): TwinCase => ({
  ...each,
  title: `${listener}: ${each.title}`,
  listener,
});

const A = 'origin: http://a.test';
const PREFLIGHT = 'access-control-request-method: DELETE';
const ASKS = [PREFLIGHT, 'access-control-request-headers: x-a, x-b'];
const PRIVATE = 'access-control-request-private-network: true';
const PREFIXES = CORS_ROUTES.map(({ match }) => (match as { prefix: string }).prefix);
const OWN_FIELDS: WireAnswer = {
  text:
    'HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\naccess-control-expose-headers: own\r\n' +
    'access-control-allow-credentials: own\r\ncontent-length: 0\r\n\r\n',
};

const CORS_CASES: readonly TwinCase[] = [
  ...PREFIXES.flatMap((path) => [
    request('GET', path, A),
    request('GET', path, 'origin: http://host.test'),
    request('OPTIONS', path, A, ...ASKS),
    request('OPTIONS', path, 'origin: http://host.test', ...ASKS),
    request('OPTIONS', path, 'origin: http://evil.test', PREFLIGHT),
  ]),
  request('GET', '/full'),
  request('GET', '/full', 'origin:'),
  request('GET', '/full', 'origin: null'),
  request('GET', '/full', 'origin: http://x.b.TEST'),
  request('GET', '/full', 'origin: http://re7.test'),
  request('GET', '/full', 'origin: http://re77.test'),
  request('GET', '/full', A, A),
  request('GET', '/full', A, 'origin: http://evil.test'),
  request('GET', '/star', 'origin: ftp://anything'),
  { ...request('GET', '/full', A), title: 'fields of the upstream', answer: OWN_FIELDS },
  { ...request('GET', '/none', A), title: 'fields of the upstream alone', answer: OWN_FIELDS },
  request('OPTIONS', '/full', A),
  request('OPTIONS', '/full', A, 'access-control-request-method:'),
  request('OPTIONS', '/full', A, PREFLIGHT, PRIVATE),
  request('OPTIONS', '/star', A, PREFLIGHT, PRIVATE),
  request('OPTIONS', '/full', A, PREFLIGHT, PRIVATE.replace('true', 'TRUE')),
  request('OPTIONS', '/kept', 'origin: http://evil.test', PREFLIGHT, PRIVATE),
  request('OPTIONS', '/kept', 'origin: http://evil.test'),
  request('OPTIONS', '/kept', PREFLIGHT),
  request('OPTIONS', '/star', 'origin: http://x.test', PREFLIGHT),
  request('HEAD', '/full', A),
  {
    title: 'a preflight with content',
    send: `OPTIONS /full HTTP/1.1\r\nhost: h\r\n${A}\r\n${PREFLIGHT}\r\ncontent-length: 3\r\n\r\nabc`,
  },
  ...['/own', '/off', '/typed', '/host'].flatMap((path) => [
    on('legacy', request('GET', path, A)),
    on('legacy', request('OPTIONS', path, A, PREFLIGHT)),
  ]),
  on('mapped', request('OPTIONS', '/full', A, PREFLIGHT)),
];

const CSRF_CASES: readonly TwinCase[] = [
  ...['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'LIST'].flatMap((method) => [
    request(method, '/x'),
    request(method, '/x', 'origin: http://evil.test'),
  ]),
  ...[
    'origin: http://h.test',
    'origin: https://h.test',
    'origin: HTTP://h.test/path?q#f',
    'origin: http://H.test',
    'origin: http://h.test:80',
    'origin: http://u:p@h.test',
    'origin: http://u@evil.test@h.test',
    'origin: h.test',
    'origin: //h.test',
    'origin: null',
    'origin:',
    'origin: http://friend.test',
    'origin: friend.test',
    'origin: http://a.friend.test:8080',
    'origin: http://a.friend.test',
    'origin: http://[::1]:80',
    'origin: http://h.test.evil.test',
    'referer: http://h.test/page',
    'referer: http://evil.test/http://h.test',
    'referer: about:blank',
    'referer: http://h.test?x',
    'origin: http://',
    'origin: http:///h.test',
    'origin: http://h.test:abc',
    'origin: http://h.test:',
    'origin: http://h.test:99999',
    'origin: a1://h.test',
    'origin: http://h_x.test',
    'origin: http://h%41.test',
  ].map((field) => request('POST', '/x', field)),
  request('POST', '/x', 'origin: http://evil.test', 'referer: http://h.test/'),
  request('POST', '/x', 'origin:', 'referer: http://h.test/'),
  request('POST', '/x', 'origin: http://h.test', 'origin: http://h.test'),
  ...['/off', '/shadow', '/route', '/disabled', '/go'].flatMap((path) => [
    request('POST', path, 'origin: http://evil.test'),
    request('POST', path, 'origin: http://route.test'),
    request('POST', path, 'origin: http://friend.test'),
    request('POST', path, 'origin: http://h.test'),
    request('POST', path),
  ]),
  {
    title: 'a port in the host',
    send: 'POST /x HTTP/1.1\r\nhost: h.test:81\r\norigin: http://h.test:81\r\ncontent-length: 0\r\n\r\n',
  },
  {
    title: 'an address in the host',
    send: 'POST /x HTTP/1.1\r\nhost: [::1]:81\r\norigin: http://[::1]:81\r\ncontent-length: 0\r\n\r\n',
  },
  {
    title: 'another port in the host',
    send: 'POST /x HTTP/1.1\r\nhost: h.test:81\r\norigin: http://h.test\r\ncontent-length: 0\r\n\r\n',
  },
  {
    title: 'with content',
    send: 'POST /x HTTP/1.1\r\nhost: h.test\r\norigin: http://evil.test\r\ncontent-length: 3\r\n\r\nabc',
  },
].map((each) => on('csrf', each));

t.test('cross-origin requests fare as with Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CORS_CASES);
    await compareCases(t, twins, CSRF_CASES);
    await compareCases(t, twins, [on('mapped', request('POST', '/x', 'origin: http://evil.test'))]);
    const counted = [
      request('GET', '/full', A),
      request('GET', '/full', 'origin: http://evil.test'),
      request('OPTIONS', '/shadow', A, PREFLIGHT),
      request('OPTIONS', '/kept', A, PREFLIGHT),
      request('GET', '/answer', A),
      on('csrf', request('POST', '/x', 'origin: http://evil.test')),
      on('csrf', request('POST', '/x', 'origin: http://h.test')),
      on('csrf', request('POST', '/x')),
      on('csrf', request('POST', '/shadow', 'origin: http://evil.test')),
      on('csrf', request('POST', '/off', 'origin: http://evil.test')),
    ];
    // When a connection is over is a matter of moments.
    await compareStats(t, twins, counted, /downstream_cx_/);
  });
});
