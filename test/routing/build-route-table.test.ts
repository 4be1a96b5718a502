import t from 'tap';
import type { RouteTableConfig } from '../../proxy/model/route.ts';
import { buildRouteTable } from '../../proxy/routing/build-route-table.ts';
import type { FilterPlanner, RouteTable } from '../../proxy/routing/route-table.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import {
  type Json,
  matchedName,
  matchedRoute,
  matchInput,
  requestHead,
  routeTable,
  routeTo,
  tableOf,
} from '../support/route-fixtures.ts';

function tlsTable(requireTls: string): RouteTable {
  const host: Json = {
    ...{ name: 'v', domains: ['*'], require_tls: requireTls },
    routes: [routeTo('a', { prefix: '/' })],
  };
  return routeTable({ virtual_hosts: [host] });
}

t.test('the first route that matches wins, and none means none', async (t) => {
  const table = tableOf(
    routeTo('v1', { prefix: '/v1/' }),
    routeTo('regex', { safe_regex: { regex: '/info\\?v1|/r.+' } }),
    routeTo('rui', { prefix: '/', headers: [{ name: 'User', string_match: { exact: 'rui' } }] }),
    routeTo('exact', { path: '/hello' }),
    routeTo('api', { path_separated_prefix: '/api', case_sensitive: true }),
    routeTo('loose', { path: '/Loose', case_sensitive: false }),
  );
  t.equal(table.name, 'r');
  t.equal(matchedName(table, requestHead({ path: '/v1/x' })), 'v1');
  t.equal(matchedName(table, requestHead({ path: '/rx?y' })), 'regex');
  t.equal(matchedName(table, requestHead({ path: '/info?v1' })), 'none');
  t.equal(matchedName(table, requestHead({ path: '/x', headers: ['user', 'rui'] })), 'rui');
  t.equal(matchedName(table, requestHead({ path: '/x', headers: ['user', 'other'] })), 'none');
  t.equal(matchedName(table, requestHead({ path: '/hello?x=1' })), 'exact');
  t.equal(matchedName(table, requestHead({ path: '/hello/' })), 'none');
  t.equal(matchedName(table, requestHead({ path: '/api/x' })), 'api');
  t.equal(matchedName(table, requestHead({ path: '/apix' })), 'none');
  t.equal(matchedName(table, requestHead({ path: '/LOOSE' })), 'loose');
});

t.test('gives the same lookup to every request of a route', async (t) => {
  const table = tableOf(routeTo('a', { prefix: '/' }));
  const first = table.match(requestHead(), matchInput(1));
  t.equal(table.match(requestHead({ path: '/other' }), matchInput(2)), first);
  t.match(matchedRoute(table, requestHead()).virtualHost, { name: 'v' });
});

t.test('chooses the virtual host by authority, with its port unless told otherwise', async (t) => {
  const hosts = ['g.test', 'h.test:81', '[::1]', 'i.test:82'].map((domain) => ({
    name: domain,
    domains: [domain],
    routes: [routeTo(domain, { prefix: '/' })],
  }));
  const strict = routeTable({ virtual_hosts: hosts });
  const lenient = routeTable({ virtual_hosts: hosts, ignore_port_in_host_matching: true });
  const cases: readonly (readonly [authority: string, strict: string, lenient: string])[] = [
    ['g.test', 'g.test', 'g.test'],
    ['G.TEST', 'g.test', 'g.test'],
    ['g.test:80', 'none', 'g.test'],
    ['g.test:x', 'none', 'g.test'],
    ['h.test:81', 'h.test:81', 'none'],
    ['h.test', 'none', 'none'],
    ['[::1]', '[::1]', '[::1]'],
    ['[::1]:80', 'none', '[::1]'],
    ['', 'none', 'none'],
  ];
  for (const [authority, withPort, withoutPort] of cases) {
    const head = requestHead({ authority });
    t.equal(matchedName(strict, head), withPort, authority);
    t.equal(matchedName(lenient, head), withoutPort, authority);
  }
});

