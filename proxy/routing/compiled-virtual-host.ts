// One virtual host at run time: whether a request must use TLS, and which of its routes it takes.
import type { HeaderList } from '../http/header-list.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead } from '../http/message.ts';
import type { MatchTreeConfig } from '../model/match-tree.ts';
import type { RouteConfig, RouteTableConfig, VirtualHostConfig } from '../model/route.ts';
import { mapMatchTree, walkMatchTree } from '../model/walk-match-tree.ts';
import { UNWATCHED, type WatchedFiles } from '../model/watched-file.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { CompiledRoute, NO_ROUTE, RoutePlans } from './compiled-route.ts';
import type { FilterPlanner, RouteLookup, RouteMatchInput, TriedRoute } from './route-table.ts';
import { VirtualHostStats } from './virtual-host-stats.ts';

const TLS_REQUIRED: RouteLookup = Object.freeze({ kind: 'tls-required' });
const NO_ROUTES: readonly CompiledRoute[] = Object.freeze([]);

/** What a table is built for. */
export interface RouteTableOptions {
  /** The root scope. */
  readonly stats: StatsScope;
  /** null: nobody asks for filter plans. */
  readonly planner: FilterPlanner | null;
  /** Absent: bodies stay as they were loaded. */
  readonly files?: WatchedFiles;
}

/** Finds the route of the requests for its domains. */
export class CompiledVirtualHost {
  readonly config: VirtualHostConfig;
  readonly #requireTls: VirtualHostConfig['requireTls'];
  readonly #routes: readonly CompiledRoute[];
  /** null: the first of the routes that matches. */
  readonly #tree: MatchTreeConfig<readonly CompiledRoute[]> | null;

  constructor(table: RouteTableConfig, config: VirtualHostConfig, options: RouteTableOptions) {
    this.config = config;
    this.#requireTls = config.requireTls;
    const place = {
      ...{ table, virtualHost: config },
      stats: new VirtualHostStats(options.stats, config),
      files: options.files ?? UNWATCHED,
      plans: new RoutePlans(options.planner, [config.perFilterConfig, table.perFilterConfig]),
    };
    const compile = (route: RouteConfig) => new CompiledRoute(place, route);
    this.#routes = config.routes.map(compile);
    this.#tree =
      config.matcher === null
        ? null
        : mapMatchTree(config.matcher, ({ routes }) => routes.map(compile));
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const early = this.#decideEarly(head.headers);
    if (early !== null) return early;
    const routes = this.#tree === null ? this.#routes : this.#candidates(head, input);
    for (let index = 0; index < routes.length; index += 1) {
      const route = routes[index]!;
      if (route.matcher.matches(head, input)) return route.lookup(head, input);
    }
    return NO_ROUTE;
  }

  /** The routes that `match` looks at, with what keeps a request from each. */
  trace(head: RequestHead, input: RouteMatchInput): readonly TriedRoute[] {
    if (this.#decideEarly(head.headers) !== null) return [];
    const tried: TriedRoute[] = [];
    for (const [index, route] of this.#candidates(head, input).entries()) {
      const mismatch = route.matcher.mismatch(head, input);
      tried.push({ route: route.config, index: this.#tree === null ? index : -1, mismatch });
      if (mismatch === null) break;
    }
    return tried;
  }

  /** The routes that may take a request; the first whose own conditions hold does. */
  #candidates(head: RequestHead, { info }: RouteMatchInput): readonly CompiledRoute[] {
    if (this.#tree === null) return this.#routes;
    return walkMatchTree(this.#tree, { head, info }) ?? NO_ROUTES;
  }

  /** What is decided before any route is looked at; null: nothing. */
  #decideEarly(headers: HeaderList): RouteLookup | null {
    const proto = headers.get(HEADER_ID['x-forwarded-proto']);
    // Envoy finds no route for a client whose protocol is unknown, not even one to https.
    if (proto === '') return NO_ROUTE;
    return this.#requireTls !== 'none' && this.#needsTls(proto, headers) ? TLS_REQUIRED : null;
  }

  /** What the client used counts, which `x-forwarded-proto` knows better than the scheme. */
  #needsTls(proto: string | null, headers: HeaderList): boolean {
    if (proto === 'https') return false;
    return this.#requireTls === 'all' || headers.get(HEADER_ID['x-envoy-internal']) !== 'true';
  }
}
