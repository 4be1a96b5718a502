// A route table, and the filters of streams, as long as streams use them: what they took of the
// worker's services goes back when they are replaced and the last stream is over.

import type { FilterDefinition, ToldFilter } from '../../../model/extension.ts';
import type { RouteTableConfig } from '../../../model/route.ts';
import type { ScopedRoutesConfig } from '../../../model/scoped-routes.ts';
import { buildRouteTable } from '../../../routing/build-route-table.ts';
import type { RouteTable } from '../../../routing/route-table.ts';
import { buildScopedRouteTable } from '../../../routing/scoped-route-table.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { HttpFilterPlan, HttpFilterPlanner, TablePlanner } from '../../http-filter-plan.ts';
import { Lease } from '../../lease.ts';
import type { WorkerServices } from '../../network-filter.ts';
import { ServicesLoan } from '../../services-loan.ts';
import type { FilterVersions } from '../../told-http-filters.ts';

/** A table that was built. */
export interface BuiltTable {
  readonly table: RouteTable;
  readonly planners: readonly TablePlanner[];
  /** What it took; empty: it lives as long as its listener, which gives everything back. */
  readonly leases: readonly Lease[];
}

/** A table with the filters of its streams: what a stream looks at from its beginning to its end. */
export class RoutesInUse {
  table: RouteTable;
  /** For streams whose route has none of its own. */
  readonly filterPlan: HttpFilterPlan;
  readonly #versions: FilterVersions;
  /** Of plans with filters that are told what to do; null: there are none. */
  readonly #bound: Map<HttpFilterPlan, HttpFilterPlan> | null;
  /** Streams that look routes up here. */
  #streams = 0;
  #isRetired = false;
  readonly #leases: readonly Lease[];

  constructor(built: BuiltTable, plan: HttpFilterPlan, versions: FilterVersions) {
    this.table = built.table;
    this.#versions = versions;
    this.#bound = plan.bind === null ? null : new Map();
    this.filterPlan = this.planFor(plan);
    const told = versions.filter((version) => version !== null);
    this.#leases = [...built.leases, ...told.map(({ lease }) => lease)];
    for (const lease of this.#leases) lease.hold();
    // What is counted by all workers is bound before the first request, as where it is written.
    if (told.some(({ filter }) => isMadeEarly(filter))) this.#bindAll(built.planners);
  }

  /** What the filters of a stream are made of: those of its route, null for the chain's. */
  planFor(plan: HttpFilterPlan | null): HttpFilterPlan {
    if (plan === null) return this.filterPlan;
    return plan.bind === null ? plan : this.#bind(plan);
  }

  /** A stream begins. */
  acquire(): this {
    this.#streams += 1;
    return this;
  }

  /** That stream is over. */
  release(): void {
    this.#streams -= 1;
    if (this.#isRetired && this.#streams === 0) this.#letGo();
  }

  /** Another version serves new streams. */
  retire(): void {
    this.#isRetired = true;
    if (this.#streams === 0) this.#letGo();
  }

  #letGo(): void {
    for (const lease of this.#leases) lease.letGo();
  }

  #bind(plan: HttpFilterPlan): HttpFilterPlan {
    const known = this.#bound?.get(plan);
    if (known !== undefined) return known;
    const bound = plan.bind?.(this.#versions) ?? plan;
    this.#bound?.set(plan, bound);
    return bound;
  }

  #bindAll(planners: readonly TablePlanner[]): void {
    for (const { open } of planners) for (const plan of open) this.#bind(plan);
  }
}

function isMadeEarly(filter: ToldFilter | null): boolean {
  return (filter?.definition as FilterDefinition | undefined)?.isMadeEarly === true;
}

/** What a table is built with. */
export interface TableParts {
  readonly planner: HttpFilterPlanner;
  readonly services: WorkerServices;
  filterServices(services: WorkerServices): HttpFilterServices;
}

/** A table that stands in the configuration. */
export function writtenTable(config: RouteTableConfig, parts: TableParts): BuiltTable {
  const planner = parts.planner.forTable(null);
  const { stats, files } = parts.services;
  const table = buildRouteTable(config, { stats, files, planner });
  return { table, planners: [planner], leases: [] };
}

/** A table that may be replaced by itself. */
export function lentTable(config: RouteTableConfig, parts: TableParts): BuiltTable {
  const loan = new ServicesLoan(parts.services);
  const { stats, files } = loan.services;
  const planner = parts.planner.forTable(parts.filterServices(loan.services));
  const table = buildRouteTable(config, { stats, files, planner });
  return { table, planners: [planner], leases: [new Lease(loan)] };
}

/** Tables by scope that stand in the configuration. */
export function writtenScopes(config: ScopedRoutesConfig, parts: TableParts): BuiltTable {
  const planner = parts.planner.forTable(null);
  const { stats, files } = parts.services;
  const table = buildScopedRouteTable(config, { stats, files, planner });
  return { table, planners: [planner], leases: [] };
}
