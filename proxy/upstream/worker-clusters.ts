// The clusters of one worker: follows the configuration and what the primary finds, and gives
// filters the cluster that a name means now.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterConfig, EndpointPolicy } from '../model/cluster.ts';
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';
import type { ClusterManager } from './cluster-manager.ts';
import { DnsCaches } from './dns/dns-caches.ts';
import type { OwnPlace } from './lb/load-balancer.ts';
import type { ResolvedEndpoint } from './resolved-endpoint.ts';
import type { UpstreamContext } from './upstream-context.ts';
import { WorkerCluster, type WorkerClusterOwner } from './worker-cluster.ts';

/** A change of the set of clusters that is applied as one. */
export interface ClusterChange {
  readonly upserted: readonly ClusterConfig[];
  readonly removed: readonly string[];
}

/** `cluster_manager.*` but for what the primary counts (ManagerCounts). */
class ManagerStats {
  readonly active: Gauge;
  readonly warming: Gauge;
  readonly updated: Counter;

  constructor(scope: StatsScope) {
    this.active = scope.gauge('active_clusters');
    this.warming = scope.gauge('warming_clusters');
    this.updated = scope.counter('cluster_updated');
  }
}

const NO_FLAGS: ReadonlyMap<string, number> = new Map();

/** See the file's head. A cluster that was replaced or removed lives until its last request. */
export class WorkerClusters implements ClusterManager, WorkerClusterOwner {
  readonly #context: UpstreamContext;
  readonly #active = new Map<string, WorkerCluster>();
  /** Clusters whose first endpoints have not come or were not checked: the one they replace stays in use meanwhile. */
  readonly #warming = new Map<string, WorkerCluster>();
  readonly #draining = new Set<WorkerCluster>();
  /** What the primary said of hosts, by cluster and `ip:port`: hosts that come anew are told. */
  readonly #flags = new Map<string, Map<string, number>>();
  readonly #stats: ManagerStats;
  readonly own: OwnPlace;
  readonly scope: StatsScope;
  readonly dnsCaches: DnsCaches;

  constructor(context: UpstreamContext) {
    this.#context = context;
    this.scope = context.stats.scope('cluster');
    const { locality = null, clusterName = '' } = context.place ?? {};
    this.dnsCaches = new DnsCaches(context);
    const isKnown = locality !== null && Object.values(locality).some((part) => part !== '');
    this.own = {
      locality: isKnown ? locality : null,
      isNamed: clusterName !== '',
      hosts: () => this.get(clusterName)?.hostSet ?? null,
    };
    this.#stats = new ManagerStats(context.stats.scope('cluster_manager'));
  }

  get(name: string): WorkerCluster | null {
    return this.#active.get(name) ?? null;
  }

  /** Every cluster in use, in the order in which the names first came. */
  clusters(): Iterable<WorkerCluster> {
    return this.#active.values();
  }

  /** Applies a change; configurations equal to the present ones do nothing. */
  apply(change: ClusterChange): void {
    for (const name of change.removed) this.#remove(name);
    for (const config of change.upserted) this.#upsert(config);
    this.#countClusters();
  }

  /**
   * Hosts of a DNS cluster, found by the primary for the configuration that came last. An empty
   * list is an answer too: it ends the cluster's warming.
   */
  setEndpoints(name: string, endpoints: readonly ResolvedEndpoint[]): void {
    const warming = this.#warming.get(name);
    if (warming === undefined) {
      const isChanged = this.#active.get(name)?.setEndpoints(endpoints) ?? false;
      if (isChanged) this.#stats.updated.inc();
      return;
    }
    warming.setEndpoints(endpoints);
    if (warming.config.healthCheck === null) this.#finishWarming(warming);
  }

  /** What the source of a cluster's endpoints says of them all; comes before they do. */
  setPolicy(name: string, policy: EndpointPolicy): void {
    (this.#warming.get(name) ?? this.#active.get(name))?.setPolicy(policy);
  }

  /** Each host of a cluster with health checks had a result: it may be used. */
  setWarm(name: string): void {
    const warming = this.#warming.get(name);
    if (warming !== undefined) this.#finishWarming(warming);
  }

  /** Health of hosts as the primary found it, by `ip:port`: reasons of HEALTH_FLAG. */
  setHostFlags(name: string, flags: ReadonlyMap<string, number>): void {
    const known = this.#flags.get(name) ?? new Map<string, number>();
    this.#flags.set(name, known);
    for (const [address, found] of flags) {
      if (found === 0) known.delete(address);
      else known.set(address, found);
    }
    const warming = this.#warming.get(name);
    const active = this.#active.get(name);
    warming?.setHostFlags(flags);
    active?.setHostFlags(flags);
    // The last word about a cluster that was removed.
    if (warming === undefined && active === undefined) this.#flags.delete(name);
  }

  flagsOf(cluster: string): ReadonlyMap<string, number> {
    return this.#flags.get(cluster) ?? NO_FLAGS;
  }

  /** Brings those gauges up to date that are not kept as things happen: before statistics are read. */
  refreshGauges(): void {
    for (const cluster of this.#active.values()) cluster.refreshGauges();
  }

  /** Cuts every upstream connection: the worker stops. */
  close(): void {
    for (const cluster of this.#active.values()) cluster.close();
    for (const cluster of this.#draining) cluster.close();
  }

  onClusterDrained(cluster: WorkerCluster): void {
    this.#draining.delete(cluster);
    cluster.release();
  }

  #upsert(config: ClusterConfig): void {
    const { name } = config;
    const warming = this.#warming.get(name);
    if (warming !== undefined && isDeepStrictEqual(warming.written, config)) return;
    this.#dropWarming(name);
    const active = this.#active.get(name);
    if (active !== undefined && isDeepStrictEqual(active.written, config)) return;
    const cluster = new WorkerCluster(config, this.#context, this);
    // Names have to be looked up before there is a first host, and hosts be checked.
    const isWarm = !isFoundByName(config) && config.healthCheck === null;
    if (isWarm) this.#activate(cluster);
    else this.#warming.set(name, cluster);
  }

  #finishWarming(cluster: WorkerCluster): void {
    this.#warming.delete(cluster.config.name);
    this.#activate(cluster);
    this.#countClusters();
  }

  #activate(cluster: WorkerCluster): void {
    const { name } = cluster.config;
    const replaced = this.#active.get(name);
    this.#active.set(name, cluster);
    if (replaced !== undefined) this.#drain(replaced);
  }

  #remove(name: string): void {
    this.#flags.delete(name);
    this.#dropWarming(name);
    const active = this.#active.get(name);
    if (active === undefined) return;
    this.#active.delete(name);
    this.#drain(active);
  }

  #dropWarming(name: string): void {
    const warming = this.#warming.get(name);
    if (warming === undefined) return;
    this.#warming.delete(name);
    this.#drain(warming);
  }

  #drain(cluster: WorkerCluster): void {
    this.#draining.add(cluster);
    cluster.drain();
  }

  #countClusters(): void {
    this.#stats.active.set(this.#active.size);
    this.#stats.warming.set(this.#warming.size);
  }
}

function isFoundByName({ discovery }: ClusterConfig): boolean {
  return discovery === 'strict-dns' || discovery === 'logical-dns' || discovery === 'eds';
}
