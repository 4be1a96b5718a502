// Which HTTP filters the streams of a connection manager get: the chain as configured, and for routes
// that configure filters a chain of their own. Made with the route table, never per request.
import {
  type ExtensionInstance,
  type PerFilterConfig,
  type PerFilterConfigs,
  perFilterKeyOfField,
} from '../model/extension.ts';
import type { FilterPlanner } from '../routing/route-table.ts';
import { MISSING_CONFIG } from './http/missing-config.ts';
import type { HttpFilterDefinition, HttpFilterFactory, HttpFilterServices } from './http-filter.ts';
import type { FilterVersion, FilterVersions } from './told-http-filters.ts';

/** The filters of one stream, in order. */
export interface HttpFilterPlan {
  /** Without the terminal one. */
  readonly factories: readonly HttpFilterFactory[];
  readonly terminal: HttpFilterFactory;
  /** Of each of `factories`, its place among all filters of the connection manager. */
  readonly places: readonly number[];
  /** By place; null: switched off. */
  readonly byPlace: readonly (HttpFilterFactory | null)[];
  /**
   * Not null: some of its filters are told what to do while they run, and this is the plan with what
   * they were told. Until it is asked, nobody gets past them.
   */
  readonly bind: ((versions: FilterVersions) => HttpFilterPlan) | null;
  /** Plans of requests for an upgrade that has filters of its own, by type; null: none has. */
  readonly upgrades: ReadonlyMap<string, HttpFilterPlan> | null;
}

/** A filter at its place, with what it does where no route says otherwise. */
interface PlacedFilter {
  readonly instance: ExtensionInstance;
  /** null: switched off, or idle, unless a route says otherwise. */
  readonly factory: HttpFilterFactory | null;
}

/** A chain of requests for an upgrade. */
export interface UpgradeChain {
  readonly type: string;
  readonly instances: readonly ExtensionInstance[];
}

/** Makes plans; one per connection manager. */
export class HttpFilterPlanner implements FilterPlanner {
  /** For requests without a route, and for routes that configure no filter. */
  readonly defaultPlan: HttpFilterPlan;
  readonly #services: HttpFilterServices;
  readonly #main: ChainPlanner;
  readonly #upgrades: readonly (readonly [type: string, planner: ChainPlanner])[];
  readonly #hasTold: boolean;

  /** Versions of filters that are told come in the order of all these, one chain behind the other. */
  constructor(
    instances: readonly ExtensionInstance[],
    services: HttpFilterServices,
    upgrades: readonly UpgradeChain[] = [],
  ) {
    this.#services = services;
    this.#main = new ChainPlanner(instances, 0, services);
    let offset = instances.length;
    this.#upgrades = upgrades.map(({ type, instances: own }) => {
      const planner = new ChainPlanner(own, offset, services);
      offset += own.length;
      return [type, planner];
    });
    const all = [this.#main, ...this.#upgrades.map(([, planner]) => planner)];
    this.#hasTold = all.some(({ hasTold }) => hasTold);
    this.defaultPlan = this.#hasTold ? this.#plan([], services) : this.#join(ownPlan, null);
  }

  plan(levels: readonly PerFilterConfigs[]): HttpFilterPlan {
    return this.#plan(levels, this.#services);
  }

  /**
   * For one route table: plans whose own filters take what they need of `services`, where that is
   * not null; the chain's stay what they are.
   */
  forTable(services: HttpFilterServices | null): TablePlanner {
    const open: HttpFilterPlan[] = [];
    const plan = (levels: readonly PerFilterConfigs[]): HttpFilterPlan => {
      const made = this.#plan(levels, services ?? this.#services);
      if (made.bind !== null) open.push(made);
      return made;
    };
    return { plan, open };
  }

  #plan(levels: readonly PerFilterConfigs[], services: HttpFilterServices): HttpFilterPlan {
    const written = new Map<ChainPlanner, ByPlace>();
    const onRoute = (chain: ChainPlanner): ByPlace => {
      const byPlace = chain.onRoute(levels, services);
      written.set(chain, byPlace);
      return byPlace;
    };
    if (!this.#hasTold) return this.#join(onRoute, null);
    const bind = (versions: FilterVersions): HttpFilterPlan =>
      this.#join((chain) => {
        const byPlace = written.get(chain) as ByPlace;
        return chain.bind({ byPlace, versions, levels, services });
      }, null);
    return this.#join(onRoute, bind);
  }

  /** A plan with those of upgrades, of what each chain becomes. */
  #join(become: (chain: ChainPlanner) => ByPlace, bind: HttpFilterPlan['bind']): HttpFilterPlan {
    const upgrades = this.#upgrades.map(
      ([type, chain]) => [type, planOf(become(chain), { bind: null, upgrades: null })] as const,
    );
    return planOf(become(this.#main), {
      bind,
      upgrades: upgrades.length === 0 ? null : new Map(upgrades),
    });
  }
}

/** Factories by place; null: switched off. */
type ByPlace = HttpFilterPlan['byPlace'];

/** Filters as they were told to be, on a route. */
interface Binding {
  /** What stands where nothing is told. */
  readonly byPlace: ByPlace;
  readonly versions: FilterVersions;
  readonly levels: readonly PerFilterConfigs[];
  readonly services: HttpFilterServices;
}

