// A cluster as the data path sees it: checked, frozen, defaults filled in.

import type { SocketAddress } from '../base/address.ts';
import type { Fraction } from '../base/random.ts';
import type { H2ProtocolOptions } from '../http/h2/options.ts';
import type { ConfigSourceConfig } from './config-source.ts';
import type { DnsConfig } from './dns.ts';
import type { ForwardProxyConfig } from './dns-cache.ts';
import type { EndpointCheckConfig, HealthCheckConfig } from './health-check.ts';
import type { Http1OptionsConfig } from './http-connection-manager.ts';
import type { TcpKeepaliveConfig } from './listener.ts';
import type { LoadBalancerConfig } from './load-balancing.ts';
import type { FilterMetadata } from './match-tree.ts';
import type { OutlierConfig } from './outlier.ts';
import type { RetryPolicyConfig } from './retry-policy.ts';
import type { HashPolicyConfig, MirrorPolicyConfig } from './route-policies.ts';
import type { SocketOptionConfig, SourceAddressConfig } from './socket-option.ts';
import type { TransportMatchConfig, UpstreamTransportConfig } from './transport-socket.ts';

/** config.cluster.v3.Cluster; durations are ms. */
export interface ClusterConfig {
  readonly name: string;
  /** alt_stat_name or the name: `cluster.<this>.` in statistics. */
  readonly observabilityName: string;
  readonly discovery:
    | 'static'
    | 'strict-dns'
    | 'logical-dns'
    | 'original-dst'
    | 'aggregate'
    | 'forward-proxy'
    | 'eds';
  /** Where the endpoints of an eds cluster come from; absent for the others. */
  readonly eds?: EdsConfig;
  /** Of an aggregate: the clusters that it is made of, by name, the preferred one first. */
  readonly memberClusters?: readonly string[];
  /** Where a forward-proxy cluster finds its hosts; absent for the others. */
  readonly forwardProxy?: ForwardProxyConfig;
  /** Where an original-dst cluster finds its host; null for the others. */
  readonly originalDst: OriginalDstConfig | null;
  /** Not looked at where `originalDst` or `memberClusters` say where to go. */
  readonly loadBalancer: LoadBalancerConfig;
  readonly priorities: PriorityRulesConfig;
  /** drop_overloads of its endpoints: a share of requests that is refused; absent: none. */
  readonly dropOverload?: DropOverloadConfig;
  /** lrs_report_endpoint_metrics; absent: none. */
  readonly reportedMetrics?: readonly string[];
  readonly endpoints: readonly EndpointConfig[];
  readonly connectTimeoutMs: number;
  readonly perConnectionBufferLimitBytes: number;
  /** circuit_breakers of priority DEFAULT, and of HIGH. */
  readonly limits: ClusterLimitsConfig;
  readonly highLimits: ClusterLimitsConfig;
  readonly http: UpstreamHttpConfig;
  readonly pools: PoolRulesConfig;
  /** null: hosts are not watched for failures. */
  readonly outlier: OutlierConfig | null;
  readonly dns: DnsConfig;
  readonly tcpKeepalive: TcpKeepaliveConfig | null;
  readonly happyEyeballs: HappyEyeballsConfig;
  readonly metadata: FilterMetadata;
  /** common_lb_config.override_host_status: what a host may be that a session asks for. */
  readonly overrideHostHealth: readonly ('healthy' | 'degraded' | 'unhealthy')[];
  /**
   * Sources of upstream connections: the first of the target's IP version, else the first. None:
   * the system chooses.
   */
  readonly sourceAddresses: readonly SourceAddressConfig[];
  /** Options of upstream connections without a source address. */
  readonly socketOptions: readonly SocketOptionConfig[];
  /** health_checks; null: hosts are not asked how they are. */
  readonly healthCheck: HealthCheckConfig | null;
  /** Those beside it, each with a name; absent: none. */
  readonly moreHealthChecks?: readonly HealthCheckConfig[];
  /** close_connections_on_host_health_failure */
  readonly closesOnHealthFailure: boolean;
  /** ignore_health_on_host_removal: a host that checks find healthy goes like any other. */
  readonly ignoresHealthOnRemoval: boolean;
  /** Of endpoints that no transport match takes. */
  readonly transport: UpstreamTransportConfig;
  /** transport_socket_matches, in order. */
  readonly transportMatches: readonly TransportMatchConfig[];
}

/** Cluster.EdsClusterConfig */
export interface EdsConfig {
  /** What the source calls it: service_name, or the cluster's name. */
  readonly serviceName: string;
  readonly source: ConfigSourceConfig;
}

/** What a ClusterLoadAssignment says besides its endpoints. */
export interface EndpointPolicy {
  readonly overprovisioningPercent: number;
  readonly isHealthWeighted: boolean;
  /** null: nothing is refused. */
  readonly dropOverload: DropOverloadConfig | null;
}

/** A share of requests that is refused, and what it is called in load reports. */
export interface DropOverloadConfig extends Fraction {
  readonly category: string;
}

/** How connections are shared among requests, and made ahead of them. */
export interface PoolRulesConfig {
  /** preconnect_policy.per_upstream_preconnect_ratio, 1 to 3; 1: nothing is made ahead. */
  readonly preconnectRatio: number;
  /** preconnect_policy.predictive_preconnect_ratio, 1 to 3; 1: nothing is made ahead. */
  readonly predictiveRatio: number;
  /** connection_pool_per_downstream_connection */
  readonly isPerDownstream: boolean;
  /** common_lb_config.close_connections_on_host_set_change */
  readonly closesOnHostSetChange: boolean;
}

