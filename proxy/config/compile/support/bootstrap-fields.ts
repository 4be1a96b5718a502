// Which fields of a bootstrap are honoured; those not listed are refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

const FOR_SERVERS: FieldSupport = {
  partly: 'sent to servers of dynamic_resources; nothing else reads it',
};
const NO_FEDERATION: FieldSupport = {
  refused: 'names of the form xdstp:// are not supported: use plain names',
};
const UNUSED_BY_SERVERS: FieldSupport = { accepted: 'only names of the form xdstp:// carry it' };

/** Support of envoy.config.bootstrap.v3 and envoy.config.metrics.v3 messages, by type name. */
export const BOOTSTRAP_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.bootstrap.v3.Bootstrap': {
    node: 'honoured',
    node_context_params: UNUSED_BY_SERVERS,
    static_resources: 'honoured',
    dynamic_resources: 'honoured',
    bootstrap_extensions: { partly: 'only envoy.bootstrap.internal_listener' },
    cluster_manager: 'honoured',
    hds_config: 'honoured',
    deferred_stat_options: { accepted: 'it saves memory in Envoy only' },
    stats_config: 'honoured',
    stats_flush_interval: 'honoured',
    stats_flush_on_admin: {
      accepted: 'statistics are always current when the admin interface shows them',
    },
    watchdog: { accepted: 'the primary replaces workers that die' },
    watchdogs: { accepted: 'the primary replaces workers that die' },
    layered_runtime: 'honoured',
    admin: 'honoured',
    overload_manager: 'honoured',
    enable_dispatcher_stats: { accepted: 'there are no dispatchers' },
    header_prefix: { partly: 'only x-envoy, the default' },
    perf_tracing_file_path: { accepted: 'Envoy reads it only in builds for tracing' },
    default_regex_engine: { partly: 'only envoy.regex_engines.google_re2, the default' },
    memory_allocator_manager: { accepted: 'the JavaScript engine manages memory' },
    grpc_async_client_manager_config: { accepted: 'there are no gRPC clients' },
  },
  'envoy.config.bootstrap.v3.Bootstrap.DynamicResources': {
    lds_config: 'honoured',
    lds_resources_locator: NO_FEDERATION,
    cds_config: 'honoured',
    cds_resources_locator: NO_FEDERATION,
    ads_config: 'honoured',
  },
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources': {
    listeners: 'honoured',
    clusters: 'honoured',
    secrets: 'honoured',
  },
  'envoy.config.bootstrap.v3.Admin': {
    access_log: 'honoured',
    access_log_path: 'honoured',
    profile_path: { accepted: 'there is no CPU profiler to write there' },
    address: 'honoured',
    ignore_global_conn_limit: { accepted: 'admin connections are never limited' },
  },
  'envoy.config.bootstrap.v3.ClusterManager': {
    local_cluster_name: 'honoured',
    enable_deferred_cluster_creation: { accepted: 'it saves memory in Envoy only' },
    outlier_detection: 'honoured',
    load_stats_config: 'honoured',
  },
  'envoy.config.bootstrap.v3.ClusterManager.OutlierDetection': {
    event_log_path: 'honoured',
    event_service: { accepted: 'Envoy does not use it either' },
  },
  'envoy.config.bootstrap.v3.LayeredRuntime': { layers: 'honoured' },
  'envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer': {
    symlink_root: 'honoured',
    subdirectory: 'honoured',
    append_service_cluster: 'honoured',
  },
  'envoy.config.bootstrap.v3.RuntimeLayer': {
    name: 'honoured',
    static_layer: { partly: 'keys that honoured fields name; others change nothing' },
    admin_layer: 'honoured',
    disk_layer: 'honoured',
    rtds_layer: 'honoured',
  },
  'envoy.config.bootstrap.v3.RuntimeLayer.RtdsLayer': { name: 'honoured', rtds_config: 'honoured' },
  'envoy.service.runtime.v3.Runtime': {
    name: 'honoured',
    layer: { partly: 'keys that honoured fields name; others change nothing' },
  },
  'envoy.extensions.bootstrap.internal_listener.v3.InternalListener': {
    buffer_size_kb: 'honoured',
  },
  'envoy.extensions.regex_engines.v3.GoogleRE2': {},
  'envoy.config.overload.v3.OverloadManager': {
    refresh_interval: 'honoured',
    resource_monitors: {
      partly:
        'fixed_heap, cgroup_memory, cpu_utilization, injected_resource and global_downstream_max_connections',
    },
    actions: {
      partly:
        'stop_accepting_requests, disable_http_keepalive, reject_incoming_connections, reduce_timeouts, and stop_accepting_connections, which rejects connections, too; shrink_heap has no effect',
    },
    loadshed_points: {
      partly: 'tcp_listener_accept and http_connection_manager_decode_headers',
    },
    buffer_factory_config: {
      refused: 'it serves reset_high_memory_stream, which is refused; leave it out',
    },
  },
  'envoy.config.overload.v3.OverloadAction': {
    name: 'honoured',
    triggers: 'honoured',
    typed_config: { partly: 'of reduce_timeouts; no other action that is done takes one' },
  },
  'envoy.config.overload.v3.Trigger': {
    name: 'honoured',
    threshold: 'honoured',
    scaled: 'honoured',
  },
  'envoy.config.overload.v3.LoadShedPoint': { name: 'honoured', triggers: 'honoured' },
  'envoy.config.overload.v3.ScaleTimersOverloadActionConfig': {
    timer_scale_factors: 'honoured',
  },
  'envoy.config.overload.v3.ScaleTimersOverloadActionConfig.ScaleTimer': {
    timer: { partly: 'HTTP_DOWNSTREAM_CONNECTION_IDLE and HTTP_DOWNSTREAM_STREAM_IDLE' },
    min_timeout: 'honoured',
    min_scale: 'honoured',
  },
  'envoy.extensions.resource_monitors.cgroup_memory.v3.CgroupMemoryConfig': {
    max_memory_bytes: 'honoured',
  },
  'envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig': {
    mode: 'honoured',
  },
  'envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig': {
    filename: 'honoured',
  },
  'envoy.config.overload.v3.ThresholdTrigger': { value: 'honoured' },
  'envoy.config.overload.v3.ScaledTrigger': {
    scaling_threshold: 'honoured',
    saturation_threshold: 'honoured',
  },
  'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig': {
    max_heap_size_bytes: { partly: 'of all workers together, measured by the JavaScript engine' },
  },
  'envoy.config.overload.v3.ResourceMonitor': { name: 'honoured', typed_config: 'honoured' },
  'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig': {
    max_active_downstream_connections: 'honoured',
  },
  'envoy.config.core.v3.Node': {
    id: 'honoured',
    cluster: 'honoured',
    metadata: FOR_SERVERS,
    dynamic_parameters: FOR_SERVERS,
    locality: 'honoured',
    user_agent_name: FOR_SERVERS,
    user_agent_version: FOR_SERVERS,
    user_agent_build_version: FOR_SERVERS,
    extensions: FOR_SERVERS,
    client_features: FOR_SERVERS,
    listening_addresses: FOR_SERVERS,
  },
  'envoy.config.metrics.v3.StatsConfig': {
    stats_tags: 'honoured',
    use_all_default_tags: 'honoured',
    stats_matcher: 'honoured',
    histogram_bucket_settings: 'honoured',
  },
  'envoy.config.metrics.v3.StatsMatcher': {
    reject_all: 'honoured',
    exclusion_list: 'honoured',
    inclusion_list: 'honoured',
  },
  'envoy.config.metrics.v3.TagSpecifier': {
    tag_name: 'honoured',
    regex: { partly: 'RE2 syntax: no look-around' },
    fixed_value: 'honoured',
  },
  'envoy.config.metrics.v3.HistogramBucketSettings': { match: 'honoured', buckets: 'honoured' },
};
