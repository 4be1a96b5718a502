// Bootstrap and resources in the shape that Istio's agent and istiod make them, of services of our
// own: every extension that a sidecar is sent has a place here.
import { type InboundPort, inboundChains, outboundTls, type SecretFiles } from './mesh-tls.ts';
import type { Message } from './static-bootstrap.ts';

const URL = 'type.googleapis.com/';
const EXTENSIONS = `${URL}envoy.extensions.`;
const ADS = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
/** The source of a sidecar's own certificate and of the mesh's authorities. */
const SDS = {
  api_config_source: {
    ...{ api_type: 'GRPC', transport_api_version: 'V3', set_node_on_first_message_only: true },
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
  },
  ...{ initial_fetch_timeout: '0s', resource_api_version: 'V3' },
};
const SECRETS: SecretFiles = {
  sds: SDS,
  ...{ identity: '', roots: '', chainPem: '', keyPem: '', rootsPem: '' },
};
const MOST = 4_294_967_295;
const BREAKERS = {
  thresholds: [
    { max_connections: MOST, max_pending_requests: MOST, max_requests: MOST, max_retries: MOST },
  ],
};
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** A configuration by its type, below `envoy.extensions.`. */
function extension(type: string, fields: Message = {}): Message {
  return { '@type': EXTENSIONS + type, ...fields };
}

/** A filter. */
function filter(name: string, typed_config: Message): Message {
  return { name, typed_config };
}

/** As istiod sends what Envoy does not declare. */
function struct(type: string, value: Message): Message {
  return { '@type': `${URL}udpa.type.v1.TypedStruct`, type_url: URL + type, value };
}

const METADATA_EXCHANGE = filter(
  'istio.metadata_exchange',
  struct('envoy.tcp.metadataexchange.config.MetadataExchange', {
    protocol: 'istio-peer-exchange',
    enable_discovery: true,
  }),
);
const STATS = filter('istio.stats', { '@type': `${URL}stats.PluginConfig` });
const ALPN = filter('istio.alpn', {
  '@type': `${URL}istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig`,
  alpn_override: [
    { alpn_override: ['istio-http/1.0', 'istio', 'http/1.0'] },
    { upstream_protocol: 'HTTP11', alpn_override: ['istio-http/1.1', 'istio', 'http/1.1'] },
    { upstream_protocol: 'HTTP2', alpn_override: ['istio-h2', 'istio', 'h2'] },
  ],
});
const METHODS = [{ istio_headers: {} }, { workload_discovery: {} }];

function peerMetadata(side: 'upstream' | 'downstream'): Message {
  const value = {
    [`${side}_discovery`]: METHODS,
    [`${side}_propagation`]: [{ istio_headers: {} }],
  };
  return filter('istio.metadata_exchange', struct('io.istio.http.peer_metadata.Config', value));
}

/** What every connection manager has behind its policies. */
function commonFilters(...own: readonly Message[]): readonly Message[] {
  return [
    filter('envoy.filters.http.grpc_stats', {
      ...extension('filters.http.grpc_stats.v3.FilterConfig'),
      ...{ emit_filter_state: true, stats_for_all_methods: false },
    }),
    ...own,
    filter('envoy.filters.http.fault', extension('filters.http.fault.v3.HTTPFault')),
    filter('envoy.filters.http.cors', extension('filters.http.cors.v3.Cors')),
    STATS,
    filter('envoy.filters.http.router', extension('filters.http.router.v3.Router')),
  ];
}

/** Lines to standard output of what an expression is true of. */
function accessLog(expression: string): Message {
  return {
    ...filter(
      'envoy.access_loggers.file',
      extension('access_loggers.file.v3.FileAccessLog', {
        path: '/dev/stdout',
        log_format: {
          text_format_source: {
            inline_string: 'line %REQ(:METHOD)% %RESPONSE_CODE% %UPSTREAM_CLUSTER%\n',
          },
        },
      }),
    ),
    filter: {
      extension_filter: filter(
        'envoy.access_loggers.extension_filters.cel',
        extension('access_loggers.filters.cel.v3.ExpressionFilter', { expression }),
      ),
    },
  };
}

