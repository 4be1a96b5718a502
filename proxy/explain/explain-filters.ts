// Which HTTP filters run for a request, and with which configuration.
import { effectOnRoute, type FilterEffect } from '../filters/http-filter-plan.ts';
import type { ExtensionInstance, PerFilterConfigs } from '../model/extension.ts';
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { ExplainedFilter } from './explanation.ts';
import type { ManagerView, MatchedPaths } from './route-paths.ts';
import type { SeenLookup } from './watched-stream.ts';

/** A level of per-filter configuration. */
interface Level {
  readonly name: string;
  readonly path: string;
  readonly configs: PerFilterConfigs;
}

/** Every filter of the chain in its order; `lookup` is null where no route was looked for. */
export function explainFilters(
  view: ManagerView,
  paths: MatchedPaths,
  lookup: SeenLookup | null,
): readonly ExplainedFilter[] {
  const levels = lookup === null ? [] : levelsOf(view, paths, lookup);
  const { instances, path } = chainOf(view.config, lookup?.upgrade ?? '');
  return instances.map((instance, index) => {
    const effect = effectOnRoute(
      instance,
      levels.map(({ configs }) => configs),
    );
    return explained(view, { instance, path: `${path}[${index}]` }, effect, levels);
  });
}

/** `upgrade`: '' for all requests that pass http_filters. */
function chainOf({ httpFilters, upgrades }: HttpConnectionManagerConfig, upgrade: string) {
  const own = upgrades.get(upgrade)?.filters ?? [];
  if (own.length === 0) return { instances: httpFilters, path: 'http_filters' };
  const index = [...upgrades.keys()].indexOf(upgrade);
  return { instances: own, path: `upgrade_configs[${index}].filters` };
}

function explained(
  view: ManagerView,
  { instance, path: place }: { readonly instance: ExtensionInstance; readonly path: string },
  effect: FilterEffect,
  levels: readonly Level[],
): ExplainedFilter {
  const level = levels[effect.level];
  // A deprecated field of the level, such as `cors`, speaks for the filter where its name does not.
  const isNamed = level?.configs.has(instance.name) === true;
  const path = isNamed ? `${level.path}.typed_per_filter_config` : '';
  const entry = `${path}["${instance.name}"]`;
  return {
    name: instance.name,
    type: instance.definition.name,
    origin: view.origin(`${view.path}.${place}`),
    runs: effect.kind !== 'off',
    note: noteOf(effect, level?.name ?? ''),
    routeOrigin: path === '' ? null : view.origin(entry),
  };
}

function noteOf(effect: FilterEffect, level: string): string {
  if (effect.kind === 'route') return `configured by the ${level}`;
  if (effect.kind === 'own') return level === '' ? '' : `switched on by the ${level}`;
  if (effect.why === 'chain') return 'disabled in the chain';
  return effect.why === 'level' ? `disabled by the ${level}` : `nothing to do, says the ${level}`;
}

/** The most specific first, as the data path plans them. */
function levelsOf(
  view: ManagerView,
  paths: MatchedPaths,
  { trace, weightedIndex }: SeenLookup,
): readonly Level[] {
  const last = trace.tried.at(-1);
  if (last === undefined || last.mismatch !== null) return [];
  const { action } = last.route;
  const cluster = action.kind === 'forward' ? action.cluster : null;
  const entry = cluster?.kind === 'weighted' ? cluster.clusters[weightedIndex] : undefined;
  const levels: readonly (readonly [string, string, PerFilterConfigs | undefined])[] = [
    ['weighted cluster', paths.weighted, entry?.perFilterConfig],
    ['route', paths.route, last.route.perFilterConfig],
    ['virtual host', paths.virtualHost, trace.virtualHost?.perFilterConfig],
    ['route configuration', paths.table, view.table(trace).table.perFilterConfig],
  ];
  return levels.flatMap(([name, path, configs]) =>
    configs === undefined ? [] : [{ name, path, configs }],
  );
}
