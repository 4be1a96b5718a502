// Which fields of clusters and endpoints are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';
import { DNS_FIELDS, DNS_RESOLVER_PLACES } from './dns-fields.ts';
import { FORWARD_PROXY_FIELDS } from './forward-proxy-fields.ts';
import { HEALTH_CHECK_FIELDS } from './health-check-fields.ts';
import { LB_WRAPPER_FIELDS } from './lb-wrapper-fields.ts';

const SLOW_START: SupportTable = {
  slow_start_window: 'honoured',
  aggression: 'honoured',
  min_weight_percent: 'honoured',
};
const ZONE_AWARE: SupportTable = {
  routing_enabled: 'honoured',
  min_cluster_size: 'honoured',
  fail_traffic_on_panic: 'honoured',
};
const SELECTOR: SupportTable = {
  keys: 'honoured',
  single_host_per_subset: 'honoured',
  fallback_policy: 'honoured',
  fallback_keys_subset: 'honoured',
};
const SUBSETS: SupportTable = {
  fallback_policy: 'honoured',
  default_subset: 'honoured',
  subset_selectors: 'honoured',
  locality_weight_aware: 'honoured',
  scale_locality_weight: 'honoured',
  panic_mode_any: 'honoured',
  list_as_any: 'honoured',
  metadata_fallback_policy: 'honoured',
};
const HASHING: SupportTable = {
  use_hostname_for_hashing: 'honoured',
  hash_balance_factor: 'honoured',
};

/** Node does not set these: connections fail where the system's calls are out of reach. */
const BY_NATIVE_CALLS = { partly: 'on Linux, with the optional package koffi' } as const;

