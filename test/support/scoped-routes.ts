// Scoped route tables for tests: one table a key, each with one route for all.
import type { RouteTableConfig } from '../../proxy/model/route.ts';
import type { ScopedRoutesConfig } from '../../proxy/model/scoped-routes.ts';
import type { RouteTable } from '../../proxy/routing/route-table.ts';
import { buildScopedRouteTable } from '../../proxy/routing/scoped-route-table.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { routeTableConfig, routeTo } from './route-fixtures.ts';

/** Scopes are named by the fragments of their keys, with slashes between, or `empty`. */
export function scopedTable(
  fragments: ScopedRoutesConfig['fragments'],
  keys: readonly (readonly string[])[],
): RouteTable {
  const table: RouteTableConfig = routeTableConfig({
    virtual_hosts: [{ name: 'v', domains: ['*'], routes: [routeTo('r', { prefix: '/' })] }],
  });
  const scopes = keys.map((key) => ({ name: key.join('/') || 'empty', key, table }));
  const options = { stats: new StatsStore(null), planner: null };
  return buildScopedRouteTable({ name: 'scoped', fragments, scopes }, options);
}
