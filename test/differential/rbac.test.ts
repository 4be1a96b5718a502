// Who may do what over HTTP: every condition that clear text can fulfil, beside Envoy.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats } from './compare-stats.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_engine_result)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_engine_result)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_effective_policy_id)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:re_enforced_engine_result)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:re_enforced_effective_policy_id)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:sh_shadow_engine_result)% ' +
  '%DYNAMIC_METADATA(envoy.filters.http.rbac:sh_shadow_effective_policy_id)% ' +
  '%DYNAMIC_METADATA(envoy.common)% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const ANY: Json = { any: true };
const rbac = (config: Json): Json => typed('extensions.filters.http.rbac.v3.RBAC', config);
const perRoute = (config?: Json): Json =>
  typed(
    'extensions.filters.http.rbac.v3.RBACPerRoute',
    config === undefined ? {} : { rbac: config },
  );
const policy = (permissions: readonly Json[], principals: readonly Json[] = [ANY]): Json => ({
  permissions,
  principals,
});
const allow = (policies: Json): Json => ({ action: 'ALLOW', policies });
const deny = (policies: Json): Json => ({ action: 'DENY', policies });
const header = (name: string, match: Json): Json => ({ header: { name, ...match } });
const cidr = (address_prefix: string, prefix_len?: number): Json => ({
  address_prefix,
  prefix_len,
});
const path = (match: Json): Json => ({ url_path: { path: match } });
const template = (path_template: string): Json => ({
  uri_template: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: typed('extensions.path.match.uri_template.v3.UriTemplateMatchConfig', {
      path_template,
    }),
  },
});
const metadata = (filter: string, keys: readonly string[], value: Json, rest: Json = {}): Json => ({
  filter,
  path: keys.map((key) => ({ key })),
  value,
  ...rest,
});
const X = { string_match: { exact: 'x' } };

/** Each is the permission, or the principal, of a route's only policy. */
const PERMISSIONS: Readonly<Record<string, Json>> = {
  any: ANY,
  'not-any': { not_rule: ANY },
  and: { and_rules: { rules: [header('x-a', X), header('x-b', X)] } },
  or: { or_rules: { rules: [header('x-a', X), header('x-b', X)] } },
  'not-and': { not_rule: { and_rules: { rules: [header('x-a', X), header('x-b', X)] } } },
  'header-exact': header('x-a', X),
  'header-case': header('X-A', { string_match: { exact: 'X', ignore_case: true } }),
  'header-prefix': header('x-a', { string_match: { prefix: 'x' } }),
  'header-suffix': header('x-a', { string_match: { suffix: 'x' } }),
  'header-contains': header('x-a', { string_match: { contains: 'y' } }),
  'header-regex': header('x-a', { string_match: { safe_regex: { regex: 'x|y' } } }),
  'header-present': header('x-a', { present_match: true }),
  'header-absent': header('x-a', { present_match: false }),
  'header-range': header('x-a', { range_match: { start: '1', end: '10' } }),
  'header-invert': header('x-a', { ...X, invert_match: true }),
  'header-invert-present': header('x-a', { present_match: true, invert_match: true }),
  'header-invert-empty': header('x-a', {
    ...X,
    invert_match: true,
    treat_missing_header_as_empty: true,
  }),
  'header-empty': header('x-a', {
    string_match: { exact: '' },
    treat_missing_header_as_empty: true,
  }),
  'header-not': { not_rule: header('x-a', X) },
  'header-joined': header('x-a', { string_match: { exact: 'x,y' } }),
  'header-method': header(':method', { string_match: { exact: 'GET' } }),
  'header-authority': header(':authority', { string_match: { exact: 'h.test' } }),
  'header-host': header('host', { string_match: { exact: 'h.test' } }),
  'header-path': header(':path', { string_match: { prefix: '/permission/header-path?q' } }),
  'header-scheme': header(':scheme', { string_match: { exact: 'http' } }),
  'destination-ip': { destination_ip: cidr('127.0.0.0', 8) },
  'destination-ip-other': { destination_ip: cidr('10.0.0.0', 8) },
  'destination-ip-whole': { destination_ip: cidr('127.0.0.1') },
  'destination-ip-v6': { destination_ip: cidr('::', 0) },
  'destination-port-range': { destination_port_range: { start: 1024, end: 65536 } },
  'destination-port-low': { destination_port_range: { start: 0, end: 1024 } },
  'destination-port': { destination_port: 1 },
  metadata: { metadata: metadata('m', ['k'], X) },
  'metadata-invert': { metadata: metadata('m', ['k'], X, { invert: true }) },
  'metadata-missing-invert': { metadata: metadata('none', ['k'], X, { invert: true }) },
  'metadata-sourced': { sourced_metadata: { metadata_matcher: metadata('m', ['k'], X) } },
  'metadata-route': {
    sourced_metadata: { metadata_matcher: metadata('r', ['k'], X), metadata_source: 'ROUTE' },
  },
  'metadata-route-other': {
    sourced_metadata: { metadata_matcher: metadata('r', ['l'], X), metadata_source: 'ROUTE' },
  },
  'metadata-route-invert': {
    sourced_metadata: {
      metadata_matcher: metadata('other', ['l'], X, { invert: true }),
      metadata_source: 'ROUTE',
    },
  },
  'server-name': { requested_server_name: { exact: 'h.test' } },
  'server-name-empty': { requested_server_name: { exact: '' } },
  'server-name-prefix': { requested_server_name: { safe_regex: { regex: '.*' } } },
  'path-exact': path({ exact: '/permission/path-exact' }),
  'path-case': path({ exact: '/PERMISSION/path-CASE', ignore_case: true }),
  'path-prefix': path({ prefix: '/permission/path-prefix/' }),
  'path-suffix': path({ suffix: '/end' }),
  'path-contains': path({ contains: '?' }),
  'path-regex': path({ safe_regex: { regex: '/permission/path-regex/[a-z]+' } }),
  'path-not': { not_rule: path({ prefix: '/permission/path-not/secret' }) },
  'template-star': template('/permission/*/one'),
  'template-deep': template('/permission/template-deep/{a=**}/end'),
};