const TRACING = {
  client_sampling: { value: 100 },
  random_sampling: { value: 1 },
  overall_sampling: { value: 100 },
  custom_tags: [{ tag: 'istio.mesh_id', literal: { value: 'cluster.local' } }],
  provider: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': `${URL}envoy.config.trace.v3.ZipkinConfig`,
      ...{ collector_cluster: 'outbound|9411||zipkin.store', trace_id_128bit: true },
      ...{ collector_endpoint: '/api/v2/spans', collector_endpoint_version: 'HTTP_JSON' },
      shared_span_context: false,
    },
  },
};

function connectionManager(stat_prefix: string, fields: Message): Message {
  return filter(
    'envoy.filters.network.http_connection_manager',
    extension('filters.network.http_connection_manager.v3.HttpConnectionManager', {
      ...{ stat_prefix, stream_idle_timeout: '0s', normalize_path: true, tracing: TRACING },
      ...{ path_with_escaped_slashes_action: 'KEEP_UNCHANGED', proxy_100_continue: true },
      ...{ use_remote_address: false, upgrade_configs: [{ upgrade_type: 'websocket' }] },
      request_id_extension: {
        typed_config: extension('request_id.uuid.v3.UuidRequestIdConfig', {
          use_request_id_for_trace_sampling: true,
        }),
      },
      access_log: [accessLog('response.code >= 400 || "x-log" in request.headers')],
      ...fields,
    }),
  );
}

function tcpProxy(cluster: string): Message {
  return filter(
    'envoy.filters.network.tcp_proxy',
    extension('filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: cluster, cluster }),
  );
}

const inspector = (kind: 'tls' | 'http', fields: Message = {}): Message =>
  filter(
    `envoy.filters.listener.${kind}_inspector`,
    extension(
      kind === 'tls'
        ? 'filters.listener.tls_inspector.v3.TlsInspector'
        : 'filters.listener.http_inspector.v3.HttpInspector',
      fields,
    ),
  );

function address(ip: string, port_value: number): Message {
  return { socket_address: { address: ip, port_value } };
}

/** A listener that only others lead to. */
function outbound(name: string, ip: string, port: number, fields: Message): Message {
  return {
    ...{ name, address: address(ip, port), bind_to_port: false, traffic_direction: 'OUTBOUND' },
    ...{ listener_filters_timeout: '0s', continue_on_listener_filters_timeout: true },
    ...fields,
  };
}

/** What HTTP services of that port share: whatever is no HTTP passes through. */
export function httpListener(port: number): Message {
  const match = { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] };
  const manager = connectionManager(`outbound_0.0.0.0_${port};`, {
    rds: { config_source: ADS, route_config_name: String(port) },
    http_filters: [peerMetadata('upstream'), ...commonFilters(ALPN)],
  });
  const chain = {
    ...{ filter_chain_match: match, filters: [manager], transport_socket_connect_timeout: '15s' },
  };
  return outbound(`0.0.0.0_${port}`, '0.0.0.0', port, {
    filter_chains: [chain],
    default_filter_chain: {
      ...{ name: 'PassthroughFilterChain', filter_chain_match: {} },
      filters: [STATS, tcpProxy('PassthroughCluster')],
    },
    listener_filters: [inspector('http')],
  });
}

/** A TCP service at its address. */
export function tcpListener(ip: string, port: number, cluster: string): Message {
  const mongo = filter(
    'envoy.filters.network.mongo_proxy',
    extension('filters.network.mongo_proxy.v3.MongoProxy', { stat_prefix: cluster }),
  );
  return outbound(`${ip}_${port}`, ip, port, {
    filter_chains: [{ filters: [STATS, mongo, tcpProxy(cluster)] }],
  });
}

/** Where all outbound connections arrive. */
export function virtualOutbound(): Message {
  const chain = (name: string, cluster: string, match?: Message): Message => ({
    ...{ name, filters: [STATS, tcpProxy(cluster)] },
    ...(match === undefined ? {} : { filter_chain_match: match }),
  });
  return {
    ...{ name: 'virtualOutbound', address: address('0.0.0.0', 15001), use_original_dst: true },
    ...{ traffic_direction: 'OUTBOUND', max_connections_to_accept_per_socket_event: 1 },
    filter_chains: [
      chain('virtualOutbound-blackhole', 'BlackHoleCluster', { destination_port: 15001 }),
      chain('virtualOutbound-catchall-tcp', 'PassthroughCluster'),
    ],
  };
}

