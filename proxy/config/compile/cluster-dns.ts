// How the names of STRICT_DNS and LOGICAL_DNS clusters are resolved.
import {
  type Cluster,
  Cluster_DnsLookupFamily as Family,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { DnsLookupFamily as ExtensionFamily } from '../../api/gen/envoy/extensions/clusters/common/dns/v3/dns_pb.js';
import type { DnsCluster } from '../../api/gen/envoy/extensions/clusters/dns/v3/dns_cluster_pb.js';
import type { DnsConfig } from '../../model/dns.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileDnsResolver, compileTypedDnsResolver } from './dns-resolver.ts';
import { durationMs } from './field-values.ts';

/** Envoy cluster.v3.Cluster.dns_refresh_rate. Longer serves dead addresses, shorter loads resolvers. */
export const DEFAULT_DNS_REFRESH_MS = 5000;
/** Envoy cluster.v3.Cluster.RefreshRate.max_interval: this many base intervals. */
export const FAILURE_REFRESH_MAX_FACTOR = 10;

/** Envoy's cluster.v3.Cluster.DnsLookupFamily. */
export const FAMILIES: Readonly<Record<Family, DnsConfig['family']>> = {
  [Family.AUTO]: 'auto',
  [Family.V4_ONLY]: 'v4-only',
  [Family.V6_ONLY]: 'v6-only',
  [Family.V4_PREFERRED]: 'v4-preferred',
  [Family.ALL]: 'all',
};

const EXTENSION_FAMILIES: Readonly<Record<ExtensionFamily, DnsConfig['family']>> = {
  [ExtensionFamily.UNSPECIFIED]: 'auto',
  [ExtensionFamily.AUTO]: 'auto',
  [ExtensionFamily.V4_ONLY]: 'v4-only',
  [ExtensionFamily.V6_ONLY]: 'v6-only',
  [ExtensionFamily.V4_PREFERRED]: 'v4-preferred',
  [ExtensionFamily.ALL]: 'all',
};

/** Fields that a cluster and envoy.clusters.dns have alike. */
type RefreshFields = Pick<
  DnsCluster,
  'dnsRefreshRate' | 'dnsJitter' | 'respectDnsTtl' | 'dnsFailureRefreshRate'
>;
type FailureRate = DnsCluster['dnsFailureRefreshRate'] | Cluster['dnsFailureRefreshRate'];

/**
 * Compiles the dns_ fields, those of envoy.clusters.dns if the cluster is one; they are complete
 * for clusters of other types too.
 */
export function compileClusterDns(
  message: Cluster,
  extension: DnsCluster | null,
  context: CompileContext,
): DnsConfig {
  if (extension !== null) return compileDnsCluster(message, extension, context);
  return {
    minTtlMs: 0,
    ...refreshRules(message, context),
    family: FAMILIES[message.dnsLookupFamily],
    resolver: compileDnsResolver(message, context),
  };
}

/** Of the cluster itself only the resolver counts. */
function compileDnsCluster(
  cluster: Cluster,
  message: DnsCluster,
  context: CompileContext,
): DnsConfig {
  const at = context.at('cluster_type.typed_config');
  const least = { path: 'dns_min_refresh_rate', value: message.dnsMinRefreshRate };
  const { typedDnsResolverConfig: resolver } = message;
  return {
    minTtlMs: durationMs(at, least, 0),
    ...refreshRules(message, at),
    family: EXTENSION_FAMILIES[message.dnsLookupFamily],
    resolver:
      resolver === undefined
        ? compileDnsResolver(cluster, context)
        : compileTypedDnsResolver(resolver, at.at('typed_dns_resolver_config')),
  };
}

function refreshRules(
  message: Omit<RefreshFields, 'dnsFailureRefreshRate'> & { dnsFailureRefreshRate?: FailureRate },
  context: CompileContext,
): Omit<DnsConfig, 'family' | 'resolver' | 'minTtlMs'> {
  const rate = { path: 'dns_refresh_rate', value: message.dnsRefreshRate };
  const refreshMs = durationMs(context, rate, DEFAULT_DNS_REFRESH_MS);
  const failureRate = message.dnsFailureRefreshRate;
  return {
    refreshMs,
    ...compileFailureRefresh(failureRate, refreshMs, context.at('dns_failure_refresh_rate')),
    respectTtl: message.respectDnsTtl,
    jitterMs: durationMs(context, { path: 'dns_jitter', value: message.dnsJitter }, 0),
  };
}

/** Failures are retried at the usual rate unless the author gives them their own. */
export function compileFailureRefresh(
  rate: FailureRate,
  refreshMs: number,
  context: CompileContext,
): Pick<DnsConfig, 'failureRefreshBaseMs' | 'failureRefreshMaxMs'> {
  if (rate === undefined)
    return { failureRefreshBaseMs: refreshMs, failureRefreshMaxMs: refreshMs };
  const base = { path: 'base_interval', value: rate.baseInterval };
  const failureRefreshBaseMs = durationMs(context, base, refreshMs);
  const max = { path: 'max_interval', value: rate.maxInterval };
  const failureRefreshMaxMs = durationMs(
    context,
    max,
    failureRefreshBaseMs * FAILURE_REFRESH_MAX_FACTOR,
  );
  if (failureRefreshMaxMs < failureRefreshBaseMs) {
    const rule = 'must have max_interval greater than or equal to the base_interval';
    context.reject('max_interval', `dns_failure_refresh_rate ${rule}`);
  }
  return { failureRefreshBaseMs, failureRefreshMaxMs };
}
