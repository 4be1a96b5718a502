// What requests of one virtual host are counted in besides their cluster: the virtual cluster that
// they belong to, and their route if it has a stat_prefix. All cells are found with the table.
import type { RequestHead } from '../http/message.ts';
import { matchesHeader } from '../model/match-value.ts';
import type { VirtualHostConfig } from '../model/route.ts';
import type { HeaderMatchConfig } from '../model/route-match.ts';
import type { Counter, StatsScope } from '../stats/metrics.ts';
import { ResponseStats } from '../stats/response-stats.ts';
import { RetryCounters } from '../stats/retry-counters.ts';

/** Envoy's name for the requests that match no virtual cluster. */
const CATCH_ALL = 'other';
/** Cells of one virtual cluster or one route. */
export class UpstreamRequestStats {
  /** Requests that got a connection. */
  readonly total: Counter;
  readonly timeout: Counter;
  readonly responses: ResponseStats;
  readonly retries: RetryCounters;

  /** `prefix` is `vhost.<virtual host>.vcluster.<name>.` or `vhost.<virtual host>.route.<name>.` */
  constructor(scope: StatsScope, prefix: string) {
    this.total = scope.counter(`${prefix}upstream_rq_total`);
    this.timeout = scope.counter(`${prefix}upstream_rq_timeout`);
    this.responses = new ResponseStats(scope, prefix);
    this.retries = new RetryCounters(scope, prefix);
  }
}

/** Where one request is counted. */
export interface RequestTally {
  /** '' when it belongs to none with a name of its own. */
  readonly virtualClusterName: string;
  readonly stats: readonly UpstreamRequestStats[];
}

/** A virtual cluster and what it counts in. */
interface CompiledVirtualCluster {
  /** '' for the catch-all, as in access logs. */
  readonly name: string;
  readonly headers: readonly HeaderMatchConfig[];
  readonly stats: UpstreamRequestStats;
}

/** One per virtual host; its routes take their tallies from it. */
export class VirtualHostStats {
  readonly #scope: StatsScope;
  readonly #prefix: string;
  /** The catch-all last; empty when the virtual host has none. */
  readonly #virtualClusters: readonly CompiledVirtualCluster[];

  /** `scope` is the root. Envoy leaves the names in these prefixes as they were written. */
  constructor(scope: StatsScope, config: VirtualHostConfig) {
    this.#scope = scope;
    this.#prefix = `vhost.${config.name}.`;
    const cellsOf = (name: string): UpstreamRequestStats =>
      new UpstreamRequestStats(scope, `${this.#prefix}vcluster.${name}.`);
    const all = config.virtualClusters.map(({ name, headers }) => ({
      ...{ name, headers },
      stats: cellsOf(name),
    }));
    if (all.length > 0) all.push({ name: '', headers: [], stats: cellsOf(CATCH_ALL) });
    this.#virtualClusters = all;
  }

  /** The tallies of a route; null when its requests are counted in their cluster only. */
  ofRoute(statPrefix: string): RouteStats | null {
    if (statPrefix === '' && this.#virtualClusters.length === 0) return null;
    const own =
      statPrefix === ''
        ? []
        : [new UpstreamRequestStats(this.#scope, `${this.#prefix}route.${statPrefix}.`)];
    return new RouteStats(this.#virtualClusters, own);
  }
}

/** What the requests of one route are counted in. */
export class RouteStats {
  readonly #virtualClusters: readonly CompiledVirtualCluster[];
  /** In the order of the virtual clusters; a single one where there are none. */
  readonly #tallies: readonly RequestTally[];

  constructor(
    virtualClusters: readonly CompiledVirtualCluster[],
    own: readonly UpstreamRequestStats[],
  ) {
    this.#virtualClusters = virtualClusters;
    this.#tallies =
      virtualClusters.length === 0
        ? [{ virtualClusterName: '', stats: own }]
        : virtualClusters.map(({ name, stats }) => ({
            virtualClusterName: name,
            stats: [stats, ...own],
          }));
  }

  /** The tally of a request: of the first virtual cluster whose conditions its head fulfils. */
  tally(head: RequestHead): RequestTally {
    const clusters = this.#virtualClusters;
    let index = 0;
    while (index < clusters.length - 1 && !matchesAll(clusters[index]!.headers, head)) index += 1;
    return this.#tallies[index]!;
  }
}

function matchesAll(headers: readonly HeaderMatchConfig[], head: RequestHead): boolean {
  for (const header of headers) {
    if (!matchesHeader(header, head)) return false;
  }
  return true;
}
