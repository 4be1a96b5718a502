import t from 'tap';
import { finalizeRequestHead, finalizeResponseHead } from '../../proxy/routing/finalize-head.ts';
import type { RouteTable } from '../../proxy/routing/route-table.ts';
import {
  exchange,
  fieldLines,
  type Json,
  matchedRoute,
  type RequestOptions,
  requestHead,
  responseHead,
  routeTable,
  routeTo,
  tableOf,
} from '../support/route-fixtures.ts';

const KEEP = { suppressEnvoyHeaders: false };
const SUPPRESS = { suppressEnvoyHeaders: true };

/** The request as it leaves: authority, path, fields. */
function finalized(table: RouteTable, request: RequestOptions, options = KEEP): string[] {
  const head = requestHead(request);
  finalizeRequestHead(matchedRoute(table, head), head, exchange(head), options);
  return [head.authority, head.path, ...fieldLines(head.headers)];
}

/** The response's fields as they leave. */
function finalizedResponse(table: RouteTable, ...fields: readonly string[]): string[] {
  const request = requestHead();
  const response = responseHead(...fields);
  finalizeResponseHead(matchedRoute(table, request), response, exchange(request, response));
  return fieldLines(response.headers);
}

function level(name: string): Json {
  const overwrite = { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
  const set = [
    { header: { key: 'X-Last', value: name }, ...overwrite },
    { header: { key: 'X-All', value: name } },
  ];
  return {
    request_headers_to_add: set,
    request_headers_to_remove: [`x-not-${name}`],
    response_headers_to_add: set,
    response_headers_to_remove: [`x-not-${name}`],
  };
}

function threeLevels(mostSpecificWins: boolean): RouteTable {
  return routeTable({
    ...level('table'),
    most_specific_header_mutations_wins: mostSpecificWins,
    virtual_hosts: [
      {
        ...{ name: 'v', domains: ['*'], ...level('host') },
        routes: [{ ...routeTo('a', { prefix: '/' }), ...level('route') }],
      },
    ],
  });
}

function rewriteOf(action: Json, match: Json = { prefix: '/' }): RouteTable {
  return tableOf(routeTo('a', match, action));
}

t.test('a route without work changes nothing', async (t) => {
  const table = tableOf(routeTo('a', { prefix: '/' }));
  const { finalizer } = matchedRoute(table, requestHead());
  t.equal(finalizer.hasRequestWork, false);
  t.equal(finalizer.hasResponseWork, false);
  t.same(finalized(table, { path: '/x', headers: ['a', '1'] }), ['h.test', '/x', 'a: 1']);
  t.same(finalizedResponse(table, 'a', '1'), ['a: 1']);
});

t.test('the table has the last word, or the route when the most specific wins', async (t) => {
  const fields = ['x-not-route', '1', 'x-not-host', '1', 'x-not-table', '1', 'x-last', '0'];
  const cases: readonly (readonly [boolean, readonly string[]])[] = [
    [false, ['x-all: route', 'x-all: host', 'x-last: table', 'x-all: table']],
    [true, ['x-all: table', 'x-all: host', 'x-last: route', 'x-all: route']],
  ];
  for (const [mostSpecificWins, wanted] of cases) {
    const table = threeLevels(mostSpecificWins);
    t.same(finalized(table, { headers: fields }), ['h.test', '/', ...wanted]);
    t.same(finalizedResponse(table, ...fields), wanted);
  }
});

t.test('the drawn weighted entry comes first, and its host leaves no trace', async (t) => {
  const clusters = [
    { name: 'a', weight: 1, ...level('entry') },
    { name: 'b', weight: 1, host_rewrite_literal: 'entry.test' },
  ];
  const route = { weighted_clusters: { header_name: 'x-draw', clusters } };
  const table = tableOf({ match: { prefix: '/' }, route, ...level('route') });
  t.same(finalized(table, { headers: ['x-draw', '0', 'x-not-entry', '1'] }), [
    ...['h.test', '/', 'x-draw: 0', 'x-all: entry', 'x-last: route', 'x-all: route'],
  ]);
  t.same(finalized(table, { headers: ['x-draw', '1'] }), [
    ...['entry.test', '/', 'x-draw: 1', 'x-last: route', 'x-all: route'],
  ]);
  t.same(finalizedResponse(table), ['x-all: entry', 'x-last: route', 'x-all: route']);
});

t.test('rewrites of the route follow the host of the entry', async (t) => {
  const clusters = [{ name: 'a', weight: 1, host_rewrite_literal: 'entry.test' }];
  const route = { weighted_clusters: { clusters }, host_rewrite_literal: 'route.test' };
  const table = tableOf({ match: { prefix: '/' }, route });
  t.same(finalized(table, {}), ['route.test', '/', 'x-envoy-original-host: entry.test']);
});

t.test('formats see host and path as they were before the rewrites', async (t) => {
  const table = tableOf({
    ...routeTo('a', { prefix: '/a' }, { prefix_rewrite: '/b', host_rewrite_literal: 'new.test' }),
    request_headers_to_add: [{ header: { key: 'x', value: '%REQ(:AUTHORITY)%%REQ(:PATH)%' } }],
  });
  t.same(finalized(table, { path: '/a?q' }), [
    ...['new.test', '/b?q', 'x: h.test/a?q'],
    ...['x-envoy-original-host: h.test', 'x-envoy-original-path: /a?q'],
  ]);
  t.same(finalized(table, { path: '/a?q' }, SUPPRESS), ['new.test', '/b?q', 'x: h.test/a?q']);
});

t.test('replaces what matched, and all of the path when no prefix did', async (t) => {
  const to = { prefix_rewrite: '/new' };
  const loose = { prefix: '/Foo', case_sensitive: false };
  const cases: readonly (readonly [match: Json, action: Json, given: string, wanted: string])[] = [
    [{ prefix: '/foo' }, to, '/foobar?q', '/newbar?q'],
    [{ prefix: '/foo' }, { prefix_rewrite: '/' }, '/foo/x', '//x'],
    [loose, to, '/FOO/x', '/new/x'],
    [{ path_separated_prefix: '/foo' }, to, '/foo/x?q', '/new/x?q'],
    [{ path: '/foo' }, to, '/foo?q', '/new?q'],
    [{ safe_regex: { regex: '/f.*' } }, to, '/foo/x?q', '/new?q'],
  ];
  for (const [match, action, given, wanted] of cases) {
    t.equal(finalized(rewriteOf(action, match), { path: given })[1], wanted, given);
  }
});

t.test('replaces every match of a regex, and leaves a path that would vanish', async (t) => {
  const cases: readonly (readonly [pattern: string, substitution: string, wanted: string])[] = [
    ['^/(\\w+)/(\\w+)$', '/\\2/\\1', '/b/a?q=a'],
    ['[ab]', '$', '/$/$?q=a'],
    ['none', 'x', '/a/b?q=a'],
  ];
  for (const [regex, substitution, wanted] of cases) {
    const table = rewriteOf({ regex_rewrite: { pattern: { regex }, substitution } });
    const original = 'x-envoy-original-path: /a/b?q=a';
    t.same(finalized(table, { path: '/a/b?q=a' }), ['h.test', wanted, original], regex);
  }
  const vanishing = { regex_rewrite: { pattern: { regex: '.*' }, substitution: '' } };
  t.same(finalized(rewriteOf(vanishing), { path: '/a?q' }), ['h.test', '/a?q']);
});

t.test('takes the new host from a field or the path, and keeps it without one', async (t) => {
  const byField = rewriteOf({ host_rewrite_header: 'X-Host' });
  const headers = ['x-host', 'new.test'];
  const original = 'x-envoy-original-host: h.test';
  t.same(finalized(byField, { headers }), ['new.test', '/', 'x-host: new.test', original]);
  t.same(finalized(byField, {}), ['h.test', '/']);
  t.same(finalized(byField, { headers: ['x-host', ''] }), ['h.test', '/', 'x-host: ']);
  const pattern = { regex: '^/(.*)$' };
  const byPath = rewriteOf({ host_rewrite_path_regex: { pattern, substitution: '\\1' } });
  t.same(finalized(byPath, { path: '/new.test?q' }), ['new.test', '/new.test?q', original]);
  t.same(finalized(byPath, { path: '/?q' }), ['h.test', '/?q']);
});

t.test('appends the host before to x-forwarded-host, once', async (t) => {
  const table = rewriteOf({ host_rewrite_literal: 'new.test', append_x_forwarded_host: true });
  const cases: readonly (readonly [given: string | null, wanted: string])[] = [
    [null, 'h.test'],
    ['', 'h.test'],
    ['other.test', 'other.test,h.test'],
    ['other.test,h.test', 'other.test,h.test'],
    ['h.test,other.test', 'h.test,other.test,h.test'],
    ['xh.test', 'xh.test,h.test'],
  ];
  for (const [given, wanted] of cases) {
    const headers = given === null ? [] : ['x-forwarded-host', given];
    const lines = finalized(table, { headers }, SUPPRESS);
    t.same(lines, ['new.test', '/', `x-forwarded-host: ${wanted}`]);
  }
  t.same(finalized(table, { authority: '' }, SUPPRESS), ['new.test', '/']);
});

t.test('prints the path and the host that formats say, as the request still stands', async (t) => {
  const action = { path_rewrite: '/new/%REQ(x-a)%', host_rewrite: '%REQ(x-a)%.test' };
  const table = tableOf(routeTo('a', { prefix: '/' }, action));
  t.same(finalized(table, { path: '/old?q', headers: ['x-a', 'v'] }), [
    ...['v.test', '/new/v?q', 'x-a: v'],
    ...['x-envoy-original-host: h.test', 'x-envoy-original-path: /old?q'],
  ]);
  t.same(finalized(table, { path: '/old' }, SUPPRESS).slice(0, 2), ['-.test', '/new/']);
});

t.test('a formatted path that is empty stays, and never ends a request line', async (t) => {
  const table = tableOf(routeTo('a', { prefix: '/' }, { path_rewrite: '%REQ(x-a)%' }));
  t.equal(finalized(table, { path: '/old?q' })[1], '/old?q');
  const evil = ['x-a', '/ HTTP/1.1\t\xe4'];
  t.equal(finalized(table, { path: '/old?q', headers: evil })[1], '/%20HTTP/1.1%09%E4?q');
});
