// What the admin interface shows about the running proxy: plain, serialisable values.
import type { LocalityConfig } from '../model/cluster.ts';

/** One bound address of a listener. */
export interface ListenerStatus {
  readonly name: string;
  /** Bound addresses as `ip:port`; the real port where 0 was asked for. */
  readonly addresses: readonly string[];
  /** Why binding failed, '' if it did not. */
  readonly error: string;
}

/** One cluster with its hosts, as `/clusters` prints it. Numbers are summed over workers. */
export interface ClusterStatus {
  readonly name: string;
  readonly observabilityName: string;
  readonly addedViaApi: boolean;
  /** circuit_breakers.thresholds of priority DEFAULT. */
  readonly limits: ClusterLimits;
  /** The same of priority HIGH; absent: Envoy's defaults. */
  readonly highPriorityLimits?: ClusterLimits;
  readonly hosts: readonly HostStatus[];
}

/** config.cluster.v3.CircuitBreakers.Thresholds */
export interface ClusterLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** One host of a cluster. */
export interface HostStatus {
  readonly address: string;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly health: 'healthy' | 'degraded' | 'unhealthy';
  /** As `/clusters` prints them: `healthy`, or `/failed_outlier_check` and the like in a row. */
  readonly healthFlags: string;
  readonly locality: LocalityConfig;
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly cxTotal: number;
  readonly rqActive: number;
  readonly rqError: number;
  /** Requests that wait for a connection to this host; absent: 0. */
  readonly rqPendingActive?: number;
  readonly rqSuccess: number;
  readonly rqTimeout: number;
  readonly rqTotal: number;
}
