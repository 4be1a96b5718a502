// The clusters of one worker: follows the configuration and what the primary finds, and gives
// filters the cluster that a name means now.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterConfig } from '../model/cluster.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { ClusterManager } from './cluster-manager.ts';
import type { ResolvedEndpoint } from './resolved-endpoint.ts';
import type { UpstreamContext } from './upstream-context.ts';
import { WorkerCluster, type WorkerClusterOwner } from './worker-cluster.ts';

/** A change of the set of clusters that is applied as one. */
export interface ClusterChange {
  readonly upserted: readonly ClusterConfig[];
  readonly removed: readonly string[];
}

/** Statistics under one name, shared by a cluster and those that it replaced. */
interface SharedScope {
  readonly scope: StatsScope;
  users: number;
}

/** See the file's head. A cluster that was replaced or removed lives until its last request. */
export class WorkerClusters implements ClusterManager, WorkerClusterOwner {
  readonly #context: UpstreamContext;
  readonly #active = new Map<string, WorkerCluster>();
  /** Clusters whose first endpoints have not come: the one they replace stays in use meanwhile. */
  readonly #warming = new Map<string, WorkerCluster>();
  readonly #draining = new Set<WorkerCluster>();
  readonly #scopes = new Map<string, SharedScope>();

  constructor(context: UpstreamContext) {
    this.#context = context;
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
  }

  /**
   * Hosts of a DNS cluster, found by the primary for the configuration that came last. An empty
   * list is an answer too: it ends the cluster's warming.
   */
  setEndpoints(name: string, endpoints: readonly ResolvedEndpoint[]): void {
    const warming = this.#warming.get(name);
    if (warming === undefined) {
      this.#active.get(name)?.setEndpoints(endpoints);
      return;
    }
    warming.setEndpoints(endpoints);
    this.#warming.delete(name);
    this.#activate(warming);
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
    this.#releaseScope(cluster.config.observabilityName);
  }

  #upsert(config: ClusterConfig): void {
    const { name } = config;
    const warming = this.#warming.get(name);
    if (warming !== undefined && isDeepStrictEqual(warming.config, config)) return;
    this.#dropWarming(name);
    const active = this.#active.get(name);
    if (active !== undefined && isDeepStrictEqual(active.config, config)) return;
    const cluster = new WorkerCluster({
      config,
      context: this.#context,
      scope: this.#acquireScope(config.observabilityName),
      owner: this,
    });
    if (config.discovery === 'static') this.#activate(cluster);
    else this.#warming.set(name, cluster);
  }

  #activate(cluster: WorkerCluster): void {
    const { name } = cluster.config;
    const replaced = this.#active.get(name);
    this.#active.set(name, cluster);
    if (replaced !== undefined) this.#drain(replaced);
  }

  #remove(name: string): void {
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

  #acquireScope(name: string): StatsScope {
    const shared = this.#scopes.get(name);
    if (shared !== undefined) {
      shared.users += 1;
      return shared.scope;
    }
    const scope = this.#context.stats.scope('cluster').scope(name);
    this.#scopes.set(name, { scope, users: 1 });
    return scope;
  }

  #releaseScope(name: string): void {
    const shared = this.#scopes.get(name);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.scope.release();
    this.#scopes.delete(name);
  }
}
