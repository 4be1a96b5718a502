// Route tables that were compiled ahead of the listener that holds them: in steps, where compiling
// all of it at once would hold up a loop that serves.
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Filter } from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { RouteConfiguration } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type ScopedRouteConfigurationsList,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import type { CompileContext, CompileEnvironment } from '../../model/extension.ts';
import type { RouteTableConfig } from '../../model/route.ts';
import { ProblemSink } from '../schema/compile-context.ts';
import { openAny, typeIn } from '../schema/open-any.ts';
import { typedConfigOf } from './extension-lookup.ts';
import { compileRouteTableInSteps } from './route-table.ts';

/** A table with what was said about it; paths are those of the table. */
interface PreparedTable {
  readonly table: RouteTableConfig | null;
  readonly sink: ProblemSink;
}

/** By the message, which is decoded once (`openAny`) and so is the same object then. */
const prepared = new WeakMap<RouteConfiguration, PreparedTable>();

/** Compiles the tables that stand in a listener, in steps of a few dozen routes. */
export function* prepareRouteTables(
  listener: Listener,
  environment: CompileEnvironment,
): Generator<void, void> {
  for (const { filter, path } of filtersOf(listener)) {
    const message = routesIn(typedConfigOf(filter.configType));
    if (message === null) continue;
    yield;
    const place = `listener/${listener.name}.${path}.typed_config.route_config`;
    const sink = new ProblemSink(environment, place);
    const table = yield* compileRouteTableInSteps(message, sink.context(), 'static');
    prepared.set(message, { table, sink });
  }
}

/** The route tables that stand in a listener. */
export function inlineRoutes(listener: Listener): readonly RouteConfiguration[] {
  return filtersOf(listener).flatMap(({ filter }) => {
    const routes = routesIn(typedConfigOf(filter.configType));
    return routes === null ? [] : [routes];
  });
}

/** The scopes that stand in a listener, by the name of their scoped_routes. */
export function inlineScopes(
  listener: Listener,
): readonly { readonly name: string; readonly list: ScopedRouteConfigurationsList }[] {
  return filtersOf(listener).flatMap(({ filter }) => {
    const specifier = managerIn(typedConfigOf(filter.configType))?.routeSpecifier;
    if (specifier?.case !== 'scopedRoutes') return [];
    const { name, configSpecifier } = specifier.value;
    if (configSpecifier.case !== 'scopedRouteConfigurationsList') return [];
    return [{ name, list: configSpecifier.value }];
  });
}

/** The network filters of every chain, with their paths. */
function filtersOf(listener: Listener): readonly { filter: Filter; path: string }[] {
  const chains = listener.filterChains.map((chain, index) => ({
    chain,
    path: `filter_chains[${index}]`,
  }));
  const last = { chain: listener.defaultFilterChain, path: 'default_filter_chain' };
  return [...chains, last].flatMap(({ chain, path }) =>
    (chain?.filters ?? []).map((filter, index) => ({ filter, path: `${path}.filters[${index}]` })),
  );
}

/** The table compiled ahead; undefined: there is none, or it was made for other surroundings. */
export function takePrepared(
  message: RouteConfiguration,
  context: CompileContext,
): RouteTableConfig | null | undefined {
  const found = prepared.get(message);
  if (found === undefined || found.sink.environment !== context.environment) return undefined;
  for (const { path, reason } of found.sink.rejections) context.reject(path, reason);
  for (const { path, reason } of found.sink.warnings) context.warn(path, reason);
  return found.table;
}

function routesIn(any: Any | undefined): RouteConfiguration | null {
  const routes = managerIn(any)?.routeSpecifier;
  return routes?.case === 'routeConfig' ? routes.value : null;
}

function managerIn(any: Any | undefined): HttpConnectionManager | null {
  if (any === undefined || typeIn(any) !== HttpConnectionManagerSchema.typeName) {
    return null;
  }
  return (openAny(any, apiRegistry)?.message as HttpConnectionManager | undefined) ?? null;
}
