// Which fields of clusters and endpoints are honoured; those not listed are refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';
import { NO_UPSTREAM_TLS } from './http-protocol-fields.ts';

const NO_HEALTH_CHECKS: FieldSupport = { accepted: 'there are no active health checks' };

const SLOW_START: SupportTable = {
  slow_start_window: 'honoured',
  aggression: 'honoured',
  min_weight_percent: 'honoured',
};
const HASHING: SupportTable = {
  use_hostname_for_hashing: 'honoured',
  hash_balance_factor: 'honoured',
};

/** Support of envoy.config.cluster.v3 and envoy.config.endpoint.v3 messages, by type name. */
export const CLUSTER_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.cluster.v3.Cluster': {
    name: 'honoured',
    alt_stat_name: 'honoured',
    type: { partly: 'STATIC, STRICT_DNS, LOGICAL_DNS and ORIGINAL_DST' },
    connect_timeout: 'honoured',
    per_connection_buffer_limit_bytes: 'honoured',
    lb_policy: {
      partly:
        'ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH, MAGLEV, and CLUSTER_PROVIDED of ORIGINAL_DST',
    },
    load_assignment: 'honoured',
    max_requests_per_connection: 'honoured',
    circuit_breakers: 'honoured',
    common_http_protocol_options: 'honoured',
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    protocol_selection: 'honoured',
    upstream_http_protocol_options: NO_UPSTREAM_TLS,
    typed_extension_protocol_options: {
      partly: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions only',
    },
    dns_refresh_rate: 'honoured',
    dns_failure_refresh_rate: 'honoured',
    respect_dns_ttl: 'honoured',
    dns_lookup_family: 'honoured',
    wait_for_warm_on_init: { accepted: 'names are looked up before the listeners start' },
    cleanup_interval: 'honoured',
    original_dst_lb_config: 'honoured',
    upstream_bind_config: 'honoured',
    least_request_lb_config: 'honoured',
    ring_hash_lb_config: 'honoured',
    maglev_lb_config: 'honoured',
    round_robin_lb_config: 'honoured',
    common_lb_config: 'honoured',
    transport_socket: 'honoured',
    metadata: 'honoured',
    upstream_connection_options: 'honoured',
    close_connections_on_host_health_failure: NO_HEALTH_CHECKS,
    ignore_health_on_host_removal: NO_HEALTH_CHECKS,
    load_balancing_policy: { partly: 'round_robin, least_request, random, ring_hash, maglev' },
    preconnect_policy: { accepted: 'connections are made when requests need them' },
  },
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
    healthy_panic_threshold: 'honoured',
    override_host_status: { partly: 'DRAINING and TIMEOUT are UNHEALTHY, UNKNOWN is HEALTHY' },
    update_merge_window: { accepted: 'changes of hosts take effect at once' },
    ignore_new_hosts_until_first_hc: NO_HEALTH_CHECKS,
    consistent_hashing_lb_config: 'honoured',
    locality_weighted_lb_config: 'honoured',
  },
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
    min_retry_concurrency: 'honoured',
  },
  'envoy.config.cluster.v3.UpstreamConnectionOptions': {
    tcp_keepalive: 'honoured',
    set_local_interface_name_on_upstream_connections: { accepted: 'nothing reads the name' },
  },
  'envoy.config.cluster.v3.LoadBalancingPolicy': { policies: 'honoured' },
  'envoy.config.cluster.v3.LoadBalancingPolicy.Policy': { typed_extension_config: 'honoured' },
  'envoy.config.core.v3.BindConfig': { source_address: 'honoured' },
  'envoy.config.endpoint.v3.ClusterLoadAssignment': {
    cluster_name: 'honoured',
    endpoints: 'honoured',
    policy: 'honoured',
  },
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy': {
    overprovisioning_factor: 'honoured',
    endpoint_stale_after: { accepted: 'static endpoints do not become stale' },
  },
  'envoy.config.endpoint.v3.LocalityLbEndpoints': {
    locality: 'honoured',
    metadata: { accepted: 'nothing reads it' },
    lb_endpoints: 'honoured',
    load_balancing_weight: 'honoured',
    priority: 'honoured',
    proximity: { accepted: 'Envoy does not use it either' },
  },
  'envoy.config.endpoint.v3.LbEndpoint': {
    endpoint: 'honoured',
    health_status: 'honoured',
    metadata: 'honoured',
    load_balancing_weight: 'honoured',
  },
  'envoy.config.endpoint.v3.Endpoint': {
    address: 'honoured',
    health_check_config: NO_HEALTH_CHECKS,
    hostname: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin': {
    slow_start_config: 'honoured',
    locality_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig': SLOW_START,
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig': {
    locality_weighted_lb_config: 'honoured',
  },
  'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig':
    {},
  'envoy.extensions.load_balancing_policies.random.v3.Random': {},
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
