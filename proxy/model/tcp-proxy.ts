// The TCP proxy's configuration, compiled from extensions.filters.network.tcp_proxy.v3.TcpProxy.
import type { Formatter } from '../formatter/formatter.ts';
import type { AccessLogConfig } from './access-log.ts';
import type { MessageMutations } from './header-mutations.ts';
import type { SubsetMatch } from './route.ts';
import type { ConnectionHashConfig } from './route-policies.ts';

/** Durations are ms; 0 switches a timer off. */
export interface TcpProxyConfig {
  readonly statPrefix: string;
  /** One cluster of weight 1, or weighted_clusters. */
  readonly clusters: readonly TcpClusterConfig[];
  readonly totalWeight: number;
  /** What the hash of a session is made of, for balancers; null: nothing. */
  readonly hashPolicy: ConnectionHashConfig | null;
  /** Default 1 h. */
  readonly idleTimeoutMs: number;
  readonly maxDownstreamConnectionDurationMs: number;
  /** At least 1. */
  readonly maxConnectAttempts: number;
  readonly accessLogs: readonly AccessLogConfig[];
  /** A line at intervals while it is open; 0: none. */
  readonly accessLogFlushIntervalMs: number;
  readonly flushesLogOnConnected: boolean;
  /** null: plain TCP to the upstream. */
  readonly tunneling: TcpTunnelingConfig | null;
}

/** One of TcpProxy.WeightedCluster.clusters. */
export interface TcpClusterConfig {
  readonly name: string;
  readonly weight: number;
  /** metadata_match under `envoy.lb`, merged with the proxy's: hosts of a subset. */
  readonly metadataMatch: SubsetMatch;
}

/** TcpProxy.TunnelingConfig: the upstream is an HTTP proxy. */
export interface TcpTunnelingConfig {
  /** Authority of the CONNECT, or of the POST. */
  readonly hostname: Formatter;
  readonly usesPost: boolean;
  /** Of a POST. */
  readonly postPath: string;
  /** Fields besides; nothing is removed. */
  readonly headers: MessageMutations;
}
