// What hosts did since they were last asked, for load reports (LRS): this worker's part of it.
import type { LocalityConfig } from '../model/cluster.ts';
import type { Host } from './host.ts';
import type { MetricLoad } from './reported-metrics.ts';
import type { WorkerCluster } from './worker-cluster.ts';

/** One host's part; serialisable. Never all zeros. */
export interface EndpointLoad {
  /** As a SocketAddress has them. */
  readonly ip: string;
  readonly port: number;
  readonly priority: number;
  readonly locality: LocalityConfig;
  /** Since it was last asked. */
  readonly success: number;
  readonly error: number;
  readonly issued: number;
  /** Now. */
  readonly active: number;
  /** Of reports that came with responses, by name. */
  readonly metrics: readonly MetricLoad[];
}

/** One cluster's part. */
export interface ClusterLoad {
  readonly cluster: string;
  /** Those with anything to report. */
  readonly endpoints: readonly EndpointLoad[];
  /** Requests that drop_overloads refused since it was last asked. */
  readonly dropped: number;
  /** What they are called; '' : none were. */
  readonly dropCategory: string;
}

interface Latch {
  success: number;
  error: number;
  issued: number;
}

/** One per worker. */
export class LoadCounts {
  readonly #latches = new WeakMap<Host, Latch>();
  readonly #dropped = new WeakMap<WorkerCluster, number>();

  /** Counts from here on are the next report's. */
  take(cluster: WorkerCluster): ClusterLoad {
    const { droppedRequests } = cluster;
    const dropped = droppedRequests - (this.#dropped.get(cluster) ?? 0);
    this.#dropped.set(cluster, droppedRequests);
    const endpoints = cluster.hostSet.hosts.flatMap((host) => this.#takeHost(host) ?? []);
    const { dropOverload, name } = cluster.config;
    const dropCategory = dropOverload?.category ?? '';
    return { cluster: name, endpoints, dropped, dropCategory };
  }

  #takeHost(host: Host): EndpointLoad | null {
    const { rqActive: active, rqError, rqSuccess, rqTotal } = host.stats;
    let latch = this.#latches.get(host);
    if (latch === undefined) {
      if (rqTotal + rqError + active === 0) return null;
      latch = { success: 0, error: 0, issued: 0 };
      this.#latches.set(host, latch);
    }
    const success = rqSuccess - latch.success;
    const error = rqError - latch.error;
    const issued = rqTotal - latch.issued;
    if (success + error + issued + active === 0) return null;
    latch.success = rqSuccess;
    latch.error = rqError;
    latch.issued = rqTotal;
    const { ip, port } = host.address;
    const { locality, priority } = host.endpoint;
    const metrics = host.reported?.take() ?? [];
    return { ip, port, priority, locality, success, error, issued, active, metrics };
  }
}
