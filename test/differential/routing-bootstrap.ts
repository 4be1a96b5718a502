// The configuration of the differential test of routing: one listener a theme.
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

/** Every cluster; each has an upstream that says its name. */
export const CLUSTERS = ['a', 'b', 'c'] as const;

const PATH = 'type.googleapis.com/envoy.extensions.path';

type Cluster = (typeof CLUSTERS)[number];

/** A bootstrap whose clusters are at these ports. */
export function routingBootstrap(ports: Readonly<Record<Cluster, number>>): Message {
  const listeners = [
    ...[matching(), hosts('hosts', {}), hosts('portless', { ignore_port_in_host_matching: true })],
    ...[rewriting('rewrite', {}), rewriting('quiet', { suppress_envoy_headers: true })],
    ...[
      mutating('mutate', false),
      mutating('specific', true),
      redirecting(),
      tlsOnly(),
      weighted(),
    ],
    normalizing('canonical', { normalize_path: true }),
    normalizing('merge', { merge_slashes: true }),
    normalizing('forward', escapedSlashes('UNESCAPE_AND_FORWARD')),
    normalizing('redirect-slashes', escapedSlashes('UNESCAPE_AND_REDIRECT')),
    normalizing('reject', escapedSlashes('REJECT_REQUEST')),
    normalizing('any-port', { strip_any_host_port: true, strip_trailing_host_dot: true }),
  ];
  const hostname = 'endpoint.test';
  const clusters = [
    ...[staticCluster('a', ports.a), staticCluster('b', ports.b)],
    staticCluster('c', ports.c, { hostname }),
  ];
  return bootstrapOf(listeners, clusters);
}

function to(cluster: Cluster, match: Message, action: Message = {}, route: Message = {}): Message {
  return { match, route: { cluster, ...action }, ...route };
}

function add(key: string, value: string, action?: string, members: Message = {}): Message {
  const header = { key, value };
  return { header, ...(action === undefined ? {} : { append_action: action }), ...members };
}

function escapedSlashes(action: string): Message {
  return {
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: action,
  };
}

function normalizing(name: string, manager: Message): Message {
  const routes = [to('b', { prefix: '/admin' }), to('a', { prefix: '/' })];
  return httpListener(name, { virtual_hosts: [virtualHost(['*'], routes)] }, { manager });
}

function byField(cluster: Cluster, prefix: string, ...headers: readonly Message[]): Message {
  return to(cluster, { prefix, headers });
}

function matching(): Message {
  const x = (matcher: Message): Message => ({ name: 'X', ...matcher });
  const exact = x({ string_match: { exact: 'a,b' } });
  const routes = [
    to('a', { path: '/exact' }),
    to('b', { path: '/Loose', case_sensitive: false }),
    to('a', { path_separated_prefix: '/api' }),
    to('b', { safe_regex: { regex: '/re/[0-9]+' } }),
    to('a', { prefix: '/grpc', grpc: {} }),
    byField('a', '/h/exact', exact),
    byField('a', '/h/not', { ...exact, invert_match: true }),
    byField('a', '/h/empty', { ...exact, invert_match: true, treat_missing_header_as_empty: true }),
    byField('a', '/h/present', x({ present_match: true })),
    byField('a', '/h/absent', x({ present_match: false })),
    byField('a', '/h/lacking', x({ present_match: true, invert_match: true })),
    byField('a', '/h/any', x({})),
    byField('a', '/h/range', x({ range_match: { start: -5, end: 10 } })),
    byField('a', '/h/prefix', x({ string_match: { prefix: 'Ab', ignore_case: true } })),
    byField('a', '/h/suffix', x({ string_match: { suffix: 'yz' } })),
    byField('a', '/h/contains', x({ string_match: { contains: 'mid' } })),
    byField('a', '/h/regex', x({ string_match: { safe_regex: { regex: 'v[0-9]' } } })),
    byField('a', '/h/method', { name: ':method', string_match: { exact: 'POST' } }),
    byField('a', '/h/path', { name: ':path', string_match: { suffix: '?q' } }),
    byField('a', '/h/authority', { name: ':authority', string_match: { prefix: 'h.' } }),
    byField('a', '/h/host', { name: 'host', string_match: { prefix: 'h.' } }),
    byField('a', '/h/scheme', { name: ':scheme', string_match: { exact: 'http' } }),
    byField('a', '/h/cookie', { name: 'cookie', string_match: { exact: 'a=1; b=2' } }),
    to('a', {
      prefix: '/q/exact',
      query_parameters: [{ name: 'k', string_match: { exact: 'v' } }],
    }),
    to('a', { prefix: '/q/present', query_parameters: [{ name: 'k' }] }),
    to('a', { prefix: '/q/absent', query_parameters: [{ name: 'k', present_match: false }] }),
    to('a', {
      prefix: '/q/raw',
      query_parameters: [{ name: 'k', string_match: { exact: '%20' } }],
    }),
    { match: { prefix: '/by-header' }, route: { cluster_header: 'x-cluster' } },
    {
      match: { prefix: '/missing' },
      route: { cluster_header: 'x-c', cluster_not_found_response_code: 'NOT_FOUND' },
    },
    { match: { path: '/direct' }, direct_response: { status: 201, body: { inline_string: 'd' } } },
    to('c', { prefix: '/h/' }),
    to('c', { prefix: '/q/' }),
  ];
  return httpListener('match', { virtual_hosts: [virtualHost(['*'], routes)] });
}

