// A route table, and the filters of streams without a route, as long as streams use them: what they
// took of the worker's services goes back when they are replaced and the last stream is over.

import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';
import type { RouteTableConfig } from '../../../model/route.ts';
import { buildRouteTable } from '../../../routing/build-route-table.ts';
import type { RouteTable } from '../../../routing/route-table.ts';
import { buildScopedRouteTable } from '../../../routing/scoped-route-table.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { HttpFilterPlan, HttpFilterPlanner } from '../../http-filter-plan.ts';
import type { WorkerServices } from '../../network-filter.ts';
import { ServicesLoan } from '../../services-loan.ts';

/** One version. */
export class RoutesInUse {
  table: RouteTable;
  /** For streams whose route has none of its own. */
  readonly filterPlan: HttpFilterPlan;
  /** Streams that look routes up here. */
  #streams = 0;
  #isRetired = false;
  /** null: it lives as long as its listener, which gives everything back. */
  readonly #loan: ServicesLoan | null;

  constructor(table: RouteTable, filterPlan: HttpFilterPlan, loan: ServicesLoan | null) {
    this.table = table;
    this.filterPlan = filterPlan;
    this.#loan = loan;
  }

  /** A stream begins. */
  acquire(): this {
    this.#streams += 1;
    return this;
  }

  /** That stream is over. */
  release(): void {
    this.#streams -= 1;
    if (this.#isRetired && this.#streams === 0) this.#loan?.giveBack();
  }

  /** Another version serves new streams. */
  retire(): void {
    this.#isRetired = true;
    if (this.#streams === 0) this.#loan?.giveBack();
  }
}

/** What a version is made with. */
export interface RoutesParts {
  readonly config: HttpConnectionManagerConfig;
  readonly planner: HttpFilterPlanner;
  readonly services: WorkerServices;
  readonly filterServices: HttpFilterServices;
}

/** The table that stands in the configuration. */
export function writtenRoutes({ config, planner, services }: RoutesParts): RoutesInUse {
  const { routeTable, scopedRoutes = null } = config;
  const { stats, files } = services;
  const options = { stats, planner, files };
  const table =
    scopedRoutes === null
      ? buildRouteTable(routeTable, options)
      : buildScopedRouteTable(scopedRoutes, options);
  return new RoutesInUse(table, planner.defaultPlan, null);
}

/** A table that was discovered. */
export function discoveredRoutes(
  table: RouteTableConfig,
  { planner, services, filterServices }: RoutesParts,
): RoutesInUse {
  const loan = new ServicesLoan(services);
  const { stats, files, cells } = loan.services;
  const plans = planner.withServices({ ...filterServices, cells, root: stats });
  const built = buildRouteTable(table, { stats, files, planner: plans });
  return new RoutesInUse(built, planner.defaultPlan, loan);
}
