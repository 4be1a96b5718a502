// A cache of names that requests bring along: config of dynamic forward proxies.
import type { DnsConfig } from './dns.ts';

/** extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig; durations are ms. */
export interface DnsCacheConfig {
  /** Filters and clusters that name the same one, with the same settings, share it. */
  readonly name: string;
  /** `refreshMs` is for names without addresses, `minTtlMs` the least time between two questions. */
  readonly dns: DnsConfig;
  /** Names that nobody asked for are forgotten after this. Default 5 min. */
  readonly hostTtlMs: number;
  /** Default 1024. */
  readonly maxHosts: number;
  /** How long a question may take; 0: for ever. Default 5 s. */
  readonly queryTimeoutMs: number;
  /** dns_cache_circuit_breaker: requests that wait for a name. Default 1024. */
  readonly maxPendingRequests: number;
  /** preresolve_hostnames, as `name:port`. */
  readonly preresolved: readonly string[];
  /** Equal for equal settings. */
  readonly key: string;
}

/** envoy.clusters.dynamic_forward_proxy */
export interface ForwardProxyConfig {
  readonly cache: DnsCacheConfig;
  /** Of names without one: 443 if its connections are secure, else 80. */
  readonly defaultPort: number;
}