function hosts(name: string, table: Message): Message {
  const answer = (body: string): Message => ({
    match: { prefix: '/' },
    direct_response: { status: 200, body: { inline_string: body } },
  });
  const domains = ['a.foo.test', '*.foo.test', '*.b.foo.test', '*-bar.test', 'foo.*', 'foo-*'];
  const more = ['g.test:81', '[::1]', 'foo.bar.*'];
  const virtual_hosts = [...domains, ...more].map((domain) =>
    virtualHost([domain], [answer(domain)]),
  );
  return httpListener(name, { virtual_hosts, ...table });
}

function template(path_template: string): Message {
  const typed_config = {
    '@type': `${PATH}.match.uri_template.v3.UriTemplateMatchConfig`,
    path_template,
  };
  return {
    path_match_policy: { name: 'envoy.path.match.uri_template.uri_template_matcher', typed_config },
  };
}

function templateRewrite(path_template_rewrite: string): Message {
  const type = `${PATH}.rewrite.uri_template.v3.UriTemplateRewriteConfig`;
  const typed_config = { '@type': type, path_template_rewrite };
  return { name: 'envoy.path.rewrite.uri_template.uri_template_rewriter', typed_config };
}

function rewriting(name: string, router: Message): Message {
  const regex = (pattern: string, substitution: string): Message => ({
    pattern: { regex: pattern },
    substitution,
  });
  const routes = [
    to('a', { prefix: '/b' }, { prefix_rewrite: '/' }),
    to('a', { prefix: '/Loose', case_sensitive: false }, { prefix_rewrite: '/new' }),
    to('a', { path: '/exact' }, { prefix_rewrite: '/other' }),
    to('a', { path_separated_prefix: '/sep' }, { prefix_rewrite: '/' }),
    to('a', { safe_regex: { regex: '/whole/.*' } }, { prefix_rewrite: '/all' }),
    to('a', { prefix: '/re/' }, { regex_rewrite: regex('^/re/([^/]+)/(.*)$', '/\\2/of/\\1') }),
    to('a', { prefix: '/many' }, { regex_rewrite: regex('a', '$') }),
    to('a', { prefix: '/void' }, { regex_rewrite: regex('.*', '') }),
    to('a', { prefix: '/same' }, { regex_rewrite: regex('nothing', 'x') }),
    to('a', { prefix: '/host/literal' }, { host_rewrite_literal: 'new.test' }),
    to(
      'a',
      { prefix: '/host/forwarded' },
      { host_rewrite_literal: 'new.test', append_x_forwarded_host: true },
    ),
    to('a', { prefix: '/host/header' }, { host_rewrite_header: 'X-Host' }),
    to(
      'a',
      { prefix: '/host/path' },
      { host_rewrite_path_regex: regex('^/host/path/(.+)$', '\\1') },
    ),
    to('a', template('/template/{a}/{b=**}'), {
      path_rewrite_policy: templateRewrite('/x/{b}/{a}-{a}'),
    }),
    { match: { prefix: '/by-host' }, route: { cluster_header: ':authority' } },
    to('a', { prefix: '/format/path' }, { path_rewrite: '/new/%REQ(x-a)%' }),
    to('a', { prefix: '/format/query' }, { path_rewrite: '/new?own=%REQ(x-a)%' }),
    to('a', { prefix: '/format/bare' }, { path_rewrite: '%REQ(x-a)%' }),
    to('a', { prefix: '/format/same' }, { path_rewrite: '%PATH(NQ)%/more' }),
    to('a', { prefix: '/format/host' }, { host_rewrite: '%REQ(x-a)%.test' }),
    to('a', { prefix: '/format/void' }, { host_rewrite: '%REQ(x-none)%' }),
    to(
      'a',
      { prefix: '/format/both' },
      {
        ...{ host_rewrite: '%REQ(x-new)%', append_x_forwarded_host: true },
        path_rewrite: '/%REQ(x-new)%/%REQ(:authority)%',
      },
      { request_headers_to_add: [add('x-new', 'fresh')] },
    ),
    to('a', { prefix: '/host/auto' }, { auto_host_rewrite: true, append_x_forwarded_host: true }),
    to('c', { prefix: '/host/named' }, { auto_host_rewrite: true, append_x_forwarded_host: true }),
    to('c', { prefix: '/host/plain' }, { auto_host_rewrite: true }),
    to(
      'a',
      { prefix: '/both' },
      { host_rewrite_literal: 'new.test', prefix_rewrite: '/new' },
      {
        request_headers_to_add: [add('x-path', '%REQ(:PATH)%'), add('x-host', '%REQ(:AUTHORITY)%')],
      },
    ),
  ];
  return httpListener(name, { virtual_hosts: [virtualHost(['*'], routes)] }, { router });
}

