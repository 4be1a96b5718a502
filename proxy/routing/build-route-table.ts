// Makes the runtime form of a route configuration. Everything that a match answers with is built
// here, so that matching itself makes nothing.

import type { HeaderList } from '../http/header-list.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead } from '../http/message.ts';
import type {
  RouteConfig,
  RouteTableConfig,
  VirtualHostConfig,
  WeightedClusterConfig,
} from '../model/route.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { portStart } from './authority.ts';
import { entrySpecifier, type WeightedSpecifier, weightedIndex } from './choose-cluster.ts';
import { DomainIndex } from './domain-index.ts';
import { RouteFinalizer } from './route-finalizer.ts';
import { RouteMatcher } from './route-matcher.ts';
import type { RouteLookup, RouteMatchInput, RouteTable } from './route-table.ts';
import { VirtualHostStats } from './virtual-host-stats.ts';

const NONE: RouteLookup = Object.freeze({ kind: 'none' });
const TLS_REQUIRED: RouteLookup = Object.freeze({ kind: 'tls-required' });

/** Compiles a checked configuration; done once per configuration change. `stats` is the root. */
export function buildRouteTable(config: RouteTableConfig, stats: StatsScope): RouteTable {
  return new CompiledRouteTable(config, stats);
}

class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #domains = new DomainIndex<CompiledVirtualHost>();
  readonly #ignoresPort: boolean;

  constructor(config: RouteTableConfig, stats: StatsScope) {
    this.name = config.name;
    this.#ignoresPort = config.ignorePortInHostMatching;
    for (const host of config.virtualHosts) {
      const compiled = new CompiledVirtualHost(config, host, stats);
      for (const domain of host.domains) this.#domains.add(domain, compiled);
    }
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const host = this.#ignoresPort ? withoutPort(head.authority) : head.authority;
    const virtualHost = this.#domains.find(host);
    return virtualHost === null ? NONE : virtualHost.match(head, input.streamRandom);
  }
}

class CompiledVirtualHost {
  readonly #requireTls: VirtualHostConfig['requireTls'];
  readonly #routes: readonly CompiledRoute[];

  constructor(table: RouteTableConfig, config: VirtualHostConfig, stats: StatsScope) {
    this.#requireTls = config.requireTls;
    const place = { table, virtualHost: config, stats: new VirtualHostStats(stats, config) };
    this.#routes = config.routes.map((route) => new CompiledRoute(place, route));
  }

  match(head: RequestHead, streamRandom: number): RouteLookup {
    const proto = head.headers.get(HEADER_ID['x-forwarded-proto']);
    // Envoy finds no route for a client whose protocol is unknown, not even one to https.
    if (proto === '') return NONE;
    if (this.#requireTls !== 'none' && this.#needsTls(proto, head.headers)) return TLS_REQUIRED;
    const routes = this.#routes;
    for (let index = 0; index < routes.length; index += 1) {
      const route = routes[index]!;
      if (route.matcher.matches(head, streamRandom)) return route.lookup(head, streamRandom);
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
}

class CompiledRoute {
  readonly matcher: RouteMatcher;
  readonly #weighted: WeightedSpecifier | null;
  /** One for the route, or one for each weighted cluster. */
  readonly #lookups: readonly RouteLookup[];

  constructor({ table, virtualHost, stats: hostStats }: RoutePlace, config: RouteConfig) {
    const { action } = config;
    const stats = hostStats.ofRoute(config.statPrefix);
    this.matcher = new RouteMatcher(config.match);
    this.#weighted =
      action.kind === 'forward' && action.cluster.kind === 'weighted' ? action.cluster : null;
    const entries = this.#weighted?.clusters ?? [null];
    this.#lookups = entries.map((weightedCluster): RouteLookup => {
      const route = weightedCluster === null ? config : routeOfEntry(config, weightedCluster);
      const finalizer = new RouteFinalizer({ table, virtualHost, route, weightedCluster });
      return { kind: 'route', route: { config: route, virtualHost, finalizer, stats } };
    });
  }

  lookup(head: RequestHead, streamRandom: number): RouteLookup {
    const index = this.#weighted === null ? 0 : weightedIndex(this.#weighted, head, streamRandom);
    return this.#lookups[index] ?? NONE;
  }
}

/** The route as if it had but this cluster, so that the draw is made once for all who ask. */
function routeOfEntry(config: RouteConfig, entry: WeightedClusterConfig): RouteConfig {
  if (config.action.kind !== 'forward') return config;
  const { perFilterConfig } = entry;
  return {
    ...config,
    action: { ...config.action, cluster: entrySpecifier(entry) },
    perFilterConfig:
      perFilterConfig === undefined
        ? config.perFilterConfig
        : new Map([...config.perFilterConfig, ...perFilterConfig]),
  };
}

function withoutPort(authority: string): string {
  const start = portStart(authority);
  return start === -1 ? authority : authority.slice(0, start);
}