t.test('asks for https before any route is looked at', async (t) => {
  const proto = 'x-forwarded-proto';
  const plain = requestHead({ headers: [proto, 'http'] });
  const tls = requestHead({ headers: [proto, 'https'] });
  const internal = requestHead({ headers: [proto, 'http', 'x-envoy-internal', 'true'] });
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['NONE', 'a', 'a', 'a'],
    ['ALL', 'tls-required', 'a', 'tls-required'],
    ['EXTERNAL_ONLY', 'tls-required', 'a', 'a'],
  ];
  for (const [requireTls, ofPlain, ofTls, ofInternal] of cases) {
    const table = tlsTable(requireTls);
    t.equal(matchedName(table, plain), ofPlain, requireTls);
    t.equal(matchedName(table, tls), ofTls, requireTls);
    t.equal(matchedName(table, internal), ofInternal, requireTls);
  }
});

t.test('finds no route, not even one to https, for an empty x-forwarded-proto', async (t) => {
  for (const requireTls of ['NONE', 'ALL', 'EXTERNAL_ONLY']) {
    const head = requestHead({ headers: ['x-forwarded-proto', ''] });
    t.equal(matchedName(tlsTable(requireTls), head), 'none', requireTls);
  }
});

t.test(
  'compares the stream’s random number with the fraction, the same for all routes',
  async (t) => {
    const runtime_fraction = { default_value: { numerator: 10, denominator: 'HUNDRED' } };
    const table = tableOf(
      routeTo('some', { prefix: '/', runtime_fraction }),
      routeTo('same', { prefix: '/', runtime_fraction }),
      routeTo('rest', { prefix: '/' }),
    );
    const matched = new Map<string, number>();
    for (let index = 0; index < 1000; index += 1) {
      const name = matchedName(table, requestHead(), index * 1000);
      matched.set(name, (matched.get(name) ?? 0) + 1);
    }
    t.same(
      [...matched],
      [
        ['some', 100],
        ['rest', 900],
      ],
    );
  },
);

t.test('takes gRPC by its content type', async (t) => {
  const table = tableOf(routeTo('grpc', { prefix: '/', grpc: {} }));
  const types: readonly (readonly [type: string, wanted: string])[] = [
    ['application/grpc', 'grpc'],
    ['application/grpc+proto', 'grpc'],
    ['application/grpc-web', 'none'],
    ['application/json', 'none'],
  ];
  for (const [type, wanted] of types) {
    t.equal(matchedName(table, requestHead({ headers: ['content-type', type] })), wanted, type);
  }
  t.equal(matchedName(table, requestHead()), 'none');
});

t.test('needs every condition of a route', async (t) => {
  const table = tableOf(
    routeTo('all', {
      prefix: '/',
      headers: [
        { name: 'a', present_match: true },
        { name: ':method', exact_match: 'POST' },
      ],
      query_parameters: [{ name: 'q', string_match: { exact: '1' } }, { name: 'p' }],
    }),
  );
  const good = { method: 'POST', path: '/?q=1&p', headers: ['a', ''] };
  t.equal(matchedName(table, requestHead(good)), 'all');
  t.equal(matchedName(table, requestHead({ ...good, method: 'GET' })), 'none');
  t.equal(matchedName(table, requestHead({ ...good, path: '/?q=1' })), 'none');
  t.equal(matchedName(table, requestHead({ ...good, path: '/?q=2&p' })), 'none');
  t.equal(matchedName(table, requestHead({ ...good, headers: [] })), 'none');
});

t.test('answers for a weighted route with the drawn entry in its place', async (t) => {
  const clusters = [
    { name: 'a', weight: 1 },
    { name: 'none', weight: 0 },
    { cluster_header: 'X-C', weight: 3 },
  ];
  const table = tableOf({ match: { prefix: '/' }, route: { weighted_clusters: { clusters } } });
  const drawn = [0, 1, 2, 3, 4, 4294967295].map((streamRandom) => {
    const { action } = matchedRoute(table, requestHead(), streamRandom).config;
    return action.kind === 'forward' ? action.cluster : null;
  });
  const named = { kind: 'cluster', name: 'a' };
  const byHeader = { kind: 'header', name: 'x-c' };
  t.same(drawn, [named, byHeader, byHeader, byHeader, named, byHeader]);
});

