// extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.
import type { DnsCacheConfig as Message } from '../../api/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js';
import { ipVersion } from '../../base/ip-address.ts';
import type { DnsResolverConfig } from '../../model/dns.ts';
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileFailureRefresh, FAMILIES } from './cluster-dns.ts';
import { compileDnsResolver, defaultCares } from './dns-resolver.ts';
import { durationMs } from './field-values.ts';
import { deepFreeze } from './freeze.ts';

/** Envoy dns_refresh_rate. Longer keeps wrong failures, shorter loads resolvers. */
const DEFAULT_REFRESH_MS = 60_000;
/** Envoy dns_min_refresh_rate. */
const DEFAULT_MIN_REFRESH_MS = 5000;
/** Envoy host_ttl. Longer keeps names that nobody wants. */
const DEFAULT_HOST_TTL_MS = 300_000;
/** Envoy max_hosts: what clients may make the proxy remember. */
const DEFAULT_MAX_HOSTS = 1024;
/** Envoy dns_query_timeout. */
const DEFAULT_QUERY_TIMEOUT_MS = 5000;
/** Envoy DnsCacheCircuitBreakers.max_pending_requests. */
const DEFAULT_MAX_PENDING = 1024;

/** A compiled cache; what is refused goes to `context`, which stands at the message. */
export function compileDnsCache(message: Message, context: CompileContext): DnsCacheConfig {
  const field = (path: string, value: Message['hostTtl'], absent: number): number =>
    durationMs(context, { path, value }, absent);
  const refreshMs = field('dns_refresh_rate', message.dnsRefreshRate, DEFAULT_REFRESH_MS);
  const failures = context.at('dns_failure_refresh_rate');
  const config = {
    name: message.name,
    dns: {
      refreshMs,
      ...compileFailureRefresh(message.dnsFailureRefreshRate, refreshMs, failures),
      respectTtl: true,
      minTtlMs: field('dns_min_refresh_rate', message.dnsMinRefreshRate, DEFAULT_MIN_REFRESH_MS),
      jitterMs: 0,
      family: FAMILIES[message.dnsLookupFamily],
      resolver: compileResolver(message, context),
    },
    hostTtlMs: field('host_ttl', message.hostTtl, DEFAULT_HOST_TTL_MS),
    maxHosts: message.maxHosts ?? DEFAULT_MAX_HOSTS,
    queryTimeoutMs: field('dns_query_timeout', message.dnsQueryTimeout, DEFAULT_QUERY_TIMEOUT_MS),
    maxPendingRequests: message.dnsCacheCircuitBreaker?.maxPendingRequests ?? DEFAULT_MAX_PENDING,
    preresolved: preresolved(message, context),
  };
  const cache = deepFreeze({ ...config, key: JSON.stringify(config) });
  if (context.environment.noteDnsCache?.(cache) === false) {
    const rule = `config specified DNS cache '${message.name}' with different settings`;
    context.reject('', `${rule}: a filter and its cluster need the same dns_cache_config`);
  }
  return cache;
}

/** Without a word of it never the system's own: names of strangers would hold up its few threads. */
function compileResolver(
  { typedDnsResolverConfig: typed, dnsResolutionConfig: resolution }: Message,
  context: CompileContext,
): DnsResolverConfig {
  if (typed === undefined && resolution === undefined) return defaultCares();
  const fields = {
    ...(typed !== undefined && { typedDnsResolverConfig: typed }),
    ...(resolution !== undefined && { dnsResolutionConfig: resolution }),
  };
  return compileDnsResolver({ ...fields, dnsResolvers: [] }, context);
}

function preresolved(message: Message, context: CompileContext): readonly string[] {
  const names = message.preresolveHostnames.map(({ address, portSpecifier }, index) => {
    const at = context.at(`preresolve_hostnames[${index}]`);
    if (portSpecifier.case === 'namedPort') at.reject('named_port', 'use port_value');
    const host = ipVersion(address) === 6 ? `[${address}]` : address;
    return `${host}:${portSpecifier.case === 'portValue' ? portSpecifier.value : 0}`;
  });
  return [...new Set(names)];
}