/** One chain of a connection manager. */
class ChainPlanner {
  readonly hasTold: boolean;
  /** As the chain has them. */
  readonly own: ByPlace;
  readonly #filters: readonly PlacedFilter[];
  readonly #offset: number;

  constructor(
    instances: readonly ExtensionInstance[],
    offset: number,
    services: HttpFilterServices,
  ) {
    this.#offset = offset;
    this.hasTold = instances.some(({ discovery }) => discovery !== undefined);
    this.#filters = instances.map((instance) => ({
      instance,
      factory:
        instance.disabled || instance.discovery !== undefined
          ? null
          : makeFactory(instance, instance.config, services),
    }));
    this.own = this.#filters.map(({ factory }) => factory);
  }

  onRoute(levels: readonly PerFilterConfigs[], services: HttpFilterServices): ByPlace {
    return this.#filters.map((filter) =>
      filter.instance.discovery === undefined ? onRoute(filter, levels, services) : MISSING_CONFIG,
    );
  }

  bind({ byPlace, versions, levels, services }: Binding): ByPlace {
    return this.#filters.map(({ instance }, place) => {
      const version = versions[this.#offset + place] ?? null;
      if (version === null) return byPlace[place] as HttpFilterFactory | null;
      return toldOnRoute({ instance, version }, levels, services);
    });
  }
}

function ownPlan(chain: ChainPlanner): ByPlace {
  return chain.own;
}

/** Makes the plans of a route table. */
export interface TablePlanner extends FilterPlanner {
  /** Those that have to be bound. */
  readonly open: readonly HttpFilterPlan[];
}

/** A filter that was told what to do, or not yet. */
function toldOnRoute(
  told: { readonly instance: ExtensionInstance; readonly version: FilterVersion },
  levels: readonly PerFilterConfigs[],
  services: HttpFilterServices,
): HttpFilterFactory | null {
  const { instance, version } = told;
  const { filter, factory } = version;
  const placed: ExtensionInstance = { ...instance, ...filter };
  const effect = effectOnRoute(placed, levels);
  if (effect.kind === 'off') return null;
  return effect.kind === 'own' ? factory : makeFactory(placed, effect.config, services);
}

function onRoute(
  { instance, factory }: PlacedFilter,
  levels: readonly PerFilterConfigs[],
  services: HttpFilterServices,
): HttpFilterFactory | null {
  const effect = effectOnRoute(instance, levels);
  if (effect.kind === 'off') return null;
  if (effect.kind === 'own') return factory ?? makeFactory(instance, instance.config, services);
  return makeFactory(instance, effect.config, services);
}

/** What a filter of the chain does on a route. */
export type FilterEffect =
  /** It does not run: the chain or a level switched it off, or what the levels make of it is idle. */
  | { readonly kind: 'off'; readonly why: 'chain' | 'level' | 'idle'; readonly level: number }
  /** With the chain's configuration; `level` switched it on, -1: the chain did. */
  | { readonly kind: 'own'; readonly level: number }
  /** With what the levels make of it; `level` is the most specific one. */
  | { readonly kind: 'route'; readonly level: number; readonly config: unknown };

/** Envoy: the most specific level says whether the filter runs; how it runs, all of them. */
export function effectOnRoute(
  instance: ExtensionInstance,
  levels: readonly PerFilterConfigs[],
): FilterEffect {
  const level = levels.findIndex((each) => each.has(instance.name));
  const entries = levels.flatMap((each) => each.get(instance.name) ?? []);
  if (entries[0] === undefined && instance.disabled) return { kind: 'off', why: 'chain', level };
  if (entries[0]?.disabled === true) return { kind: 'off', why: 'level', level };
  const { onRoute } = instance.definition as HttpFilterDefinition;
  const own = ownEntries(instance, entries, levels);
  if (onRoute === undefined || own.length === 0) return { kind: 'own', level };
  const config = onRoute(instance.config, own.map((entry) => entry.config) as never[]);
  const speaker = levels.findIndex((each) =>
    [...each.values()].includes(own[0] as PerFilterConfig),
  );
  if (config === null) return { kind: 'off', why: 'idle', level: speaker };
  return { kind: 'route', level: speaker, config };
}

/** What is meant for this filter; what deprecated fields say counts where nothing else does. */
function ownEntries(
  { definition }: ExtensionInstance,
  entries: readonly PerFilterConfig[],
  levels: readonly PerFilterConfigs[],
): readonly PerFilterConfig[] {
  const own = entries.filter((entry) => entry.definition === definition);
  if (own.length > 0) return own;
  const key = perFilterKeyOfField(definition.name);
  return levels.flatMap((level) => level.get(key) ?? []);
}

function makeFactory(
  { definition, name }: ExtensionInstance,
  config: unknown,
  services: HttpFilterServices,
): HttpFilterFactory | null {
  return (definition as HttpFilterDefinition).factory(config, services, name);
}

function planOf(
  byPlace: ByPlace,
  { bind, upgrades }: Pick<HttpFilterPlan, 'bind' | 'upgrades'>,
): HttpFilterPlan {
  const enabled = byPlace.filter((factory) => factory !== null);
  const places = byPlace.flatMap((factory, place) => (factory === null ? [] : [place]));
  return Object.freeze({
    factories: enabled.slice(0, -1),
    terminal: enabled[enabled.length - 1] as HttpFilterFactory,
    places: places.slice(0, -1),
    byPlace,
    bind,
    upgrades,
  });
}
