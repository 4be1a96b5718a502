// Makes the runtime form of a route configuration. Everything that a match answers with is built
// here, so that matching itself makes nothing.

import type { HeaderList } from '../http/header-list.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead } from '../http/message.ts';
import { NO_PER_FILTER_CONFIG, type PerFilterConfigs } from '../model/extension.ts';
import type {
  RouteConfig,
  RouteTableConfig,
  VirtualHostConfig,
  WeightedClusterConfig,
} from '../model/route.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { portStart } from './authority.ts';
import { entrySpecifier } from './choose-cluster.ts';
import { DomainIndex } from './domain-index.ts';
import { HashPolicies } from './hash-policy.ts';
import { RouteFinalizer } from './route-finalizer.ts';
import { RouteMatcher } from './route-matcher.ts';
import type {
  FilterPlanner,
  RouteLookup,
  RouteMatchInput,
  RouteTable,
  RouteTrace,
  TriedRoute,
} from './route-table.ts';
import { VirtualHostStats } from './virtual-host-stats.ts';
import { WeightedDraw } from './weighted-draw.ts';

const NONE: RouteLookup = Object.freeze({ kind: 'none' });
const TLS_REQUIRED: RouteLookup = Object.freeze({ kind: 'tls-required' });

/** What a table is built for. */
export interface RouteTableOptions {
  /** The root scope. */
  readonly stats: StatsScope;
  /** null: nobody asks for filter plans. */
  readonly planner: FilterPlanner | null;
}

/** Compiles a checked configuration; done once per configuration change. */
export function buildRouteTable(config: RouteTableConfig, options: RouteTableOptions): RouteTable {
  return new CompiledRouteTable(config, options);
}

class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #domains = new DomainIndex<CompiledVirtualHost>();
  readonly #ignoresPort: boolean;

  constructor(config: RouteTableConfig, options: RouteTableOptions) {
    this.name = config.name;
    this.#ignoresPort = config.ignorePortInHostMatching;
    for (const host of config.virtualHosts) {
      const compiled = new CompiledVirtualHost(config, host, options);
      for (const domain of host.domains) this.#domains.add(domain, compiled);
    }
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const host = this.#ignoresPort ? withoutPort(head.authority) : head.authority;
    const virtualHost = this.#domains.find(host);
    return virtualHost === null ? NONE : virtualHost.match(head, input);
  }

  trace(head: RequestHead, input: RouteMatchInput): RouteTrace {
    const host = this.#ignoresPort ? withoutPort(head.authority) : head.authority;
    const compiled = this.#domains.find(host);
    const lookup = this.match(head, input);
    if (compiled === null) return { lookup, host, virtualHost: null, domain: '', tried: [] };
    const { config, routes } = compiled;
    const tried: TriedRoute[] = [];
    for (const [index, route] of config.routes.entries()) {
      const mismatch = routes[index]?.matcher.mismatch(head, input) ?? null;
      tried.push({ route, index, mismatch });
      if (mismatch === null) break;
    }
    const domain = config.domains[0] ?? '';
    return { lookup, host, virtualHost: config, domain, tried };
  }
}

class CompiledVirtualHost {
  readonly config: VirtualHostConfig;
  readonly routes: readonly CompiledRoute[];
  readonly #requireTls: VirtualHostConfig['requireTls'];

  constructor(table: RouteTableConfig, config: VirtualHostConfig, options: RouteTableOptions) {
    this.#requireTls = config.requireTls;
    const place = {
      ...{ table, virtualHost: config },
      stats: new VirtualHostStats(options.stats, config),
      plans: new RoutePlans(options.planner, [config.perFilterConfig, table.perFilterConfig]),
    };
    this.config = config;
    this.routes = config.routes.map((route) => new CompiledRoute(place, route));
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const proto = head.headers.get(HEADER_ID['x-forwarded-proto']);
    // Envoy finds no route for a client whose protocol is unknown, not even one to https.
    if (proto === '') return NONE;
    if (this.#requireTls !== 'none' && this.#needsTls(proto, head.headers)) return TLS_REQUIRED;
    const { routes } = this;
    for (let index = 0; index < routes.length; index += 1) {
      const route = routes[index]!;
      if (route.matcher.matches(head, input)) return route.lookup(head, input);
    }
    return NONE;
  }

  /** What the client used counts, which `x-forwarded-proto` knows better than the scheme. */
  #needsTls(proto: string | null, headers: HeaderList): boolean {
    if (proto === 'https') return false;
    return this.#requireTls === 'all' || headers.get(HEADER_ID['x-envoy-internal']) !== 'true';
  }
}

/** Where a route stands. */
interface RoutePlace {
  readonly table: RouteTableConfig;
  readonly virtualHost: VirtualHostConfig;
  readonly stats: VirtualHostStats;
  readonly plans: RoutePlans;
}

class CompiledRoute {
  readonly matcher: RouteMatcher;
  /** null: not weighted. */
  readonly #draw: WeightedDraw | null;
  /** One for the route, or one for each weighted cluster. */
  readonly #lookups: readonly RouteLookup[];

  constructor(place: RoutePlace, config: RouteConfig) {
    const { table, virtualHost, stats: hostStats } = place;
    const { action } = config;
    const stats = hostStats.ofRoute(config.statPrefix);
    this.matcher = new RouteMatcher(config.match, table.ignorePathParameters);
    const hashPolicies = action.kind === 'forward' ? HashPolicies.of(action.hashPolicies) : null;
    const weighted =
      action.kind === 'forward' && action.cluster.kind === 'weighted' ? action.cluster : null;
    this.#draw = weighted === null ? null : new WeightedDraw(weighted, hashPolicies);
    const entries = weighted?.clusters ?? [null];
    this.#lookups = entries.map((weightedCluster): RouteLookup => {
      const route = weightedCluster === null ? config : routeOfEntry(config, weightedCluster);
      const finalizer = new RouteFinalizer({ table, virtualHost, route, weightedCluster });
      const filterPlan = place.plans.of(config, weightedCluster);
      return {
        kind: 'route',
        route: { config: route, virtualHost, finalizer, stats, filterPlan, hashPolicies },
      };
    });
  }

  lookup(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const index = this.#draw === null ? 0 : this.#draw.index(head, input);
    return this.#lookups[index] ?? NONE;
  }
}

/** The route as if it had but this cluster, so that the draw is made once for all who ask. */
function routeOfEntry(config: RouteConfig, entry: WeightedClusterConfig): RouteConfig {
  const { action } = config;
  if (action.kind !== 'forward') return config;
  const metadataMatch = { ...action.metadataMatch, ...entry.metadataMatch };
  return { ...config, action: { ...action, cluster: entrySpecifier(entry), metadataMatch } };
}

/** The filter plans of a virtual host's routes; those that add nothing to it share one. */
class RoutePlans {
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

function withoutPort(authority: string): string {
  const start = portStart(authority);
  return start === -1 ? authority : authority.slice(0, start);
}
