// How names are asked for, and by whom.

/** How names of STRICT_DNS and LOGICAL_DNS clusters are resolved. */
export interface DnsConfig {
  readonly refreshMs: number;
  readonly failureRefreshBaseMs: number;
  readonly failureRefreshMaxMs: number;
  readonly respectTtl: boolean;
  /** A shorter time to live counts as this one; default 0. */
  readonly minTtlMs: number;
  readonly jitterMs: number;
  readonly family: 'auto' | 'v4-only' | 'v6-only' | 'v4-preferred' | 'all';
  readonly resolver: DnsResolverConfig;
}

/**
 * Who answers.
 * - `system`: getaddrinfo, or DNS servers of the system where a time to live is wanted.
 * - `getaddrinfo`: nothing else; answers live for a minute, as in Envoy.
 * - `servers`: DNS, by servers that the configuration names or with settings of its own.
 */
export type DnsResolverConfig =
  | { readonly kind: 'system' }
  | { readonly kind: 'getaddrinfo' }
  | DnsServersConfig;

/** extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig */
export interface DnsServersConfig {
  readonly kind: 'servers';
  /** `ip:port` in the order in which they are asked; none: those of the system. */
  readonly servers: readonly string[];
  /** rotate_nameservers: each question begins with the next one. */
  readonly rotates: boolean;
  /** They count only where the system has none. */
  readonly isFallback: boolean;
  /** Names are taken as they are, without search domains of the system. */
  readonly noSearch: boolean;
  /** Of one try. */
  readonly timeoutMs: number;
  readonly tries: number;
  /** Addresses of families without an interface are left out. */
  readonly filtersUnroutable: boolean;
}
