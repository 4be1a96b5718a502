// The route tables of scopes that are told (SRDS): each is built by itself, and one that changes leaves
// the others as they are. Between scopes and their tables either may come first.
import { routeRef, type ScopesRef } from '../../../model/config-source.ts';
import type { RouteTableConfig } from '../../../model/route.ts';
import type {
  ScopedRoutesConfig,
  ScopeSetConfig,
  ToldScopeConfig,
} from '../../../model/scoped-routes.ts';
import { joinScopes, type Scope } from '../../../routing/scoped-route-table.ts';
import type { DiscoveredSlot } from '../../discovered-configs.ts';
import { type BuiltTable, lentTable, type TableParts } from './routes-in-use.ts';

/** A table that was fetched, for all scopes that name it. */
interface Fetched {
  readonly slot: DiscoveredSlot<RouteTableConfig>;
  /** null: it is not there yet. */
  built: BuiltScope | null;
}

interface BuiltScope extends BuiltTable {
  readonly config: RouteTableConfig;
}

interface ScopeInUse {
  readonly config: ToldScopeConfig;
  /** null: until its first table comes, no request finds a route in it. */
  readonly built: BuiltScope | null;
}

/** One per connection manager with such scopes. */
export class ScopedTables {
  /** All of them as one, as they are now. */
  built: BuiltTable;
  readonly #config: ScopedRoutesConfig;
  readonly #ref: ScopesRef;
  readonly #parts: TableParts;
  readonly #onChange: () => void;
  readonly #slot: DiscoveredSlot<ScopeSetConfig>;
  readonly #fetched = new Map<string, Fetched>();
  #scopes: ReadonlyMap<string, ScopeInUse> = new Map();

  /** `onChange`: `built` is another one. */
  constructor(config: ScopedRoutesConfig, parts: TableParts, onChange: () => void) {
    this.#config = config;
    this.#ref = config.discovery as ScopesRef;
    this.#parts = parts;
    this.#onChange = onChange;
    this.#slot = parts.services.discovered.open<ScopeSetConfig>(this.#ref, () => this.#onTold());
    this.#scopes = this.#take();
    this.built = this.#join();
  }

  /** Fields that only clients inside may send, in any of its scopes. */
  internalOnlyHeaders(): readonly string[] {
    const all = [...this.#scopes.values()].flatMap(
      ({ built }) => built?.config.internalOnlyHeaders ?? [],
    );
    return [...new Set(all)];
  }

  #onTold(): void {
    this.#scopes = this.#take();
    this.#renew();
  }

  #renew(): void {
    this.built = this.#join();
    this.#onChange();
  }

  #join(): BuiltTable {
    const scopes: Scope[] = [];
    const leases = new Set<BuiltTable['leases'][number]>();
    const planners = new Set<BuiltTable['planners'][number]>();
    for (const { config, built } of this.#scopes.values()) {
      if (built === null) continue;
      scopes.push({ name: config.name, key: config.key, table: built.table });
      for (const lease of built.leases) leases.add(lease);
      for (const planner of built.planners) planners.add(planner);
    }
    const table = joinScopes(this.#config, scopes);
    return { table, planners: [...planners], leases: [...leases] };
  }

  #take(): ReadonlyMap<string, ScopeInUse> {
    const told = this.#slot.value?.told ?? [];
    const wanted = new Set(told.map(({ routeName }) => routeName));
    const scopes = told.map((config) => [config.name, this.#scope(config)] as const);
    for (const [name, { slot }] of this.#fetched) {
      if (wanted.has(name)) continue;
      slot.close();
      this.#fetched.delete(name);
    }
    return new Map(scopes);
  }

  /** A scope that names another table keeps the one that it had until that one is there. */
  #scope(config: ToldScopeConfig): ScopeInUse {
    const before = this.#scopes.get(config.name)?.built ?? null;
    if (config.table === null) {
      return { config, built: this.#fetch(config.routeName).built ?? before };
    }
    if (before?.config === config.table) return { config, built: before };
    return { config, built: this.#build(config.table) };
  }

  #fetch(name: string): Fetched {
    const known = this.#fetched.get(name);
    const { routes } = this.#ref;
    if (known !== undefined || routes === null) return known ?? { slot: NO_SLOT, built: null };
    const slot = this.#parts.services.discovered.open<RouteTableConfig>(
      routeRef(name, routes),
      () => this.#onFetched(name),
    );
    const built = slot.value === null ? null : this.#build(slot.value);
    const fetched = { slot, built };
    this.#fetched.set(name, fetched);
    return fetched;
  }

  #onFetched(name: string): void {
    const fetched = this.#fetched.get(name);
    const table = fetched?.slot.value ?? null;
    if (fetched === undefined || table === null) return;
    fetched.built = this.#build(table);
    const { built } = fetched;
    this.#scopes = new Map(
      [...this.#scopes].map(([scope, inUse]) => [
        scope,
        inUse.config.routeName === name ? { ...inUse, built } : inUse,
      ]),
    );
    this.#renew();
  }

  #build(config: RouteTableConfig): BuiltScope {
    return { ...lentTable(config, this.#parts), config };
  }
}

const NO_SLOT: DiscoveredSlot<RouteTableConfig> = Object.freeze({
  value: null,
  close: () => undefined,
});
