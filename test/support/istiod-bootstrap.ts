// The bootstrap that Istio's agent writes for its proxy: node, sources over two sockets, statistics
// that are mostly left out, and a health listener.
import type { Message } from './static-bootstrap.ts';

const TYPE = 'type.googleapis.com/';
const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': `${TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
};
const MOST = 100_000;
const LIMITS = { max_connections: MOST, max_pending_requests: MOST, max_requests: MOST };

/** What is special about one proxy. */
export interface AgentOptions {
  readonly id: string;
  readonly variant: 'GRPC' | 'DELTA_GRPC';
  readonly xdsPath: string;
  readonly sdsPath: string;
}

/** See the file's head. */
export function agentBootstrap({ id, variant, xdsPath, sdsPath }: AgentOptions): Message {
  const ads = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return {
    node: {
      ...{ id, cluster: 'orders.store', locality: { region: 'region-1', zone: 'zone-a' } },
      metadata: {
        ...{ ISTIO_VERSION: '1.32.0', NAMESPACE: 'store', INTERCEPTION_MODE: 'REDIRECT' },
        ...{ LABELS: { app: 'orders' }, PILOT_SAN: ['istiod.istio-system.svc'] },
        ...{ ENVOY_STATUS_PORT: 15021, PROXY_CONFIG: { concurrency: 1 } },
      },
    },
    ...{ layered_runtime: RUNTIME, bootstrap_extensions: BOOTSTRAP_EXTENSIONS },
    ...{ stats_config: STATS, stats_flush_interval: '5s', overload_manager: OVERLOAD },
    cluster_manager: { enable_deferred_cluster_creation: true },
    deferred_stat_options: { enable_deferred_creation_stats: true },
    admin: {
      address: { socket_address: { address: '127.0.0.1', port_value: 15000 } },
      profile_path: '/var/lib/istio/data/envoy.prof',
      access_log: [
        {
          name: 'envoy.access_loggers.file',
          typed_config: {
            '@type': `${TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog`,
            path: '/dev/null',
          },
        },
      ],
    },
    dynamic_resources: {
      ads_config: {
        ...{ api_type: variant, transport_api_version: 'V3', set_node_on_first_message_only: true },
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
      },
      ...{ lds_config: ads, cds_config: ads },
    },
    static_resources: {
      clusters: [
        onSocket('xds-grpc', xdsPath, {
          circuit_breakers: {
            thresholds: [
              { priority: 'DEFAULT', ...LIMITS },
              { priority: 'HIGH', ...LIMITS },
            ],
          },
          upstream_connection_options: { tcp_keepalive: { keepalive_time: 300 } },
          max_requests_per_connection: 1,
        }),
        onSocket('sds-grpc', sdsPath, {}),
      ],
      listeners: [healthListener()],
    },
  };
}

function onSocket(name: string, path: string, fields: Message): Message {
  const endpoint = { endpoint: { address: { pipe: { path } } } };
  return {
    ...{ name, alt_stat_name: `${name};`, type: 'STATIC', connect_timeout: '1s' },
    typed_extension_protocol_options: HTTP2,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
    ...fields,
  };
}

function healthListener(): Message {
  const route = { match: { path: '/healthz/ready' }, direct_response: { status: 200 } };
  const manager = {
    '@type': `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    ...{ codec_type: 'AUTO', stat_prefix: 'agent' },
    route_config: { virtual_hosts: [{ name: 'backend', domains: ['*'], routes: [route] }] },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
      },
    ],
  };
  const name = 'envoy.filters.network.http_connection_manager';
  return {
    address: { socket_address: { address: '0.0.0.0', port_value: 15021 } },
    filter_chains: [{ filters: [{ name, typed_config: manager }] }],
  };
}

const RUNTIME = {
  layers: [
    {
      name: 'global config',
      static_layer: {
        're2.max_program_size.error_level': '32768',
        'envoy.deprecated_features:envoy.config.listener.v3.Listener.hidden_envoy_deprecated_use_original_dst': true,
        'envoy.reloadable_features.http_reject_path_with_fragment': false,
        'overload.global_downstream_max_connections': '2147483647',
      },
    },
    { name: 'admin', admin_layer: {} },
  ],
};
const STRUCT = `${TYPE}udpa.type.v1.TypedStruct`;
const BOOTSTRAP_EXTENSIONS = [
  {
    name: 'envoy.bootstrap.internal_listener',
    typed_config: {
      '@type': STRUCT,
      type_url: `${TYPE}envoy.extensions.bootstrap.internal_listener.v3.InternalListener`,
      value: { buffer_size_kb: 64 },
    },
  },
  {
    name: 'metadata_discovery',
    typed_config: {
      '@type': STRUCT,
      type_url: `${TYPE}istio.workload.BootstrapExtension`,
      value: { config_source: { ads: {} } },
    },
  },
];
const STATS = {
  use_all_default_tags: false,
  stats_tags: [
    { tag_name: 'cluster_name', regex: '^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)' },
    { tag_name: 'response_code', regex: '(response_code=\\.=(.+?);\\.;)|_rq(_(\\.d{3}))$' },
  ],
  stats_matcher: {
    inclusion_list: {
      patterns: [
        ...['cluster_manager', 'listener_manager', 'server', 'cluster.', 'tcp', 'http'].map(
          (prefix) => ({ prefix }),
        ),
        { suffix: 'rbac.denied' },
        { safe_regex: { regex: 'vhost\\..*\\.route\\..*' } },
      ],
    },
  },
};
const OVERLOAD = {
  resource_monitors: [
    {
      name: 'envoy.resource_monitors.global_downstream_max_connections',
      typed_config: {
        '@type': `${TYPE}envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
        max_active_downstream_connections: 2_147_483_647,
      },
    },
  ],
};
