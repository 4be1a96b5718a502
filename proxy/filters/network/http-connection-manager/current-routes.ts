// What new streams of a connection manager use: its route table as it is now, with its filters as they
// were told last. Streams that have begun keep theirs.
import {
  allHttpFilters,
  type HttpConnectionManagerConfig,
} from '../../../model/http-connection-manager.ts';
import type { RouteTableConfig } from '../../../model/route.ts';
import type { ScopedRoutesConfig } from '../../../model/scoped-routes.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import { HttpFilterPlanner } from '../../http-filter-plan.ts';
import { ToldHttpFilters } from '../../told-http-filters.ts';
import {
  type BuiltTable,
  lentTable,
  RoutesInUse,
  type TableParts,
  writtenScopes,
  writtenTable,
} from './routes-in-use.ts';
import { ScopedTables } from './scoped-tables.ts';

/** What it is made with. */
export interface CurrentRoutesParts extends Omit<TableParts, 'planner'> {
  readonly config: HttpConnectionManagerConfig;
  /** What filters have of `services`. */
  readonly ownServices: HttpFilterServices;
  /** Fields that only clients inside may send, by a table that was told. */
  onInternalOnly(names: readonly string[]): void;
}

/** One per connection manager. */
export class CurrentRoutes {
  inUse: RoutesInUse;
  readonly #parts: CurrentRoutesParts & TableParts;
  /** null: all filters are written. */
  readonly #told: ToldHttpFilters | null;
  #built: BuiltTable;

  constructor(parts: CurrentRoutesParts) {
    const { httpFilters, upgrades } = parts.config;
    const chains = [...upgrades].flatMap(([type, { filters }]) =>
      filters.length === 0 ? [] : [{ type, instances: filters }],
    );
    const planner = new HttpFilterPlanner(httpFilters, parts.ownServices, chains);
    const instances = allHttpFilters(parts.config);
    this.#parts = { ...parts, planner };
    this.#told = instances.some(({ discovery }) => discovery !== undefined)
      ? new ToldHttpFilters({ ...parts, instances, onChange: () => this.#renew() })
      : null;
    this.#built = this.#open();
    this.inUse = this.#combine();
  }

  /** Until a discovered table is there, the one without routes serves: every request is a 404. */
  #open(): BuiltTable {
    const parts = this.#parts;
    const { config, services, onInternalOnly } = parts;
    const { routeTable, scopedRoutes = null, rds } = config;
    if (scopedRoutes !== null) return this.#openScopes(scopedRoutes);
    if (rds === undefined) return writtenTable(routeTable, parts);
    const slot = services.discovered.open<RouteTableConfig>(rds, () => {
      if (slot.value === null) return;
      this.#built = lentTable(slot.value, parts);
      this.#renew();
      onInternalOnly(slot.value.internalOnlyHeaders);
    });
    if (slot.value === null) return writtenTable(routeTable, parts);
    onInternalOnly(slot.value.internalOnlyHeaders);
    return lentTable(slot.value, parts);
  }

  #openScopes(config: ScopedRoutesConfig): BuiltTable {
    const parts = this.#parts;
    if ((config.discovery ?? null) === null) return writtenScopes(config, parts);
    const { onInternalOnly } = parts;
    const scopes = new ScopedTables(config, parts, () => {
      this.#built = scopes.built;
      this.#renew();
      onInternalOnly(scopes.internalOnlyHeaders());
    });
    onInternalOnly(scopes.internalOnlyHeaders());
    return scopes.built;
  }

  /** What the next version takes is taken before this one lets it go: what both count, goes on. */
  #renew(): void {
    const before = this.inUse;
    this.inUse = this.#combine();
    before.retire();
  }

  #combine(): RoutesInUse {
    const { defaultPlan } = this.#parts.planner;
    return new RoutesInUse(this.#built, defaultPlan, this.#told?.versions ?? []);
  }
}