const PRINCIPALS: Readonly<Record<string, Json>> = {
  any: ANY,
  'not-any': { not_id: ANY },
  and: { and_ids: { ids: [header('x-a', X), header('x-b', X)] } },
  or: { or_ids: { ids: [header('x-a', X), header('x-b', X)] } },
  authenticated: { authenticated: {} },
  'authenticated-not': { not_id: { authenticated: { principal_name: { exact: 'x' } } } },
  'authenticated-regex': { authenticated: { principal_name: { safe_regex: { regex: '.*' } } } },
  'source-ip': { source_ip: cidr('127.0.0.1', 32) },
  'source-ip-other': { source_ip: cidr('10.0.0.0', 8) },
  'source-ip-forwarded': { source_ip: cidr('9.9.9.0', 24) },
  'direct-ip': { direct_remote_ip: cidr('127.0.0.0', 8) },
  'direct-ip-forwarded': { direct_remote_ip: cidr('9.9.9.0', 24) },
  'remote-ip': { remote_ip: cidr('127.0.0.0', 8) },
  'remote-ip-forwarded': { remote_ip: cidr('9.9.9.0', 24) },
  'remote-ip-v6': { remote_ip: cidr('2001:db8::', 32) },
  'remote-ip-mapped': { remote_ip: cidr('::ffff:9.9.9.0', 120) },
  'remote-ip-all': { remote_ip: cidr('0.0.0.0', 0) },
  'remote-ip-clipped': { remote_ip: cidr('9.9.9.9', 99) },
  header: header('x-a', X),
  path: path({ exact: '/principal/path' }),
  metadata: { metadata: metadata('m', ['k'], X) },
  'metadata-route': {
    sourced_metadata: { metadata_matcher: metadata('r', ['k'], X), metadata_source: 'ROUTE' },
  },
  'filter-state': { filter_state: { key: 'state.key', string_match: { exact: 'x' } } },
  'filter-state-missing': { filter_state: { key: 'other.key', string_match: { exact: '' } } },
  mtls: {
    custom: {
      name: 'envoy.rbac.principals.mtls_authenticated',
      typed_config: typed('extensions.rbac.principals.mtls_authenticated.v3.Config', {
        any_validated_client_certificate: true,
      }),
    },
  },
};

