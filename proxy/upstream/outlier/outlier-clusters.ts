// Outlier detection of all clusters, in the primary: follows their configurations and hosts, keeps
// the intervals, and says which hosts are out. Clusters without detection cost nothing.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { OutlierConfig } from '../../model/outlier.ts';
import { endpointAddress, endpointOf, staticEndpoints } from '../host-update.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import type { Origin, Streak } from './host-counts.ts';
import type { RateLimits } from './success-rate.ts';
import { type OutlierServices, WatchedCluster } from './watched-cluster.ts';

/** What detection last worked out of a cluster, in percent; -1: it did not. */
export interface OutlierFindings {
  readonly limits: Readonly<Record<Origin, RateLimits>>;
  /** Of the host with that `ip:port`. */
  rates(address: string): Readonly<Record<Origin, number>>;
}

/** See the file's head. */
export class OutlierClusters {
  readonly #services: OutlierServices;
  readonly #clusters = new Map<string, WatchedCluster>();

  constructor(services: OutlierServices) {
    this.#services = services;
  }

  /**
   * Follows a cluster, or its new configuration; hosts that stay keep what is known of them. Call it
   * before the discovery that finds its hosts.
   */
  follow(config: ClusterConfig): void {
    const { outlier, name } = config;
    if (outlier === null) {
      this.forget(name);
      return;
    }
    this.#cluster(config, outlier).configure(config, outlier);
    if (config.discovery === 'static') this.setEndpoints(name, staticEndpoints(config));
  }

  /** Hosts of a followed cluster, as found for its latest configuration. */
  setEndpoints(name: string, endpoints: readonly ResolvedEndpoint[]): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) return;
    const addresses: string[] = [];
    for (const resolved of endpoints) {
      const endpoint = endpointOf(cluster.config, resolved);
      if (endpoint !== undefined) addresses.push(endpointAddress(resolved, endpoint).text);
    }
    // A logical host is one, wherever its name points to.
    const isOne = cluster.config.discovery === 'logical-dns';
    cluster.detector.setHosts(isOne ? addresses.slice(0, 1) : addresses);
  }

  /** Ends a cluster; harmless for names it does not know. */
  forget(name: string): void {
    this.#clusters.get(name)?.close();
    this.#clusters.delete(name);
  }

  /** A worker saw the last failure in a row that is allowed. */
  onStreak(name: string, address: string, streak: Streak): void {
    const nowMs = this.#services.clock.nowMs();
    this.#clusters.get(name)?.detector.onStreak(address, streak, nowMs);
  }

  /** An active health check found a host healthy, which ends its ejection. */
  onCheckPassed(name: string, address: string): void {
    this.#clusters.get(name)?.detector.onCheckPassed(address, this.#services.clock.nowMs());
  }

  /** For `/clusters`; null: the cluster is not followed. */
  findings(name: string): OutlierFindings | null {
    const detector = this.#clusters.get(name)?.detector;
    if (detector === undefined) return null;
    return {
      limits: detector.limits,
      rates: (address) => detector.host(address)?.rates ?? { external: -1, local: -1 },
    };
  }

  /** Ends everything. */
  stop(): void {
    for (const name of [...this.#clusters.keys()]) this.forget(name);
  }

  #cluster(config: ClusterConfig, outlier: OutlierConfig): WatchedCluster {
    const known = this.#clusters.get(config.name);
    // Its statistics are elsewhere from now on.
    const isMoved =
      known !== undefined && known.config.observabilityName !== config.observabilityName;
    if (known !== undefined && !isMoved) return known;
    this.forget(config.name);
    const made = new WatchedCluster(config, outlier, this.#services);
    this.#clusters.set(config.name, made);
    return made;
  }
}
