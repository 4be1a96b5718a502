// How the names of STRICT_DNS and LOGICAL_DNS clusters are resolved.
import {
  type Cluster,
  Cluster_DnsLookupFamily as Family,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { DnsConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileDnsResolver } from './dns-resolver.ts';
import { durationMs } from './field-values.ts';

/** Envoy cluster.v3.Cluster.dns_refresh_rate. Longer serves dead addresses, shorter loads resolvers. */
export const DEFAULT_DNS_REFRESH_MS = 5000;
/** Envoy cluster.v3.Cluster.RefreshRate.max_interval: this many base intervals. */
export const FAILURE_REFRESH_MAX_FACTOR = 10;

const FAMILIES: Readonly<Record<Family, DnsConfig['family']>> = {
  [Family.AUTO]: 'auto',
  [Family.V4_ONLY]: 'v4-only',
  [Family.V6_ONLY]: 'v6-only',
  [Family.V4_PREFERRED]: 'v4-preferred',
  [Family.ALL]: 'all',
};

/** Compiles the dns_ fields; they are complete for clusters of other types too. */
export function compileClusterDns(message: Cluster, context: CompileContext): DnsConfig {
  const rate = { path: 'dns_refresh_rate', value: message.dnsRefreshRate };
  const refreshMs = durationMs(context, rate, DEFAULT_DNS_REFRESH_MS);
  return {
    refreshMs,
    ...failureRefresh(message, refreshMs, context.at('dns_failure_refresh_rate')),
    respectTtl: message.respectDnsTtl,
    jitterMs: durationMs(context, { path: 'dns_jitter', value: message.dnsJitter }, 0),
    family: FAMILIES[message.dnsLookupFamily],
    resolver: compileDnsResolver(message, context),
  };
}

/** Failures are retried at the usual rate unless the author gives them their own. */
function failureRefresh(
  message: Cluster,
  refreshMs: number,
  context: CompileContext,
): Pick<DnsConfig, 'failureRefreshBaseMs' | 'failureRefreshMaxMs'> {
  const rate = message.dnsFailureRefreshRate;
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