/** What a route does in whole. */
const CONFIGS: Readonly<Record<string, Json | undefined>> = {
  none: {},
  off: undefined,
  'empty-allow': { rules: {} },
  'empty-deny': { rules: { action: 'DENY' } },
  'empty-log': { rules: { action: 'LOG' } },
  deny: { rules: deny({ p: policy([header('x-a', X)]) }) },
  order: {
    rules: deny({
      b: policy([ANY]),
      a: policy([header('x-a', X)]),
      A: policy([header('x-b', X)]),
      'a b\tc': policy([header('x-c', X)]),
    }),
  },
  blanks: { rules: deny({ 'a b  c d': policy([ANY]) }) },
  log: { rules: { action: 'LOG', policies: { p: policy([header('x-a', X)]) } } },
  'log-shadow': { shadow_rules: { action: 'LOG', policies: { p: policy([header('x-a', X)]) } } },
  shadow: { shadow_rules: deny({ s: policy([header('x-a', X)]) }) },
  both: {
    rules: allow({ e: policy([header('x-a', X)]) }),
    shadow_rules: deny({ s: policy([header('x-a', X)]) }),
  },
  prefixed: {
    rules: allow({ e: policy([header('x-a', X)]) }),
    shadow_rules: deny({ s: policy([header('x-a', X)]) }),
    rules_stat_prefix: 're_',
    shadow_rules_stat_prefix: 'sh_',
    track_per_rule_stats: true,
  },
};

const NETWORK = 'extensions.matching.common_inputs.network.v3.';
const input = (type: string, config: Json = {}): Json => ({
  name: 'input',
  typed_config: typed(type, config),
});
const fieldInput = (header_name: string): Json =>
  input('type.matcher.v3.HttpRequestHeaderMatchInput', { header_name });
const act = (name: string, action: string): Json => ({
  action: { name, typed_config: typed('config.rbac.v3.Action', { name, action }) },
});
const single = (what: Json, test: Json, then: Json): Json => ({
  predicate: { single_predicate: { input: what, ...test } },
  on_match: then,
});
const list = (...matchers: readonly Json[]): Json => ({ matcher_list: { matchers } });
const inRange = (...cidr_ranges: readonly Json[]): Json => ({
  custom_match: {
    name: 'ip',
    typed_config: typed('extensions.matching.input_matchers.ip.v3.Ip', {
      cidr_ranges,
      stat_prefix: 'm',
    }),
  },
});
const PORT = { value_match: { safe_regex: { google_re2: {}, regex: '[0-9]{4,5}' } } };
const onInput = (type: string, test: Json): Json => ({
  matcher: list(single(input(`${NETWORK}${type}`), test, act('yes', 'ALLOW'))),
});

