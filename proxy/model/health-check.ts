// Active health checks of a cluster, compiled from config.core.v3.HealthCheck.
import type { SocketAddress } from '../base/address.ts';
import type { HeaderValueConfig } from './header-mutations.ts';
import type { StringMatchConfig } from './route-match.ts';

/** Intervals and times are ms; each check takes at most `timeoutMs`. */
export interface HealthCheckConfig {
  /** Its statistics are `health_check.name.<this>.`; '': they are `health_check.` */
  readonly name: string;
  readonly timeoutMs: number;
  readonly intervals: CheckIntervalsConfig;
  /** Failures in a row, of those that are not definite, that make a host unhealthy; 0: none do. */
  readonly unhealthyThreshold: number;
  /** Successes in a row that make it healthy again. The first check of all needs one. */
  readonly healthyThreshold: number;
  /** A connection serves more than one check. */
  readonly reusesConnection: boolean;
  /** tls_options: ALPN of checks instead of the cluster's; empty: that. */
  readonly applicationProtocols: readonly string[];
  readonly alwaysLogsFailures: boolean;
  readonly alwaysLogsSuccesses: boolean;
  /** Files that get an event a line: event_log_path, then those of event_logger. */
  readonly eventLogPaths: readonly string[];
  readonly checker: CheckerConfig;
  /** Labels that transport_socket_matches go by instead of the endpoints' own; absent: theirs. */
  readonly transportCriteria?: Readonly<Record<string, unknown>>;
}

/** When a host is checked again; ms. */
export interface CheckIntervalsConfig {
  /** Of healthy hosts. */
  readonly intervalMs: number;
  /** Of unhealthy ones. Default: intervalMs. */
  readonly unhealthyMs: number;
  /** While failures add up to the threshold. Default: unhealthyMs. */
  readonly unhealthyEdgeMs: number;
  /** While successes do. Default: intervalMs. */
  readonly healthyEdgeMs: number;
  /** As long as the cluster never had a connection; of hosts that are healthy then. */
  readonly noTrafficMs: number;
  readonly noTrafficHealthyMs: number;
  /** The first check comes within it; 0: at once. */
  readonly initialJitterMs: number;
  /** Added by chance, both. */
  readonly jitterMs: number;
  readonly jitterPercent: number;
  /** Runtime health_check.min_interval and max_interval. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** How a host is asked. */
export type CheckerConfig =
  | ({ readonly kind: 'http' } & HttpCheckConfig)
  | ({ readonly kind: 'tcp' } & TcpCheckConfig)
  | ({ readonly kind: 'grpc' } & GrpcCheckConfig);

/** Statuses from `start` up to and without `end`. */
export interface StatusRange {
  readonly start: number;
  readonly end: number;
}

/** HealthCheck.HttpHealthCheck */
export interface HttpCheckConfig {
  /** Authority unless the endpoint has its own; '': the cluster's name. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly protocol: 'http1' | 'http2';
  /** Sent as the request's content; empty: it has none. */
  readonly send: Uint8Array;
  /** Found in this order in the response's content; empty: nobody looks at it. */
  readonly receive: readonly Uint8Array[];
  /** So much of the content is looked at; 0: all. */
  readonly responseBufferBytes: number;
  readonly addHeaders: readonly HeaderValueConfig[];
  /** Lower case. */
  readonly removeHeaders: readonly string[];
  readonly expectedStatuses: readonly StatusRange[];
  /** Others are a definite failure; these count towards the threshold. */
  readonly retriableStatuses: readonly StatusRange[];
  /** What x-envoy-upstream-healthchecked-cluster must be; null: anything. */
  readonly serviceName: StringMatchConfig | null;
}

/** HealthCheck.TcpHealthCheck. Without `receive` it is enough that the host accepts a connection. */
export interface TcpCheckConfig {
  readonly send: Uint8Array;
  readonly receive: readonly Uint8Array[];
}

/** HealthCheck.GrpcHealthCheck */
export interface GrpcCheckConfig {
  /** '': the server as a whole. */
  readonly serviceName: string;
  /** As `host` of HTTP checks. */
  readonly authority: string;
  readonly addHeaders: readonly HeaderValueConfig[];
}

/** Endpoint.HealthCheckConfig */
export interface EndpointCheckConfig {
  /** Checks go there; null: to the host itself, at `port`. */
  readonly address: SocketAddress | null;
  /** 0: the address's own. */
  readonly port: number;
  /** Authority of checks; '': as the cluster says. */
  readonly hostname: string;
  /** It is not checked and counts as healthy. */
  readonly isDisabled: boolean;
}

/** An endpoint without health_check_config. */
export const PLAIN_ENDPOINT_CHECK: EndpointCheckConfig = Object.freeze({
  address: null,
  port: 0,
  hostname: '',
  isDisabled: false,
});
