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
  /** The same of priority HIGH. */
  readonly highPriorityLimits: ClusterLimits;
  /** null: its hosts are not under outlier detection. */
  readonly outlier: OutlierStatus | null;
  readonly hosts: readonly HostStatus[];
}

/** What success rates of a cluster's hosts are compared with; in percent, -1: too little to tell. */
export interface OutlierStatus {
  readonly successRateAverage: number;
  readonly successRateThreshold: number;
  readonly localOriginAverage: number;
  readonly localOriginThreshold: number;
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
  /** `envoy.lb` metadata: `canary: true`. */
  readonly isCanary: boolean;
  /** Reasons of HEALTH_FLAG. */
  readonly healthFlags: number;
  /** What outlier detection last worked out, in percent; -1: it did not. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
  readonly locality: LocalityConfig;
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly cxTotal: number;
  readonly rqActive: number;
  readonly rqError: number;
  /** Requests that wait for a connection to this host. */
  readonly rqPendingActive: number;
  readonly rqSuccess: number;
  readonly rqTimeout: number;
  readonly rqTotal: number;
}
