// Which fields of DNS resolvers are honoured; those not listed are refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

const NO_TCP: FieldSupport = {
  refused:
    'names are asked for over UDP, and over TCP only when an answer does not fit; leave it out',
};
const TYPED_RESOLVERS: FieldSupport = { partly: 'c-ares and getaddrinfo' };
const NO_CHANNEL: FieldSupport = { accepted: 'no channel outlives its question' };

const OPTIONS: SupportTable = {
  use_tcp_for_dns_lookups: NO_TCP,
  no_default_search_domain: 'honoured',
};

/** Fields of envoy.config.cluster.v3.Cluster that say who resolves names. */
export const DNS_RESOLVER_PLACES: SupportTable = {
  dns_resolvers: 'honoured',
  dns_resolution_config: 'honoured',
  typed_dns_resolver_config: TYPED_RESOLVERS,
  use_tcp_for_dns_lookups: NO_TCP,
};

/** Support of the messages in them, by type name. */
export const DNS_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.extensions.clusters.dns.v3.DnsCluster': {
    dns_refresh_rate: 'honoured',
    dns_failure_refresh_rate: 'honoured',
    respect_dns_ttl: 'honoured',
    dns_jitter: 'honoured',
    typed_dns_resolver_config: TYPED_RESOLVERS,
    dns_lookup_family: 'honoured',
    all_addresses_in_single_endpoint: 'honoured',
    dns_min_refresh_rate: 'honoured',
  },
  'envoy.extensions.clusters.dns.v3.DnsCluster.RefreshRate': {
    base_interval: 'honoured',
    max_interval: 'honoured',
  },
  'envoy.config.core.v3.DnsResolutionConfig': {
    resolvers: 'honoured',
    dns_resolver_options: 'honoured',
  },
  'envoy.config.core.v3.DnsResolverOptions': OPTIONS,
  'envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig': {
    num_retries: { accepted: 'the system decides how often it asks' },
    num_resolver_threads: { accepted: 'three names are asked for at once' },
  },
  'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig': {
    resolvers: 'honoured',
    use_resolvers_as_fallback: 'honoured',
    filter_unroutable_families: 'honoured',
    dns_resolver_options: 'honoured',
    udp_max_queries: NO_CHANNEL,
    query_timeout_seconds: 'honoured',
    query_tries: 'honoured',
    rotate_nameservers: 'honoured',
    edns0_max_payload_size: { refused: 'it cannot be set; larger answers come over TCP' },
    max_udp_channel_duration: NO_CHANNEL,
    reinit_channel_on_timeout: NO_CHANNEL,
    qcache_max_ttl: {
      accepted: 'answers are used again for 5 s at most, whatever their time to live',
    },
  },
};
