// HttpConnectionManager.rds: a route table that a server or a file tells.
import { create } from '@bufbuild/protobuf';
import { RouteConfigurationSchema } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import type { Rds } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { type DiscoveredRef, routeRef } from '../../model/config-source.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { RouteTableConfig } from '../../model/route.ts';
import { compileConfigSource, refuseFederatedName } from './config-source.ts';
import { compileRouteTable } from './route-table.ts';

const ROUTES_URL = `type.googleapis.com/${RouteConfigurationSchema.typeName}`;

/**
 * The reference, and the table that serves until it is there: it has no routes. null: refused.
 * `statPrefix`: the connection manager's.
 */
export function compileRds(
  { configSource, routeConfigName: name }: Rds,
  statPrefix: string,
  context: CompileContext,
): { readonly routeTable: RouteTableConfig; readonly rds: DiscoveredRef } | null {
  refuseFederatedName(name, 'route_config_name', context);
  if (configSource === undefined) {
    context.reject('config_source', 'value is required');
    return null;
  }
  const source = compileConfigSource(configSource, ROUTES_URL, context.at('config_source'));
  const empty = create(RouteConfigurationSchema, { name });
  const routeTable = compileRouteTable(empty, context);
  if (source === null || routeTable === null) return null;
  const statsScope = `http.${statPrefix}.rds.${name}`;
  return { routeTable, rds: { ...routeRef(name, source), statsScope } };
}
