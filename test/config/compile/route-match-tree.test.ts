import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileRouteTable } from '../../../proxy/config/compile/route-table.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';
import {
  byHeader,
  headerInput,
  listOf,
  matchedFirst,
  routeAction,
  treeTable,
} from '../../support/match-trees.ts';
import { type Json, matchInput, requestHead, routeTo } from '../../support/route-fixtures.ts';

const TYPE = 'type.googleapis.com/';

function rejections(matcher: Json, more: Json = {}): readonly string[] {
  const host = { name: 'v', domains: ['*'], matcher, ...more };
  const json = { name: 'r', virtual_hosts: [host] };
  const source = { schema: RouteConfigurationSchema, json };
  const compiled = compileJson(source, (message, context) => compileRouteTable(message, context));
  return problemLines(compiled.rejections);
}

t.test('an exact map decides by the whole value, and by nothing else', async (t) => {
  const table = treeTable({
    matcher_tree: {
      input: headerInput('X-A'),
      exact_match_map: { map: { one: routeAction('one'), '': routeAction('empty') } },
    },
    on_no_match: routeAction('other'),
  });
  t.equal(matchedFirst(table, 'x-a', 'one'), 'one');
  t.equal(matchedFirst(table, 'x-a', ''), 'empty');
  t.equal(matchedFirst(table, 'x-a', 'ones'), 'other');
  t.equal(matchedFirst(table, 'x-a', 'one', 'x-a', 'two'), 'other', 'lines are joined');
  t.equal(matchedFirst(table), 'other');
});

t.test('a prefix map takes the longest prefix whose subtree decides', async (t) => {
  const below = { matcher: listOf([byHeader('x-b', { exact: 'b' }), routeAction('below')]) };
  const map = { '/a': routeAction('a'), '/a/b': below, '/a/b/c': routeAction('c') };
  const table = treeTable({
    matcher_tree: { input: headerInput(':path'), prefix_match_map: { map } },
  });
  const at = (path: string, ...headers: readonly string[]) => {
    const lookup = table.match(requestHead({ path, headers }), matchInput());
    return lookup.kind === 'route' ? lookup.route.config.name : lookup.kind;
  };
  t.equal(at('/a/x'), 'a');
  t.equal(at('/a/b/x', 'x-b', 'b'), 'below');
  t.equal(at('/a/b/x'), 'a', 'a subtree without a decision is no match');
  t.equal(at('/a/b/c/d'), 'c');
  t.equal(at('/b'), 'none');
});

t.test('a list takes the first entry whose predicate holds and decides', async (t) => {
  const a = byHeader('x-a', { prefix: 'A', ignore_case: true });
  const b = byHeader('x-b', { safe_regex: { regex: 'b+' } });
  const table = treeTable({
    ...listOf(
      [{ and_matcher: { predicate: [a, b] } }, routeAction('both')],
      [a, { matcher: listOf([byHeader('x-c', { exact: 'c' }), routeAction('c')]) }],
      [{ or_matcher: { predicate: [a, b] } }, routeAction('one')],
      [{ not_matcher: byHeader('x-d', { contains: 'd' }) }, routeAction('not')],
    ),
  });
  t.equal(matchedFirst(table, 'x-a', 'a', 'x-b', 'bb'), 'both');
  t.equal(matchedFirst(table, 'x-a', 'a', 'x-c', 'c'), 'c');
  t.equal(matchedFirst(table, 'x-a', 'a'), 'one');
  t.equal(matchedFirst(table, 'x-b', 'b'), 'one');
  t.equal(matchedFirst(table), 'not');
  t.equal(matchedFirst(table, 'x-d', 'd'), 'none');
});

t.test(
  'what a tree decides on must match itself; a list of routes is tried in order',
  async (t) => {
    const routes = [
      routeTo('get', { prefix: '/', headers: [{ name: ':method', exact_match: 'GET' }] }),
      routeTo('x', { prefix: '/x' }),
    ];
    const list = {
      action: {
        name: 'list',
        typed_config: { '@type': `${TYPE}envoy.config.route.v3.RouteList`, routes },
      },
    };
    const table = treeTable({ on_no_match: list });
    const trace = (method: string, path: string) =>
      table.trace(requestHead({ method, path }), matchInput());
    t.match(trace('GET', '/y').tried, [{ index: -1, mismatch: null, route: { name: 'get' } }]);
    t.match(trace('POST', '/y'), {
      lookup: { kind: 'none' },
      tried: [
        { mismatch: "header ':method': 'POST' is not exactly 'GET'" },
        { mismatch: "path '/y' does not begin with the prefix '/x'" },
      ],
    });
    t.same(treeTable({}).trace(requestHead(), matchInput()).tried, [], 'an empty matcher');
  },
);

t.test('reads filter state', async (t) => {
  const input = {
    name: 'i',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.matching.common_inputs.network.v3.FilterStateInput`,
      key: 'k',
    },
  };
  const table = treeTable({
    matcher_tree: { input, exact_match_map: { map: { v: routeAction('v') } } },
  });
  const facts = matchInput();
  t.equal(table.match(requestHead(), facts).kind, 'none');
  facts.info.filterState = new Map([['k', 'v']]);
  t.equal(table.match(requestHead(), facts).kind, 'route');
});

t.test('refuses what Envoy refuses', async (t) => {
  const header = byHeader('x', { exact: 'x' });
  const query = {
    name: 'q',
    typed_config: {
      '@type': `${TYPE}envoy.type.matcher.v3.HttpRequestQueryParamMatchInput`,
      query_param: 'q',
    },
  };
  const at = 'virtual_hosts[0].matcher';
  t.match(
    rejections(listOf([header, routeAction('a')]), { routes: [routeTo('a', { prefix: '/' })] }),
    [
      `${at}: cannot set both matcher and routes on virtual host: move the routes into the matcher as its actions`,
    ],
  );
  t.match(
    rejections({
      matcher_tree: { input: query, exact_match_map: { map: { x: routeAction('a') } } },
    })[0],
    'Route table can only match on request headers, saw type.googleapis.com/envoy.type.matcher.v3.HttpRequestQueryParamMatchInput',
  );
  t.match(rejections(listOf([header, { ...routeAction('a'), keep_matching: true }])), [
    /keep_matching: keep_matching is not supported in this context$/,
  ]);
  const wrong = {
    action: {
      name: 'x',
      typed_config: { '@type': `${TYPE}envoy.config.route.v3.NonForwardingAction` },
    },
  };
  t.match(rejections(listOf([header, wrong])), [/on_match.action.typed_config: Didn't find/]);
  t.match(rejections(listOf([header, {}])), [/on_match is required/]);
  t.match(rejections(listOf([{}, routeAction('a')])), [/match_type is required/]);
  t.match(rejections({ matcher_tree: { input: query } }).join(' '), 'tree_type is required');
  t.match(
    rejections(listOf([{ single_predicate: { input: headerInput('x') } }, routeAction('a')])),
    [/matcher is required: use value_match or custom_match$/],
  );
  t.match(rejections(listOf([{ not_matcher: {} }, routeAction('a')])), [/match_type is required/]);
  const bare = { single_predicate: { input: { name: 'x' }, value_match: { exact: 'x' } } };
  t.match(rejections(listOf([bare, routeAction('a')])), [/registered implementation for 'x'/]);
});
