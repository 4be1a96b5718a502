// The clusters of a worker as filters see them.

import type { Hash64 } from '../base/xx-hash.ts';
import type { Protocol, RequestHead } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { PriorityBreakers, RoutingPriority } from './circuit-breakers.ts';
import type { ClusterPolicies } from './cluster-policies.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { ConnectionPool } from './conn-pool.ts';
import type { DnsCaches } from './dns/dns-caches.ts';
import type { Host } from './host.ts';
import type { MembershipStats } from './membership-stats.ts';
import type { RequestNames } from './transport/request-names.ts';

/** The host that a request belongs to, by what its client brought: a session. */
export interface OverrideHost {
  /** `ip:port` */
  readonly address: string;
  /** No other host will do. */
  readonly isStrict: boolean;
  /** Status of the answer when `isStrict` and the cluster has no such host. */
  readonly missingStatus: number;
  /** Set by the cluster: it has no such host. */
  isMissing: boolean;
}

/** Hosts of one priority that are well enough. */
export interface ChosenPriority {
  readonly priority: number;
  readonly kind: 'healthy' | 'degraded';
}

/** What a load balancer may look at. */
export interface LoadBalancerContext {
  readonly request: RequestHead | null;
  readonly info: StreamInfo;
  /** Absent or null: the request belongs to no host. */
  readonly overrideHost?: OverrideHost | null;
  /**
   * The hash that the route's hash policies make of the request, made at the first question; null:
   * none. Absent: there is no route.
   */
  hash?(): Hash64 | null;
  /**
   * `envoy.lb` of the route's metadata_match, merged with the weighted cluster's; absent or null:
   * the request asks for no subset. Values are frozen JSON.
   */
  readonly metadataMatch?: Readonly<Record<string, unknown>> | null;
  /** A retry: hosts that its predicates want to avoid. Absent: none. */
  rejectsHost?(host: Host): boolean;
  /** How often a host that was rejected is picked anew (host_selection_retry_max_attempts). */
  readonly hostSelectionAttempts?: number;
  /** A retry: hosts that were tried, whose priorities are to be avoided (retry_priority). */
  readonly triedHosts?: readonly Host[] | null;
  /** All priorities that are usable were tried: they are tried anew. */
  forgetTriedPriorities?(): void;
  /** An aggregate cluster chose the priority already; absent or null: the balancer does. */
  readonly chosenPriority?: ChosenPriority | null;
  /** Whom its connection must be with; absent or null: as the cluster says. */
  readonly names?: RequestNames | null;
  /** The priority whose circuit breakers and connections it uses. Absent: `default`. */
  readonly priority?: RoutingPriority;
}

/** One cluster of this worker. */
export interface Cluster {
  readonly config: ClusterConfig;
  readonly stats: ClusterStats;
  /** How many hosts it has. */
  readonly membership: MembershipStats;
  /** How many requests its drop_overloads refused; whoever refuses one counts it. */
  droppedRequests: number;
  /** null: it leaves everything to routes. */
  readonly policies: ClusterPolicies | null;
  /** A host for a request; null: none is usable (whoever asked counts `cxNoneHealthy`). */
  pickHost(context: LoadBalancerContext): Host | null;
  /** Its limits for requests of that priority; retries are taken and given back here. */
  breakers(priority: RoutingPriority): PriorityBreakers;
  /** False while its circuit breaker for connections of priority DEFAULT is open. */
  mayConnect(): boolean;
  /**
   * The HTTP connection pool of a host, for a request that came with `downstream` and is put on it
   * at once; null, and counted: there are as many pools as there may be.
   */
  httpPool(
    host: Host,
    downstream: Protocol,
    request?: LoadBalancerContext | null,
  ): ConnectionPool | null;
  /** The pool of plain TCP connections of a host, one for each stream. */
  tunnelPool(host: Host, request?: LoadBalancerContext | null): ConnectionPool;
}

/** Finds clusters by name; what it gives is valid for the current exchange. */
export interface ClusterManager {
  get(name: string): Cluster | null;
  /** Names that requests bring along; absent: nobody looks them up. */
  readonly dnsCaches?: DnsCaches;
}