/** The same field written by every level, one field by each action, and what each removes. */
function level(name: string): Message {
  return {
    request_headers_to_add: [
      add('x-last', name, 'OVERWRITE_IF_EXISTS_OR_ADD'),
      add('x-all', name),
      add('x-first', name, 'ADD_IF_ABSENT'),
      add('x-if', name, 'OVERWRITE_IF_EXISTS'),
    ],
    request_headers_to_remove: [`x-not-${name}`],
    response_headers_to_add: [
      add('x-last', name, 'OVERWRITE_IF_EXISTS_OR_ADD'),
      add('x-all', name),
    ],
    response_headers_to_remove: [`x-not-${name}`],
  };
}

function mutating(name: string, most_specific_header_mutations_wins: boolean): Message {
  const empty = add('x-empty', '%REQ(nothing)%');
  const routes = [
    to('a', { prefix: '/levels' }, {}, level('route')),
    to(
      'a',
      { prefix: '/one' },
      {},
      {
        request_headers_to_add: [
          add('x-a', '1'),
          add('x-a', '2', 'OVERWRITE_IF_EXISTS_OR_ADD'),
          add('x-a', '3', 'ADD_IF_ABSENT'),
          add('x-b', '%REQ(x-a)%-%REQ(x-c)%'),
          add('x-c', 'new', 'OVERWRITE_IF_EXISTS'),
          add('x-d', 'new', 'OVERWRITE_IF_EXISTS'),
          { ...empty, keep_empty_value: true },
          add('x-none', '%REQ(nothing)%'),
          add('user-agent', 'more'),
          add('X-Percent', '100%%'),
        ],
        request_headers_to_remove: ['X-C-Not'],
      },
    ),
    to(
      'a',
      { prefix: '/removed' },
      {},
      {
        request_headers_to_add: [add('x-copy', '%REQ(x-a)%'), add('x-a', 'new', 'ADD_IF_ABSENT')],
        request_headers_to_remove: ['x-a'],
      },
    ),
    { match: { path: '/direct' }, direct_response: { status: 200 }, ...directMutations() },
    { match: { path: '/go' }, redirect: { path_redirect: '/new' }, ...directMutations() },
  ];
  const host = virtualHost(['*'], routes, level('host'));
  const table = { virtual_hosts: [host], ...level('table'), most_specific_header_mutations_wins };
  return httpListener(name, table);
}

