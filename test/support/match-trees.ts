// Matcher trees of virtual hosts as JSON, for tests.
import type { RouteTable } from '../../proxy/routing/route-table.ts';
import { type Json, matchInput, requestHead, routeTable, routeTo } from './route-fixtures.ts';

const TYPE = 'type.googleapis.com/';

/** An input that reads a header. */
export function headerInput(header_name: string): Json {
  const type = `${TYPE}envoy.type.matcher.v3.HttpRequestHeaderMatchInput`;
  return { name: 'header', typed_config: { '@type': type, header_name } };
}

/** A predicate on one header. */
export function byHeader(name: string, value_match: Json): Json {
  return { single_predicate: { input: headerInput(name), value_match } };
}

/** An OnMatch whose action is a route to the cluster `name` for all paths. */
export function routeAction(name: string): Json {
  const type = `${TYPE}envoy.config.route.v3.Route`;
  return {
    action: { name, typed_config: { '@type': type, ...routeTo(name, { prefix: '/' }) } },
  };
}

/** A matcher list of predicates with what they lead to. */
export function listOf(...entries: readonly (readonly [predicate: Json, onMatch: Json])[]): Json {
  const matchers = entries.map(([predicate, on_match]) => ({ predicate, on_match }));
  return { matcher_list: { matchers } };
}

/** A table with one virtual host that has this matcher. */
export function treeTable(matcher: Json): RouteTable {
  return routeTable({ virtual_hosts: [{ name: 'v', domains: ['*'], matcher }] });
}

/** Name of the route for a request with these names and values in turn, or `none`. */
export function matchedFirst(table: RouteTable, ...headers: readonly string[]): string {
  const lookup = table.match(requestHead({ headers }), matchInput());
  return lookup.kind === 'route' ? lookup.route.config.name : lookup.kind;
}