/** Cluster.OriginalDstLbConfig */
export interface OriginalDstConfig {
  /** The request's field with `ip:port`; '' when only the connection's own destination counts. */
  readonly httpHeader: string;
  /** Replaces the destination's port; null: as it is. */
  readonly portOverride: number | null;
  /** Hosts without requests are forgotten after this. Default 5 s. */
  readonly cleanupIntervalMs: number;
}

/** When lower priorities take over, and when the health of hosts is not looked at. */
export interface PriorityRulesConfig {
  /** overprovisioning_factor: a healthy host counts for so many percent of one. Above 0. */
  readonly overprovisioningPercent: number;
  /** healthy_panic_threshold: with a smaller share of usable hosts all are used; 0: never. */
  readonly panicThresholdPercent: number;
  /** ignore_new_hosts_until_first_hc: hosts without a first check do not count at all. */
  readonly ignoresUncheckedHosts: boolean;
  /** weighted_priority_health: hosts count by their weight. */
  readonly isHealthWeighted: boolean;
}

/** One lb_endpoint with what its locality says. */
export interface EndpointConfig {
  /**
   * Numeric IP, a DNS name to resolve, a pipe's path when `port` is -1, an internal listener's name
   * when it is -2.
   */
  readonly address: string;
  readonly port: number;
  /** EnvoyInternalAddress.endpoint_id; '' for other addresses. */
  readonly endpointId: string;
  /** Endpoint.additional_addresses: tried as well where the first one does not connect at once. */
  readonly moreAddresses: readonly SocketAddress[];
  /** Endpoint.hostname, '' when it has none. */
  readonly hostname: string;
  /** From 1; default 1. */
  readonly weight: number;
  readonly priority: number;
  /** LocalityLbEndpoints.load_balancing_weight of its locality; 0: none. */
  readonly localityWeight: number;
  /** `draining`: takes no new requests. As Envoy, a status of TIMEOUT is `unhealthy`. */
  readonly healthStatus: 'healthy' | 'degraded' | 'unhealthy' | 'draining';
  readonly locality: LocalityConfig;
  /** `envoy.lb` metadata: `canary: true`. Its responses are counted apart. */
  readonly isCanary: boolean;
  readonly metadata: FilterMetadata;
  readonly check: EndpointCheckConfig;
}

/** config.core.v3.Locality; '' where unset. */
export interface LocalityConfig {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** circuit_breakers.thresholds of one priority; 0 lets nothing pass. */
export interface ClusterLimitsConfig {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  /** Not looked at where there is a budget. */
  readonly maxRetries: number;
  readonly retryBudget: RetryBudgetConfig | null;
  /** Default: no limit, 2^64. */
  readonly maxConnectionPools: number;
  /** circuit_breakers.per_host_thresholds; null: no limit. */
  readonly maxConnectionsPerHost: number | null;
  /** `circuit_breakers.<priority>.remaining_*` are kept. */
  readonly tracksRemaining: boolean;
}

/** Retries at once as a share of the requests that there are. */
export interface RetryBudgetConfig {
  /** 0 to 100, with fractions. Default 20. */
  readonly percent: number;
  /** So many are always allowed. Default 3. */
  readonly minConcurrency: number;
  /** Requests that began in the last so many ms count; 0, the default: those that are active or wait. */
  readonly intervalMs: number;
}

/** HttpProtocolOptions for upstream connections. */
export interface UpstreamHttpConfig {
  /**
   * `downstream`: the protocol that the request came with (use_downstream_protocol_config). `auto`:
   * what ALPN chooses on each connection (auto_config).
   */
  readonly protocol: 'http1' | 'http2' | 'downstream' | 'auto';
  /** Used where `protocol` leads to HTTP/2. */
  readonly http2: H2ProtocolOptions;
  /** 0: off. */
  readonly maxStreamDurationMs: number;
  readonly http1: Http1OptionsConfig;
  /** 0: off. Default 1 h. */
  readonly idleTimeoutMs: number;
  /** 0: off. */
  readonly maxConnectionDurationMs: number;
  /** 0: unlimited. */
  readonly maxRequestsPerConnection: number;
  /** Of HTTP/1.1 responses. */
  readonly maxResponseHeaderBytes: number;
  /** Of HTTP/2 responses: Envoy's default is lower there. */
  readonly maxHttp2ResponseHeaderBytes: number;
  readonly maxHeadersCount: number;
  /** Absent: routes say it all. */
  readonly policies?: ClusterPoliciesConfig;
  /** Absent: requests say nothing of whom TLS is with. */
  readonly requestNames?: RequestNamesConfig;
}

/** UpstreamHttpProtocolOptions: requests name the server that they want. At least one is true. */
export interface RequestNamesConfig {
  /** auto_sni: it is asked for. */
  readonly setsServerName: boolean;
  /** auto_san_validation: its certificate must be for that name. */
  readonly verifiesName: boolean;
  /** override_auto_sni_header, lower case: where the name is, if a request has it; '' : the host. */
  readonly header: string;
}

/** retry_policy, hash_policy and request_mirror_policies of a cluster: they win over the routes'. */
export interface ClusterPoliciesConfig {
  /** null: the route's. Its times of attempts are not looked at. */
  readonly retry: RetryPolicyConfig | null;
  /** Empty: the route's. */
  readonly hashPolicies: readonly HashPolicyConfig[];
  /** Empty: the route's. */
  readonly mirrors: readonly MirrorPolicyConfig[];
}

/** UpstreamConnectionOptions.HappyEyeballsConfig: the order of a host's addresses. */
export interface HappyEyeballsConfig {
  /** null: that of the first address. */
  readonly firstFamily: 4 | 6 | null;
  /** So many of it before one of the other. Default 1. */
  readonly firstCount: number;
}