/** Nobody may delete, by HTTP. */
const DENY_DELETE = {
  action: 'DENY',
  policies: {
    'ns[store]-policy[no-delete]-rule[0]': {
      permissions: [
        {
          and_rules: {
            rules: [{ header: { name: ':method', string_match: { exact: 'DELETE' } } }],
          },
        },
      ],
      principals: [{ and_ids: { ids: [{ any: true }] } }],
    },
  },
};

function inboundHttp(cluster: string, servicePort: number): readonly Message[] {
  const route = {
    ...{ name: 'default', match: { prefix: '/' }, decorator: { operation: 'orders.store:8080/*' } },
    route: {
      ...{ cluster, timeout: '0s' },
      retry_policy: { retry_on: 'reset-before-request', num_retries: 2 },
      max_stream_duration: { max_stream_duration: '0s', grpc_timeout_header_max: '0s' },
    },
  };
  const host = { name: `inbound|http|${servicePort}`, domains: ['*'], routes: [route] };
  const rbac = extension('filters.http.rbac.v3.RBAC', {
    ...{ rules: DENY_DELETE, shadow_rules_stat_prefix: 'istio_dry_run_allow_' },
  });
  const manager = connectionManager(`${cluster};`, {
    route_config: { name: cluster, virtual_hosts: [host], validate_clusters: false },
    http_filters: [
      peerMetadata('downstream'),
      filter('envoy.filters.http.rbac', rbac),
      ...commonFilters(),
    ],
    ...{ server_name: 'istio-envoy', forward_client_cert_details: 'APPEND_FORWARD' },
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
  });
  return [METADATA_EXCHANGE, manager];
}

/** Where all inbound connections arrive, with the chains of these ports. */
export function virtualInbound(ports: readonly InboundPort[], fields: Message = {}): Message {
  const chains = ports.flatMap((port) => {
    const cluster = `inbound|${port.port}||`;
    const tcp = [METADATA_EXCHANGE, STATS, tcpProxy(cluster)];
    return inboundChains(port, SECRETS, { http: inboundHttp(cluster, port.port), tcp });
  });
  const blackHole = {
    ...{ name: 'virtualInbound-blackhole', filter_chain_match: { destination_port: 15006 } },
    filters: [METADATA_EXCHANGE, STATS, tcpProxy('BlackHoleCluster')],
  };
  const passthrough = inboundChains({ port: 0, mode: 'PERMISSIVE', protocol: 'tcp' }, SECRETS, {
    http: [],
    tcp: [METADATA_EXCHANGE, STATS, tcpProxy('InboundPassthroughCluster')],
  }).map(({ filter_chain_match: match, ...chain }) => {
    const { destination_port: _, ...rest } = match as Message;
    return { ...chain, name: 'virtualInbound', filter_chain_match: rest };
  });
  const off = { filter_disabled: { destination_port_range: { start: 15006, end: 15007 } } };
  return {
    ...{ name: 'virtualInbound', address: address('0.0.0.0', 15006), traffic_direction: 'INBOUND' },
    ...{ listener_filters_timeout: '0s', continue_on_listener_filters_timeout: true },
    listener_filters: [
      filter(
        'envoy.filters.listener.original_dst',
        extension('filters.listener.original_dst.v3.OriginalDst'),
      ),
      { ...inspector('tls', { initial_read_buffer_size: 512 }), ...off },
      { ...inspector('http'), ...off },
    ],
    filter_chains: [blackHole, ...passthrough, ...chains],
    ...fields,
  };
}

function cluster(name: string, fields: Message): Message {
  return { name, alt_stat_name: `${name};`, connect_timeout: '10s', ...fields };
}