/** Support of envoy.config.cluster.v3 and envoy.config.endpoint.v3 messages, by type name. */
export const CLUSTER_FIELDS: Readonly<Record<string, SupportTable>> = {
  ...HEALTH_CHECK_FIELDS,
  ...DNS_FIELDS,
  'envoy.config.cluster.v3.Cluster.TransportSocketMatch': {
    name: 'honoured',
    match: 'honoured',
    transport_socket: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster': {
    name: 'honoured',
    alt_stat_name: 'honoured',
    type: 'honoured',
    eds_cluster_config: 'honoured',
    cluster_type: {
      partly:
        'envoy.clusters.aggregate, envoy.clusters.dns, envoy.clusters.dynamic_forward_proxy, and envoy.cluster.static and its like, which are what type has',
    },
    connect_timeout: 'honoured',
    per_connection_buffer_limit_bytes: 'honoured',
    lb_policy: {
      partly:
        'ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH, MAGLEV, and CLUSTER_PROVIDED of ORIGINAL_DST, aggregates and dynamic forward proxies',
    },
    load_assignment: 'honoured',
    max_requests_per_connection: 'honoured',
    circuit_breakers: 'honoured',
    common_http_protocol_options: 'honoured',
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    protocol_selection: 'honoured',
    upstream_http_protocol_options: 'honoured',
    typed_extension_protocol_options: {
      partly: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions only',
    },
    dns_refresh_rate: 'honoured',
    dns_failure_refresh_rate: 'honoured',
    respect_dns_ttl: 'honoured',
    dns_lookup_family: 'honoured',
    dns_jitter: 'honoured',
    ...DNS_RESOLVER_PLACES,
    wait_for_warm_on_init: { accepted: 'names are looked up before the listeners start' },
    cleanup_interval: 'honoured',
    original_dst_lb_config: 'honoured',
    upstream_bind_config: 'honoured',
    least_request_lb_config: 'honoured',
    ring_hash_lb_config: 'honoured',
    maglev_lb_config: 'honoured',
    round_robin_lb_config: 'honoured',
    lb_subset_config: 'honoured',
    common_lb_config: 'honoured',
    transport_socket: 'honoured',
    transport_socket_matches: 'honoured',
    metadata: 'honoured',
    outlier_detection: 'honoured',
    lrs_server: {
      accepted:
        'Envoy uses it behind a runtime guard that is off only: see cluster_manager.load_stats_config',
    },
    lrs_report_endpoint_metrics: 'honoured',
    upstream_connection_options: 'honoured',
    health_checks: { partly: 'one, which the primary makes for all workers' },
    close_connections_on_host_health_failure: 'honoured',
    ignore_health_on_host_removal: 'honoured',
    load_balancing_policy: {
      partly:
        'round_robin, least_request, random, ring_hash, maglev, client_side_weighted_round_robin, wrr_locality, override_host, subset, cluster_provided',
    },
    connection_pool_per_downstream_connection: 'honoured',
    filters: { partly: 'those that are passed through' },
    preconnect_policy: 'honoured',
  },
  'envoy.config.cluster.v3.Filter': { name: 'honoured', typed_config: 'honoured' },
  'envoy.config.cluster.v3.Cluster.EdsClusterConfig': {
    eds_config: 'honoured',
    service_name: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster.PreconnectPolicy': {
    per_upstream_preconnect_ratio: 'honoured',
    predictive_preconnect_ratio: { partly: 'of round_robin and random' },
  },
  'envoy.config.cluster.v3.Cluster.CustomClusterType': {
    name: { accepted: 'typed_config says the type' },
    typed_config: 'honoured',
  },
  'envoy.extensions.clusters.aggregate.v3.ClusterConfig': { clusters: 'honoured' },
  ...FORWARD_PROXY_FIELDS,
  ...LB_WRAPPER_FIELDS,
  'envoy.config.cluster.v3.Cluster.RefreshRate': {
    base_interval: 'honoured',
    max_interval: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster.LeastRequestLbConfig': {
    choice_count: 'honoured',
    active_request_bias: 'honoured',
    slow_start_config: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster.RoundRobinLbConfig': { slow_start_config: 'honoured' },
  'envoy.config.cluster.v3.Cluster.SlowStartConfig': SLOW_START,
  'envoy.config.cluster.v3.Cluster.RingHashLbConfig': {
    minimum_ring_size: 'honoured',
    maximum_ring_size: 'honoured',
    hash_function: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster.MaglevLbConfig': { table_size: 'honoured' },
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig': HASHING,
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig': {},
  'envoy.config.cluster.v3.Cluster.OriginalDstLbConfig': {
    use_http_header: 'honoured',
    http_header_name: 'honoured',
    upstream_port_override: 'honoured',
    metadata_key: { refused: 'no supported filter writes request metadata' },
  },
  'envoy.config.cluster.v3.Cluster.CommonLbConfig': {
    close_connections_on_host_set_change: 'honoured',
    healthy_panic_threshold: 'honoured',
    override_host_status: { partly: 'DRAINING and TIMEOUT are UNHEALTHY, UNKNOWN is HEALTHY' },
    update_merge_window: { accepted: 'changes of hosts take effect at once' },
    ignore_new_hosts_until_first_hc: 'honoured',
    consistent_hashing_lb_config: 'honoured',
    locality_weighted_lb_config: 'honoured',
    zone_aware_lb_config: 'honoured',
  },
  'envoy.config.cluster.v3.OutlierDetection': {
    consecutive_5xx: 'honoured',
    interval: 'honoured',
    base_ejection_time: 'honoured',
    max_ejection_percent: 'honoured',
    enforcing_consecutive_5xx: 'honoured',
    enforcing_success_rate: 'honoured',
    success_rate_minimum_hosts: 'honoured',
    success_rate_request_volume: 'honoured',
    success_rate_stdev_factor: 'honoured',
    consecutive_gateway_failure: 'honoured',
    enforcing_consecutive_gateway_failure: 'honoured',
    split_external_local_origin_errors: 'honoured',
    consecutive_local_origin_failure: 'honoured',
    enforcing_consecutive_local_origin_failure: 'honoured',
    enforcing_local_origin_success_rate: 'honoured',
    failure_percentage_threshold: 'honoured',
    enforcing_failure_percentage: 'honoured',
    enforcing_failure_percentage_local_origin: 'honoured',
    failure_percentage_minimum_hosts: 'honoured',
    failure_percentage_request_volume: 'honoured',
    max_ejection_time: 'honoured',
    max_ejection_time_jitter: 'honoured',
    successful_active_health_check_uneject_host: 'honoured',
    monitors: { refused: 'use the counts of failures in a row and by percentage beside it' },
    always_eject_one_host: 'honoured',
    detect_degraded_hosts: 'honoured',
  },
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig': ZONE_AWARE,
  'envoy.config.cluster.v3.Cluster.LbSubsetConfig': SUBSETS,
  'envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector': SELECTOR,
  'envoy.extensions.load_balancing_policies.subset.v3.Subset': {
    ...SUBSETS,
    allow_redundant_keys: 'honoured',
    subset_lb_policy: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector': SELECTOR,
  'envoy.config.cluster.v3.CircuitBreakers': {
    thresholds: 'honoured',
    per_host_thresholds: { partly: 'max_connections, the only one that Envoy has' },
  },
  'envoy.config.cluster.v3.CircuitBreakers.Thresholds': {
    priority: 'honoured',
    max_connections: 'honoured',
    max_pending_requests: 'honoured',
    max_requests: 'honoured',
    max_retries: 'honoured',
    retry_budget: 'honoured',
    track_remaining: 'honoured',
    max_connection_pools: 'honoured',
  },
  'envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget': {
    budget_percent: 'honoured',
    budget_interval: 'honoured',
    min_retry_concurrency: 'honoured',
  },
  'envoy.config.cluster.v3.UpstreamConnectionOptions': {
    tcp_keepalive: 'honoured',
    happy_eyeballs_config: 'honoured',
    set_local_interface_name_on_upstream_connections: { accepted: 'nothing reads the name' },
  },
  'envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig': {
    first_address_family_version: 'honoured',
    first_address_family_count: 'honoured',
  },
  'envoy.config.endpoint.v3.Endpoint.AdditionalAddress': { address: 'honoured' },
  'envoy.config.cluster.v3.LoadBalancingPolicy': { policies: 'honoured' },
  'envoy.config.cluster.v3.LoadBalancingPolicy.Policy': { typed_extension_config: 'honoured' },
  'envoy.config.core.v3.BindConfig': {
    source_address: 'honoured',
    freebind: BY_NATIVE_CALLS,
    socket_options: BY_NATIVE_CALLS,
    extra_source_addresses: 'honoured',
    additional_source_addresses: 'honoured',
    local_address_selector: {
      refused: 'sources are chosen by the IP version of the upstream; leave it out',
    },
  },
  'envoy.config.core.v3.ExtraSourceAddress': { address: 'honoured', socket_options: 'honoured' },
  'envoy.config.core.v3.SocketOptionsOverride': { socket_options: 'honoured' },
  'envoy.config.core.v3.SocketOption': {
    description: { accepted: 'it is for people' },
    level: 'honoured',
    name: 'honoured',
    int_value: 'honoured',
    buf_value: 'honoured',
    state: { partly: 'options of STATE_PREBIND; a connection has no other state, as in Envoy' },
  },
  'envoy.config.endpoint.v3.ClusterLoadAssignment': {
    cluster_name: 'honoured',
    endpoints: 'honoured',
    policy: 'honoured',
  },
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy': {
    overprovisioning_factor: 'honoured',
    drop_overloads: { partly: 'one category' },
    weighted_priority_health: 'honoured',
    endpoint_stale_after: { partly: 'of EDS; static endpoints do not become stale' },
  },
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload': {
    category: 'honoured',
    drop_percentage: 'honoured',
  },
  'envoy.config.endpoint.v3.LocalityLbEndpoints': {
    locality: 'honoured',
    metadata: { accepted: 'nothing reads it' },
    lb_endpoints: 'honoured',
    load_balancing_weight: 'honoured',
    priority: 'honoured',
    proximity: { accepted: 'Envoy does not use it either' },
    leds_cluster_locality_config: {
      refused: 'endpoints of a locality are not discovered one by one: send them in lb_endpoints',
    },
  },
  'envoy.config.endpoint.v3.LbEndpoint': {
    endpoint: 'honoured',
    health_status: 'honoured',
    metadata: 'honoured',
    load_balancing_weight: 'honoured',
  },
  'envoy.config.endpoint.v3.Endpoint': {
    address: 'honoured',
    health_check_config: 'honoured',
    hostname: 'honoured',
    additional_addresses: { partly: 'of STATIC and EDS clusters' },
  },
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin': {
    slow_start_config: 'honoured',
    locality_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig': SLOW_START,
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig': {
    locality_weighted_lb_config: 'honoured',
    zone_aware_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig': {
    ...ZONE_AWARE,
    force_locality_direct_routing: 'honoured',
    force_local_zone: 'honoured',
    locality_basis: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig.ForceLocalZone':
    { min_size: 'honoured' },
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig':
    {},
  'envoy.extensions.load_balancing_policies.random.v3.Random': {
    locality_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig': HASHING,
  'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash': {
    hash_function: 'honoured',
    minimum_ring_size: 'honoured',
    maximum_ring_size: 'honoured',
    use_hostname_for_hashing: 'honoured',
    hash_balance_factor: 'honoured',
    consistent_hashing_lb_config: 'honoured',
    locality_weighted_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.maglev.v3.Maglev': {
    table_size: 'honoured',
    consistent_hashing_lb_config: 'honoured',
    locality_weighted_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest': {
    choice_count: 'honoured',
    active_request_bias: 'honoured',
    slow_start_config: 'honoured',
    locality_lb_config: 'honoured',
    enable_full_scan: 'honoured',
    selection_method: 'honoured',
  },
};