/** Matchers in the place of rules. */
const MATCHERS: Readonly<Record<string, Json>> = {
  empty: { matcher: {} },
  field: {
    matcher: list(
      single(fieldInput('x-a'), { value_match: { exact: 'x' } }, act('allowed it', 'ALLOW')),
      single(fieldInput('x-b'), { value_match: { exact: 'x' } }, act('denied it', 'DENY')),
      single(fieldInput('x-c'), { value_match: { exact: 'x' } }, act('logged it', 'LOG')),
    ),
  },
  otherwise: {
    matcher: {
      ...list(single(fieldInput('x-a'), { value_match: { exact: 'x' } }, act('a', 'DENY'))),
      on_no_match: act('rest', 'ALLOW'),
    },
  },
  shadow: {
    shadow_matcher: list(
      single(fieldInput('x-a'), { value_match: { exact: 'x' } }, act('a', 'LOG')),
    ),
  },
  'before-rules': {
    rules: allow({ p: policy([ANY]) }),
    matcher: list(single(fieldInput('x-a'), { value_match: { exact: 'x' } }, act('a', 'ALLOW'))),
  },
  map: {
    matcher: {
      matcher_tree: {
        input: fieldInput('x-a'),
        exact_match_map: { map: { x: act('x', 'ALLOW'), y: act('y', 'DENY') } },
      },
    },
  },
  'source-ip': onInput('SourceIPInput', inRange(cidr('9.9.9.0', 24), cidr('2001:db8::', 32))),
  'source-text': onInput('SourceIPInput', { value_match: { exact: '127.0.0.1' } }),
  'direct-ip': onInput('DirectSourceIPInput', inRange(cidr('127.0.0.0', 8))),
  'destination-ip': onInput('DestinationIPInput', inRange(cidr('127.0.0.0', 8))),
  'destination-port': onInput('DestinationPortInput', PORT),
  'source-port': onInput('SourcePortInput', PORT),
  'server-name': onInput('ServerNameInput', {
    value_match: { safe_regex: { google_re2: {}, regex: '.*' } },
  }),
  'uri-san': {
    matcher: {
      ...list(
        single(
          input('extensions.matching.common_inputs.ssl.v3.UriSanInput'),
          { value_match: { safe_regex: { google_re2: {}, regex: '.*' } } },
          act('named', 'ALLOW'),
        ),
      ),
      on_no_match: act('nameless', 'ALLOW'),
    },
  },
  'uri-san-map': {
    matcher: {
      matcher_tree: {
        input: input('extensions.matching.common_inputs.ssl.v3.UriSanInput'),
        prefix_match_map: { map: { 'spiffe://': act('named', 'ALLOW') } },
      },
      on_no_match: act('nameless', 'ALLOW'),
    },
  },
  'uri-san-later': {
    matcher: {
      ...list(
        single(fieldInput('x-a'), { value_match: { exact: 'x' } }, act('first', 'ALLOW')),
        {
          predicate: {
            not_matcher: {
              single_predicate: {
                input: input('extensions.matching.common_inputs.ssl.v3.SubjectInput'),
                value_match: { exact: 'x' },
              },
            },
          },
          on_match: act('second', 'ALLOW'),
        },
        single(fieldInput('x-b'), { value_match: { exact: 'x' } }, act('third', 'ALLOW')),
      ),
    },
  },
};

const TO_METADATA: Json = {
  name: 'meta',
  typed_config: typed('extensions.filters.http.header_to_metadata.v3.Config', {
    request_rules: [{ header: 'x-meta', on_header_present: { metadata_namespace: 'm', key: 'k' } }],
  }),
};
const TO_STATE: Json = {
  name: 'state',
  typed_config: typed('extensions.filters.http.set_filter_state.v3.Config', {
    on_request_headers: [
      {
        object_key: 'state.key',
        factory_key: 'envoy.string',
        format_string: { text_format_source: { inline_string: '%REQ(x-state)%' } },
      },
    ],
  }),
};
const routesOf = (base: string, configs: Readonly<Record<string, Json | undefined>>) =>
  Object.entries(configs).map(([name, config]) => ({
    match: { path_separated_prefix: `/${base}/${name}` },
    route: { cluster: 'main' },
    metadata: { filter_metadata: { r: { k: 'x', l: 'y' } } },
    typed_per_filter_config: { rbac: perRoute(config) },
  }));
const mapped = (rules: Readonly<Record<string, Json>>, make: (rule: Json) => Json) =>
  Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, make(rule)]));

