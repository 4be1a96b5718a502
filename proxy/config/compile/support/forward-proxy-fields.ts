// Which fields of dynamic forward proxies are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';

const CLUSTERS = 'envoy.extensions.clusters.dynamic_forward_proxy.v3';
const COMMON = 'envoy.extensions.common.dynamic_forward_proxy.v3';

/** Support of the cluster's messages and of those that it shares with the filters, by type name. */
export const FORWARD_PROXY_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${CLUSTERS}.ClusterConfig`]: {
    dns_cache_config: 'honoured',
    sub_clusters_config: {
      refused: 'there is no cluster for each host: use dns_cache_config, here and in the filter',
    },
    allow_insecure_cluster_options: 'honoured',
    allow_coalesced_connections: { accepted: 'connections of different names stay apart' },
  },
  [`${COMMON}.DnsCacheConfig`]: {
    name: 'honoured',
    dns_lookup_family: 'honoured',
    dns_refresh_rate: 'honoured',
    dns_min_refresh_rate: 'honoured',
    host_ttl: 'honoured',
    max_hosts: 'honoured',
    dns_failure_refresh_rate: 'honoured',
    dns_cache_circuit_breaker: 'honoured',
    use_tcp_for_dns_lookups: {
      refused:
        'names are asked for over UDP, and over TCP only when an answer does not fit; leave it out',
    },
    dns_resolution_config: 'honoured',
    typed_dns_resolver_config: { partly: 'c-ares and getaddrinfo' },
    preresolve_hostnames: 'honoured',
    dns_query_timeout: 'honoured',
    key_value_config: { refused: 'names are not kept beyond the process: leave it out' },
  },
  [`${COMMON}.DnsCacheCircuitBreakers`]: { max_pending_requests: 'honoured' },
};
