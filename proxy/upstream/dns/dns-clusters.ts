// All clusters whose hosts are found by DNS. Lives in the primary: names are resolved once for
// all workers, and what is found is sent to them.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import { CountedResolver } from './cares-stats.ts';
import { DnsCluster, type DnsClusterOwner } from './dns-cluster.ts';
import type { DnsResolver } from './dns-resolver.ts';
import type { DnsServices } from './dns-services.ts';
import { SharedLookups } from './shared-lookups.ts';

/** Takes what was found for one cluster. */
export type EndpointsSink = (cluster: string, endpoints: readonly ResolvedEndpoint[]) => void;

/** What DNS clusters are given by the primary. */
export interface DnsClustersOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly resolver: DnsResolver;
  /** The root scope. */
  readonly stats: StatsScope;
  /** Component `dns`. */
  readonly log: Logger;
  readonly sink: EndpointsSink;
}

/** See the file's head. */
export class DnsClusters implements DnsClusterOwner {
  readonly #services: DnsServices;
  readonly #stats: StatsScope;
  readonly #sink: EndpointsSink;
  readonly #clusters = new Map<string, DnsCluster>();
  #whenSettled: (() => void)[] = [];

  constructor(options: DnsClustersOptions) {
    const { clock, timers, random, log } = options;
    const lookups = new SharedLookups(new CountedResolver(options.resolver, options.stats), clock);
    this.#services = { clock, timers, random, log, lookups };
    this.#stats = options.stats;
    this.#sink = options.sink;
  }

  /** Hosts found so far, by cluster; without those that were not resolved yet. */
  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]> {
    const found = new Map<string, readonly ResolvedEndpoint[]>();
    for (const [name, cluster] of this.#clusters) {
      if (cluster.isResolved) found.set(name, cluster.endpoints());
    }
    return found;
  }

  /** Names of clusters whose first resolution is under way. */
  unresolved(): readonly string[] {
    return [...this.#clusters.values()]
      .filter((cluster) => !cluster.isResolved)
      .map((cluster) => cluster.config.name);
  }

  /**
   * Follows a cluster, or its new configuration. Tell the workers first: the sink may be called
   * inside, with indexes into that configuration.
   */
  follow(config: ClusterConfig): void {
    const known = this.#clusters.get(config.name);
    if (known !== undefined && isDeepStrictEqual(known.config, config)) return;
    this.#stop(config.name);
    if (config.discovery === 'strict-dns' || config.discovery === 'logical-dns') {
      const scope = this.#stats.scope('cluster').scope(config.observabilityName);
      const cluster = new DnsCluster({ config, services: this.#services, scope, owner: this });
      this.#clusters.set(config.name, cluster);
      cluster.start();
    }
    this.#tellIfSettled();
  }

  /** Ends a cluster; harmless for names it does not know. */
  forget(name: string): void {
    this.#stop(name);
    this.#tellIfSettled();
  }

  /** Resolves when every cluster followed by then was resolved once, well or not. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
      this.#tellIfSettled();
    });
  }

  /** Ends everything. */
  stop(): void {
    for (const name of [...this.#clusters.keys()]) this.#stop(name);
    this.#tellIfSettled();
  }

  onHosts(cluster: DnsCluster): void {
    this.#sink(cluster.config.name, cluster.endpoints());
    this.#tellIfSettled();
  }

  #stop(name: string): void {
    this.#clusters.get(name)?.stop();
    this.#clusters.delete(name);
  }

  #tellIfSettled(): void {
    if (this.#whenSettled.length === 0 || this.unresolved().length > 0) return;
    const told = this.#whenSettled;
    this.#whenSettled = [];
    for (const tell of told) tell();
  }
}