const ROUTES = [
  ...routesOf(
    'permission',
    mapped(PERMISSIONS, (rule) => ({ rules: allow({ p: policy([rule]) }) })),
  ),
  ...routesOf(
    'principal',
    mapped(PRINCIPALS, (id) => ({ rules: allow({ p: policy([ANY], [id]) }) })),
  ),
  ...routesOf('config', CONFIGS),
  ...routesOf('matcher', MATCHERS),
];
const filter = (name: string, config: Json): Json => ({ name, typed_config: rbac(config) });
const CHAIN = {
  rules: allow({ own: policy([header('x-a', X)]) }),
  shadow_rules: allow({ 'own shadow': policy([header('x-b', X)]) }),
  rules_stat_prefix: 're_',
  shadow_rules_stat_prefix: 'sh_',
  track_per_rule_stats: true,
};

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      filters: [TO_METADATA, TO_STATE, filter('rbac', {})],
      routes: ROUTES,
      hcm: { use_remote_address: false, xff_num_trusted_hops: 0 },
    },
    chain: {
      filters: [filter('rbac', CHAIN)],
      routes: [
        ...routesOf('config', CONFIGS),
        { match: { prefix: '/plain' }, route: { cluster: 'main' } },
      ],
      table: { ignore_path_parameters_in_path_matching: true },
    },
    three: {
      filters: [
        filter('audit', { rules: { action: 'LOG', policies: { audit: policy([ANY]) } } }),
        filter('deny', { rules: deny({ deny: policy([header('x-a', X)]) }) }),
        filter('allow', { rules: allow({ allow: policy([header('x-b', X)]) }) }),
      ],
    },
    parameters: {
      filters: [
        filter('rbac', {
          rules: deny({
            secret: policy([path({ exact: '/secret' })]),
            deep: policy([path({ exact: '/x/deep' })]),
            template: policy([template('/t/*/end')]),
          }),
        }),
      ],
      virtualHost: { domains: ['h.test'] },
      table: { ignore_path_parameters_in_path_matching: true },
    },
    normal: {
      filters: [filter('rbac', { rules: deny({ secret: policy([path({ prefix: '/secret' })]) }) })],
      hcm: {
        normalize_path: true,
        merge_slashes: true,
        path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD',
      },
    },
    raw: {
      filters: [filter('rbac', { rules: deny({ secret: policy([path({ prefix: '/secret' })]) }) })],
    },
    unrouted: {
      filters: [
        filter('rbac', {
          rules: allow({ p: policy([PERMISSIONS['metadata-route-invert'] as Json]) }),
        }),
      ],
      virtualHost: { domains: ['only.test'] },
    },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const request = (target: string, ...fields: readonly string[]): TwinCase => ({
  title: `${target} ${fields.join(', ')}`,
  send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
});
const on = (listener: string, each: TwinCase): TwinCase => ({
  ...each,
  title: `${listener}: ${each.title}`,
  listener,
});

const FIELDS: readonly (readonly string[])[] = [[], ['x-a: x'], ['x-b: x'], ['x-a: x', 'x-b: x']];
const HEADER_FIELDS: readonly (readonly string[])[] = [
  [],
  ['x-a: x'],
  ['x-a: X'],
  ['x-a:'],
  ['x-a: 5'],
  ['x-a: x,y'],
  ['x-a: x', 'x-a: y'],
  ['x-a: y', 'x-a: x'],
  ['x-a: y', 'x-a: z'],
  ['x-a: x', 'x-a: x'],
  ['x-a:', 'x-a: x'],
];
const FORWARDED = [
  '9.9.9.9',
  '2001:db8::1',
  '::ffff:9.9.9.9',
  '9.9.9.9, 8.8.8.8',
  '009.9.9.9',
  'x',
];