t.test('a filter plan is made of what the levels say, the most specific first', async (t) => {
  const none = { request: null, response: null };
  const says = (name: string) =>
    new Map([[name, { definition: null, config: null, disabled: true }]]);
  const entry = { name: 'a', weight: 1, perFilterConfig: says('entry') };
  const cluster = { kind: 'weighted', totalWeight: 2, clusters: [entry, { name: 'b', weight: 1 }] };
  const action = {
    ...{ kind: 'forward', cluster, prefixRewrite: '', regexRewrite: null },
    ...{ hashPolicies: [], mirrors: [] },
  };
  const path = { kind: 'prefix', text: '/own' };
  const match = {
    ...{ path, caseSensitive: true, headers: [], queryParameters: [] },
    ...{ runtimeFractionPpm: null, grpcOnly: false, tlsContext: null },
    ...{ cookies: [], dynamicMetadata: [], filterState: [] },
  };
  const route = {
    ...{ name: 'a', statPrefix: '', match, mutations: none, perFilterConfig: says('route') },
    action: { ...action, hostRewriteLiteral: '' },
  };
  const plain = {
    ...{ ...route, perFilterConfig: new Map() },
    action: { ...route.action, cluster: { kind: 'cluster', name: 'a' } },
    match: { ...match, path: { kind: 'prefix', text: '/' } },
  };
  const host = {
    name: 'v',
    domains: ['*'],
    requireTls: 'none',
    mutations: none,
    matcher: null,
    mirrors: [],
  };
  const config = {
    ...{ name: 'r', mutations: none, perFilterConfig: says('table'), vhostHeader: '', mirrors: [] },
    virtualHosts: [
      { ...host, virtualClusters: [], routes: [route, plain, plain], perFilterConfig: new Map() },
    ],
  } as unknown as RouteTableConfig;
  const planner: FilterPlanner = { plan: (levels) => levels.flatMap((level) => [...level.keys()]) };
  const table = buildRouteTable(config, { stats: new StatsStore(null), planner });
  const planOf = (at: string, streamRandom: number) =>
    matchedRoute(table, requestHead({ path: at }), streamRandom).filterPlan;
  t.same(planOf('/own', 0), ['entry', 'route', 'table']);
  t.same(planOf('/own', 1), ['route', 'table']);
  t.same(planOf('/', 0), ['table']);
  t.equal(planOf('/', 0), planOf('/x', 0));
});

t.test('vhost_header names the virtual host instead of the authority', async (t) => {
  const host = (name: string, domain: string): Json => ({
    ...{ name, domains: [domain], routes: [routeTo(name, { prefix: '/' })] },
  });
  const named = { vhost_header: 'X-V', virtual_hosts: [host('a', 'a'), host('any', '*')] };
  const cases: readonly (readonly [headers: readonly string[], wanted: string])[] = [
    [[], 'none'],
    [['x-v', 'A'], 'a'],
    [['x-v', ''], 'any'],
    [['x-v', 'a:80'], 'any'],
    [['x-v', 'q', 'x-v', 'a'], 'any'],
  ];
  for (const [headers, wanted] of cases) {
    const head = requestHead({ authority: 'a', headers });
    t.equal(matchedName(routeTable(named), head), wanted, headers.join(' '));
  }
  const portless = routeTable({ ...named, ignore_port_in_host_matching: true });
  t.equal(matchedName(portless, requestHead({ headers: ['x-v', 'a:80'] })), 'a');
  const only = routeTable({ vhost_header: 'x-v', virtual_hosts: [host('any', '*')] });
  t.equal(matchedName(only, requestHead()), 'any');
  t.match(only.trace(requestHead(), matchInput()), { host: '', domain: '*' });
  t.match(routeTable(named).trace(requestHead(), matchInput()), { virtualHost: null, tried: [] });
});

t.test('a trace names the domain that matched, and every route that was tried', async (t) => {
  const routes = [routeTo('a', { prefix: '/a' }), routeTo('b', { prefix: '/b' })];
  const table = routeTable({
    virtual_hosts: [{ name: 'v', domains: ['v.test', '*.V.test', 'v.*'], routes }],
  });
  const of = (authority: string, path: string) =>
    table.trace(requestHead({ authority, path }), matchInput());
  t.match(of('x.v.test', '/b'), {
    ...{ host: 'x.v.test', domain: '*.v.test', virtualHost: { name: 'v' } },
    tried: [
      { index: 0, route: { name: 'a' }, mismatch: "path '/b' does not begin with the prefix '/a'" },
      { index: 1, route: { name: 'b' }, mismatch: null },
    ],
    lookup: { kind: 'route' },
  });
  t.match(of('v.other', '/c'), { domain: 'v.*', lookup: { kind: 'none' } });
  t.equal(of('v.other', '/c').tried.length, 2);
  t.equal(of('v.test', '/a/b').tried.length, 1);
});
