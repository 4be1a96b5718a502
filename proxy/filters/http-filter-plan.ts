// Which HTTP filters the streams of a connection manager get: the chain as configured, and for routes
// that configure filters a chain of their own. Made with the route table, never per request.
import type { ExtensionInstance, PerFilterConfigs } from '../model/extension.ts';
import type { FilterPlanner } from '../routing/route-table.ts';
import type { HttpFilterDefinition, HttpFilterFactory, HttpFilterServices } from './http-filter.ts';

/** The filters of one stream, in order. */
export interface HttpFilterPlan {
  /** Without the terminal one. */
  readonly factories: readonly HttpFilterFactory[];
  readonly terminal: HttpFilterFactory;
  /** Of each of `factories`, its place among all filters of the connection manager. */
  readonly places: readonly number[];
  /** By place; null: switched off. */
  readonly byPlace: readonly (HttpFilterFactory | null)[];
}

/** A filter at its place, with what it does where no route says otherwise. */
interface PlacedFilter {
  readonly instance: ExtensionInstance;
  /** null: switched off unless a route switches it on. */
  readonly factory: HttpFilterFactory | null;
}

/** Makes plans; one per connection manager. */
export class HttpFilterPlanner implements FilterPlanner {
  /** For requests without a route, and for routes that configure no filter. */
  readonly defaultPlan: HttpFilterPlan;
  readonly #filters: readonly PlacedFilter[];
  readonly #services: HttpFilterServices;

  constructor(instances: readonly ExtensionInstance[], services: HttpFilterServices) {
    this.#services = services;
    this.#filters = instances.map((instance) => ({
      instance,
      factory: instance.disabled ? null : makeFactory(instance, instance.config, services),
    }));
    this.defaultPlan = planOf(this.#filters.map(({ factory }) => factory));
  }

  plan(levels: readonly PerFilterConfigs[]): HttpFilterPlan {
    return planOf(this.#filters.map((filter) => this.#onRoute(filter, levels)));
  }

  #onRoute(
    { instance, factory }: PlacedFilter,
    levels: readonly PerFilterConfigs[],
  ): HttpFilterFactory | null {
    const effect = effectOnRoute(instance, levels);
    if (effect.kind === 'off') return null;
    if (effect.kind === 'own')
      return factory ?? makeFactory(instance, instance.config, this.#services);
    return makeFactory(instance, effect.config, this.#services);
  }
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
  const first = entries[0];
  if (first === undefined) {
    return instance.disabled ? { kind: 'off', why: 'chain', level } : { kind: 'own', level };
  }
  if (first.disabled) return { kind: 'off', why: 'level', level };
  const { onRoute } = instance.definition as HttpFilterDefinition;
  const own = entries.filter(({ definition }) => definition === instance.definition);
  if (onRoute === undefined || own.length === 0) return { kind: 'own', level };
  const config = onRoute(instance.config, own.map((entry) => entry.config) as never[]);
  return config === null ? { kind: 'off', why: 'idle', level } : { kind: 'route', level, config };
}

function makeFactory(
  { definition }: ExtensionInstance,
  config: unknown,
  services: HttpFilterServices,
): HttpFilterFactory {
  return (definition as HttpFilterDefinition).factory(config, services);
}

function planOf(byPlace: readonly (HttpFilterFactory | null)[]): HttpFilterPlan {
  const enabled = byPlace.filter((factory) => factory !== null);
  const places = byPlace.flatMap((factory, place) => (factory === null ? [] : [place]));
  return Object.freeze({
    factories: enabled.slice(0, -1),
    terminal: enabled[enabled.length - 1] as HttpFilterFactory,
    places: places.slice(0, -1),
    byPlace,
  });
}