const RULE_CASES: readonly TwinCase[] = [
  ...Object.keys(PERMISSIONS).flatMap((name) => {
    const target = `/permission/${name}`;
    if (name.startsWith('header')) return HEADER_FIELDS.map((fields) => request(target, ...fields));
    if (/^(and|or|not)/.test(name)) return FIELDS.map((fields) => request(target, ...fields));
    if (name.startsWith('metadata')) {
      return [request(target), request(target, 'x-meta: x'), request(target, 'x-meta: y')];
    }
    return [request(target)];
  }),
  ...[
    '?q=1',
    '/secret',
    '/secret?x',
    '/../x',
    '/x%2fsecret',
    '/end',
    '/end?x',
    '/end;y',
    '/abc/end?/',
  ].flatMap((rest) =>
    Object.keys(PERMISSIONS)
      .filter((name) => /path|template/.test(name))
      .map((name) => request(`/permission/${name}${rest}`)),
  ),
  request('/permission/one/one?q'),
  request('/permission/template-star/one?q'),
  request('/permission/header-path?q=1'),
  ...Object.keys(PRINCIPALS).flatMap((name) => {
    const target = `/principal/${name}`;
    if (/ip/.test(name)) {
      return [
        request(target),
        ...FORWARDED.map((value) => request(target, `x-forwarded-for: ${value}`)),
      ];
    }
    if (name.startsWith('metadata')) return [request(target), request(target, 'x-meta: x')];
    if (name.startsWith('filter')) return [request(target), request(target, 'x-state: x')];
    return FIELDS.map((fields) => request(target, ...fields));
  }),
  request('/principal/path?q'),
  request('/principal/path/x'),
];

const CONFIG_CASES: readonly TwinCase[] = [
  ...Object.keys(MATCHERS).flatMap((name) => [
    ...[...FIELDS, ['x-c: x'], ['x-a: y'], ['x-a: x', 'x-a: y']].map((fields) =>
      request(`/matcher/${name}`, ...fields),
    ),
    ...(/ip|source/.test(name)
      ? FORWARDED.map((value) => request(`/matcher/${name}`, `x-forwarded-for: ${value}`))
      : []),
  ]),
  ...Object.keys(CONFIGS).flatMap((name) => [
    ...FIELDS.map((fields) => request(`/config/${name}`, ...fields)),
    ...FIELDS.map((fields) => on('chain', request(`/config/${name}`, ...fields))),
  ]),
  ...FIELDS.flatMap((fields) => [
    on('chain', request('/plain', ...fields)),
    on('three', request('/plain', ...fields)),
  ]),
  ...[
    '/secret',
    '/secret;x=1',
    '/secret;',
    '/secret;x/y',
    '/x;a/deep',
    '/secret?;',
    '/secret?a=;b',
    '/t/a;b/end',
    '/t/a/end;x',
    '/t;/a/end',
  ].map((target) => on('parameters', request(target))),
  ...[
    '/secret',
    '//secret',
    '/./secret',
    '/x/../secret',
    '/%73ecret',
    '/SECRET',
    '/x%2f..%2fsecret',
    '/%2fsecret',
  ].flatMap((target) => [on('normal', request(target)), on('raw', request(target))]),
  {
    title: 'path parameters without a route',
    listener: 'parameters',
    send: 'GET /secret;x HTTP/1.1\r\nhost: other.test\r\n\r\n',
  },
  on('raw', request('/secret#x')),
  on('raw', request('/a#/secret')),
  on('unrouted', request('/x')),
  {
    title: 'CONNECT has no path',
    listener: 'raw',
    send: 'CONNECT h.test:80 HTTP/1.1\r\nhost: h.test:80\r\n\r\n',
  },
  {
    title: 'a whole URL as the target',
    listener: 'raw',
    send: 'GET http://h.test/secret HTTP/1.1\r\nhost: h.test\r\n\r\n',
  },
];

t.test('requests are allowed and denied as by Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, RULE_CASES);
    await compareCases(t, twins, CONFIG_CASES);
    const counted = [
      request('/config/both', 'x-a: x'),
      request('/config/both'),
      request('/config/prefixed', 'x-a: x'),
      request('/config/prefixed'),
      request('/config/log'),
      on('chain', request('/plain', 'x-a: x')),
      on('chain', request('/plain', 'x-b: x')),
      on('chain', request('/config/both', 'x-a: x')),
      on('chain', request('/config/prefixed')),
      on('chain', request('/config/prefixed', 'x-a: x')),
      on('three', request('/plain', 'x-a: x')),
      on('three', request('/plain', 'x-b: x')),
    ];
    await compareStats(t, twins, counted, /downstream_cx_/);
  });
});