/** A service whose hosts have sidecars, or not, as their metadata say. */
export function serviceCluster(
  name: string,
  service: { readonly sni: string; readonly accounts: readonly string[] },
  fields: Message = {},
): Message {
  const tls = outboundTls('ISTIO_MUTUAL', SECRETS, { protocol: 'tcp', ...service });
  const raw = filter(
    'envoy.transport_sockets.raw_buffer',
    extension('transport_sockets.raw_buffer.v3.RawBuffer'),
  );
  const [host = ''] = service.sni.split('_.').slice(-1);
  return cluster(name, {
    type: 'EDS',
    eds_cluster_config: { eds_config: ADS, service_name: name },
    ...{ lb_policy: 'LEAST_REQUEST', circuit_breakers: BREAKERS, filters: [METADATA_EXCHANGE] },
    common_lb_config: { healthy_panic_threshold: {} },
    metadata: { filter_metadata: { istio: { services: [{ host, namespace: 'store' }] } } },
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: tls },
      { name: 'tlsMode-disabled', match: {}, transport_socket: raw },
    ],
    ...fields,
  });
}

/** Hosts of a service cluster. */
export function serviceEndpoints(
  cluster_name: string,
  hosts: readonly { readonly ip: string; readonly port: number; readonly hasSidecar: boolean }[],
): Message {
  const lb_endpoints = hosts.map(({ ip, port, hasSidecar }) => ({
    endpoint: { address: address(ip, port) },
    ...{ health_status: 'HEALTHY', load_balancing_weight: 1 },
    metadata: {
      filter_metadata: {
        ...(hasSidecar ? { 'envoy.transport_socket_match': { tlsMode: 'istio' } } : {}),
        istio: { workload: 'orders-v1;store;orders;v1;Kubernetes' },
      },
    },
  }));
  const locality = { region: 'region-1', zone: 'zone-a' };
  return { cluster_name, endpoints: [{ locality, lb_endpoints, load_balancing_weight: 1 }] };
}

const CLIENT_PROTOCOL = {
  [HTTP_OPTIONS]: {
    '@type': URL + HTTP_OPTIONS,
    common_http_protocol_options: { idle_timeout: '300s' },
    use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
  },
};
const ORIGINAL_DST = { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' };
const FROM_PROXY = { source_address: { address: '127.0.0.6', port_value: 0 } };

/** Those that every sidecar has, and those of its own ports. */
export function standardClusters(inboundPorts: readonly number[]): readonly Message[] {
  const pass = {
    ...{ ...ORIGINAL_DST, circuit_breakers: BREAKERS },
    typed_extension_protocol_options: CLIENT_PROTOCOL,
  };
  const inbound = inboundPorts.map((port) =>
    cluster(`inbound|${port}||`, {
      ...{ ...ORIGINAL_DST, circuit_breakers: BREAKERS, cleanup_interval: '9223372035s' },
      ...{ upstream_bind_config: FROM_PROXY, common_lb_config: {} },
      upstream_connection_options: {
        tcp_keepalive: { keepalive_time: 7200, keepalive_interval: 75 },
      },
    }),
  );
  return [
    cluster('BlackHoleCluster', { type: 'STATIC' }),
    cluster('PassthroughCluster', { ...pass, filters: [METADATA_EXCHANGE] }),
    ...inbound,
    cluster('InboundPassthroughCluster', { ...pass, upstream_bind_config: FROM_PROXY }),
  ];
}

/** Services of other kinds, which nobody calls: names, hashes, policies of their own. */
export function otherClusters(): readonly Message[] {
  const endpoint = { endpoint: { address: address('localhost', 9) } };
  const load_assignment = { cluster_name: 'x', endpoints: [{ lb_endpoints: [endpoint] }] };
  const dns = {
    ...{ dns_lookup_family: 'V4_ONLY', dns_jitter: '0.100s', dns_refresh_rate: '60s' },
    ...{ respect_dns_ttl: true, load_assignment, circuit_breakers: BREAKERS },
    typed_dns_resolver_config: filter(
      'envoy.network.dns_resolver.cares',
      extension('network.dns_resolver.cares.v3.CaresDnsResolverConfig', { udp_max_queries: 100 }),
    ),
  };
  const outlier = {
    ...{ consecutive_5xx: 5, interval: '10s', base_ejection_time: '30s', max_ejection_percent: 50 },
    ...{ enforcing_consecutive_5xx: 100, enforcing_success_rate: 0 },
    ...{ consecutive_gateway_failure: 3, enforcing_consecutive_gateway_failure: 100 },
  };
  const service = { sni: 'outbound_.9080_._.carts.store.svc.cluster.local', accounts: [] };
  return [
    cluster('outbound|80||strict.example', { type: 'STRICT_DNS', ...dns }),
    cluster('outbound|80||logical.example', { type: 'LOGICAL_DNS', ...dns }),
    cluster('outbound|80||headless.store', { ...ORIGINAL_DST, circuit_breakers: BREAKERS }),
    serviceCluster('outbound|9080||carts.store', service, {
      ...{ lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 1024 } },
      ...{ outlier_detection: outlier, common_lb_config: { locality_weighted_lb_config: {} } },
    }),
    serviceCluster('outbound|9080|v2|carts.store', service, { lb_policy: 'RANDOM' }),
    serviceCluster('outbound|9411||zipkin.store', service),
  ];
}