function directMutations(): Message {
  const { response_headers_to_add } = level('route');
  return { response_headers_to_add };
}

function redirecting(): Message {
  const go = (path: string, redirect: Message): Message => ({ match: { path }, redirect });
  const regex = { pattern: { regex: '/regex/(.*)' }, substitution: '/to/\\1' };
  const routes = [
    go('/https', { https_redirect: true }),
    go('/scheme', { scheme_redirect: 'ftp' }),
    go('/host', { host_redirect: 'new.test' }),
    go('/host-port', { host_redirect: 'new.test:99', port_redirect: 81 }),
    go('/port', { port_redirect: 81 }),
    go('/https-port', { https_redirect: true, port_redirect: 8443 }),
    go('/path', { path_redirect: '/new' }),
    go('/path-query', { path_redirect: '/new?own', strip_query: true }),
    go('/path-strip', { path_redirect: '/new', strip_query: true }),
    go('/strip', { strip_query: true }),
    go('/bare', { path_redirect: 'bare' }),
    go('/302', { response_code: 'FOUND' }),
    go('/303', { response_code: 'SEE_OTHER' }),
    go('/307', { response_code: 'TEMPORARY_REDIRECT' }),
    go('/308', { response_code: 'PERMANENT_REDIRECT' }),
    { match: { prefix: '/pre' }, redirect: { prefix_rewrite: '/new' } },
    { match: { path: '/whole' }, redirect: { prefix_rewrite: '/new', strip_query: true } },
    { match: { prefix: '/regex/' }, redirect: { regex_rewrite: regex } },
    { match: { prefix: '/format/path' }, redirect: { path_rewrite: '/new/%REQ(x-a)%' } },
    { match: { prefix: '/format/query' }, redirect: { path_rewrite: '/new?own=%REQ(x-a)%' } },
    { match: { prefix: '/format/bare' }, redirect: { path_rewrite: '%REQ(x-a)%' } },
    {
      match: { prefix: '/format/strip' },
      redirect: { path_rewrite: '/new/%REQ(x-a)%', strip_query: true },
    },
    { match: { path: '/answer' }, direct_response: { status: 304 } },
  ];
  return httpListener('redirect', { virtual_hosts: [virtualHost(['*'], routes)] });
}

function tlsOnly(): Message {
  const routes = [to('a', { prefix: '/' })];
  const all = virtualHost(['all.test'], routes, { require_tls: 'ALL' });
  const external = virtualHost(['external.test'], routes, { require_tls: 'EXTERNAL_ONLY' });
  const cidr_ranges = [{ address_prefix: '10.0.0.0', prefix_len: 8 }];
  const manager = { internal_address_config: { cidr_ranges } };
  const plain = virtualHost(['plain.test'], routes);
  return httpListener('tls', { virtual_hosts: [all, external, plain] }, { manager });
}

/** The draw is the request's own, so that both proxies draw the same. */
function weighted(): Message {
  const clusters = [
    { name: 'a', weight: 1, ...level('entry') },
    { name: 'b', weight: 0 },
    { cluster_header: 'x-cluster', weight: 2 },
    { name: 'c', weight: 1, host_rewrite_literal: 'entry.test' },
  ];
  const route = { weighted_clusters: { header_name: 'x-draw', clusters } };
  const routes = [{ match: { prefix: '/' }, route, ...level('route') }];
  return httpListener('weighted', { virtual_hosts: [virtualHost(['*'], routes)] });
}
