// One route at run time: how it is matched, and what a match answers with. The latter is made when
// the route matches for the first time: a table of ten thousand routes must not hold up its worker,
// and most of them never match.
import type { RequestHead } from '../http/message.ts';
import { NO_PER_FILTER_CONFIG, type PerFilterConfigs } from '../model/extension.ts';
import type {
  RouteActionConfig,
  RouteConfig,
  RouteTableConfig,
  VirtualHostConfig,
  WeightedClusterConfig,
} from '../model/route.ts';
import type { WatchedFiles, WatchedText } from '../model/watched-file.ts';
import { entrySpecifier } from './choose-cluster.ts';
import { HashPolicies } from './hash-policy.ts';
import { mirrorsOf } from './mirror.ts';
import { RouteFinalizer } from './route-finalizer.ts';
import { RouteMatcher } from './route-matcher.ts';
import type { FilterPlanner, RouteLookup, RouteMatchInput } from './route-table.ts';
import type { RouteStats, VirtualHostStats } from './virtual-host-stats.ts';
import { WeightedDraw } from './weighted-draw.ts';

/** No route. */
export const NO_ROUTE: RouteLookup = Object.freeze({ kind: 'none' });

/** Where a route stands. */
export interface RoutePlace {
  readonly table: RouteTableConfig;
  readonly virtualHost: VirtualHostConfig;
  readonly stats: VirtualHostStats;
  readonly plans: RoutePlans;
  readonly files: WatchedFiles;
}

/** What a request of one route is answered with. */
interface RouteAnswers {
  /** null: not weighted. */
  readonly draw: WeightedDraw | null;
  /** One for the route, or one for each weighted cluster. */
  readonly lookups: readonly RouteLookup[];
}

/** A route of a virtual host, or of its matcher tree. */
export class CompiledRoute {
  readonly config: RouteConfig;
  readonly matcher: RouteMatcher;
  readonly #place: RoutePlace;
  /** Made with the table, so that its counters are there before they count. */
  readonly #stats: RouteStats | null;
  /** Watched from the start: the first request is not to get what was loaded long ago. */
  readonly #watchedBody: WatchedText | null;
  /** null until the first match, where no filter needs them before. */
  #answers: RouteAnswers | null = null;

  constructor(place: RoutePlace, config: RouteConfig) {
    this.config = config;
    this.matcher = new RouteMatcher(config.match, place.table.ignorePathParameters);
    this.#place = place;
    this.#stats = place.stats.ofRoute(config.statPrefix);
    this.#watchedBody = watchedBodyOf(config.action, place.files);
    if (needsPlansEarly(config)) this.#answers = this.#makeAnswers();
  }

  /** The answer to a request that matches; weighted clusters are drawn here. */
  lookup(head: RequestHead, input: RouteMatchInput): RouteLookup {
    this.#answers ??= this.#makeAnswers();
    const { draw, lookups } = this.#answers;
    const index = draw === null ? 0 : draw.index(head, input);
    return lookups[index] ?? NO_ROUTE;
  }

  #makeAnswers(): RouteAnswers {
    const { table, virtualHost, plans } = this.#place;
    const { config } = this;
    const { action } = config;
    const stats = this.#stats;
    const hashPolicies = action.kind === 'forward' ? HashPolicies.of(action.hashPolicies) : null;
    const weighted =
      action.kind === 'forward' && action.cluster.kind === 'weighted' ? action.cluster : null;
    const entries = weighted?.clusters ?? [null];
    const mirrors = mirrorsOf(table, virtualHost, config);
    const lookups = entries.map((weightedCluster): RouteLookup => {
      const route = weightedCluster === null ? config : routeOfEntry(config, weightedCluster);
      const finalizer = new RouteFinalizer({ table, virtualHost, route, weightedCluster });
      const filterPlan = plans.of(config, weightedCluster);
      const ignoresPathParameters = table.ignorePathParameters;
      const parts = {
        virtualHost,
        ignoresPathParameters,
        finalizer,
        mirrors,
        stats,
        filterPlan,
        hashPolicies,
      };
      return { kind: 'route', route: { config: route, watchedBody: this.#watchedBody, ...parts } };
    });
    const draw = weighted === null ? null : new WeightedDraw(weighted, hashPolicies);
    return { draw, lookups };
  }
}

function needsPlansEarly({ perFilterConfig, action }: RouteConfig): boolean {
  const isEarly = (configs: PerFilterConfigs): boolean =>
    configs.size > 0 && [...configs.values()].some(({ definition }) => definition?.isMadeEarly);
  if (isEarly(perFilterConfig)) return true;
  if (action.kind !== 'forward' || action.cluster.kind !== 'weighted') return false;
  return action.cluster.clusters.some((entry) =>
    isEarly(entry.perFilterConfig ?? NO_PER_FILTER_CONFIG),
  );
}

/** The route as if it had but this cluster, so that the draw is made once for all who ask. */
function routeOfEntry(config: RouteConfig, entry: WeightedClusterConfig): RouteConfig {
  const { action } = config;
  if (action.kind !== 'forward') return config;
  const metadataMatch = { ...action.metadataMatch, ...entry.metadataMatch };
  return { ...config, action: { ...action, cluster: entrySpecifier(entry), metadataMatch } };
}

function watchedBodyOf(action: RouteActionConfig, files: WatchedFiles): WatchedText | null {
  if (action.kind !== 'direct-response' || action.watched === undefined) return null;
  return files.open(action.watched, action.body);
}

/** The filter plans of a virtual host's routes; those that add nothing to it share one. */
export class RoutePlans {
  readonly #planner: FilterPlanner | null;
  /** Of the virtual host and the table. */
  readonly #outer: readonly PerFilterConfigs[];
  readonly #outerPlan: unknown;

  constructor(planner: FilterPlanner | null, outer: readonly PerFilterConfigs[]) {
    this.#planner = planner;
    this.#outer = outer.filter(({ size }) => size > 0);
    this.#outerPlan = this.#plan(this.#outer);
  }

  of(route: RouteConfig, entry: WeightedClusterConfig | null): unknown {
    const own = [entry?.perFilterConfig ?? NO_PER_FILTER_CONFIG, route.perFilterConfig];
    const inner = own.filter(({ size }) => size > 0);
    return inner.length === 0 ? this.#outerPlan : this.#plan([...inner, ...this.#outer]);
  }

  #plan(levels: readonly PerFilterConfigs[]): unknown {
    return levels.length === 0 || this.#planner === null ? null : this.#planner.plan(levels);
  }
}