const RETRY = {
  ...{ retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes' },
  ...{ num_retries: 2, host_selection_retry_max_attempts: 5 },
  retry_host_predicate: [
    filter(
      'envoy.retry_host_predicates.previous_hosts',
      extension('retry.host.previous_hosts.v3.PreviousHostsPredicate'),
    ),
  ],
};

/** Route table of an outbound port: each service by its names, all else passes through. */
export function outboundRoutes(
  port: number,
  services: readonly { readonly host: string; readonly cluster: string }[],
): Message {
  const hosts = services.map(({ host, cluster: target }) => ({
    ...{
      name: `${host}:${port}`,
      domains: [host, `${host}.`],
      include_request_attempt_count: true,
    },
    routes: [
      {
        match: { path: '/missing', case_sensitive: true },
        direct_response: { status: 404, body: { inline_string: 'missing' } },
      },
      {
        match: { prefix: '/faulty', headers: [{ name: 'x-user', string_match: { exact: 'bob' } }] },
        route: { cluster: target, timeout: '0s' },
        typed_per_filter_config: {
          'envoy.filters.http.fault': extension('filters.http.fault.v3.HTTPFault', {
            abort: {
              http_status: 555,
              percentage: { numerator: 1_000_000, denominator: 'MILLION' },
            },
          }),
          'envoy.filters.http.cors': extension('filters.http.cors.v3.CorsPolicy', {
            allow_origin_string_match: [{ exact: 'https://shop.example' }],
            allow_methods: 'GET',
            filter_enabled: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
          }),
        },
      },
      {
        match: {
          path_match_policy: filter(
            'envoy.path.match.uri_template.uri_template_matcher',
            extension('path.match.uri_template.v3.UriTemplateMatchConfig', {
              path_template: '/items/{id}/**',
            }),
          ),
        },
        route: { cluster: target, timeout: '0s' },
      },
      {
        ...{
          name: 'default',
          match: { prefix: '/' },
          decorator: { operation: `${host}:${port}/*` },
        },
        route: {
          ...{ cluster: target, timeout: '0s', max_grpc_timeout: '0s' },
          retry_policy: {
            ...RETRY,
            retry_priority: filter(
              'envoy.retry_priorities.previous_priorities',
              extension('retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
                update_frequency: 2,
              }),
            ),
          },
        },
        metadata: { filter_metadata: { istio: { config: '/apis/store/orders' } } },
      },
    ],
  }));
  const passthrough = {
    ...{ name: 'allow_any', match: { prefix: '/' } },
    route: { cluster: 'PassthroughCluster', timeout: '0s', max_grpc_timeout: '0s' },
  };
  return {
    ...{ name: String(port), validate_clusters: false, ignore_port_in_host_matching: true },
    max_direct_response_body_size_bytes: 1_048_576,
    virtual_hosts: [
      ...hosts,
      {
        ...{ name: 'allow_any', domains: ['*'], routes: [passthrough] },
        include_request_attempt_count: true,
      },
    ],
  };
}
