// Which fields of the HTTP connection manager are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';
import { NO_HTTP3 } from './http-protocol-fields.ts';

const PACKAGE = 'envoy.extensions.filters.network.http_connection_manager.v3';
const SCOPED_ROUTES = `${PACKAGE}.ScopedRoutes`;

const CLIENT_CERT_DETAILS: SupportTable = {
  subject: 'honoured',
  cert: 'honoured',
  chain: 'honoured',
  dns: 'honoured',
  uri: 'honoured',
  issuer: 'honoured',
  format: 'honoured',
};

/** Support of the connection manager's own messages, by type name. */
export const HCM_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${PACKAGE}.HttpConnectionManager`]: {
    tracing: { passedThrough: 'nothing is traced' },
    codec_type: { partly: 'AUTO, HTTP1 and HTTP2; HTTP3 needs QUIC' },
    stat_prefix: 'honoured',
    route_config: 'honoured',
    rds: 'honoured',
    scoped_routes: 'honoured',
    http_filters: 'honoured',
    add_user_agent: 'honoured',
    common_http_protocol_options: 'honoured',
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    http3_protocol_options: NO_HTTP3,
    server_name: 'honoured',
    server_header_transformation: 'honoured',
    scheme_header_transformation: 'honoured',
    max_request_headers_kb: 'honoured',
    stream_idle_timeout: 'honoured',
    stream_flush_timeout: 'honoured',
    request_timeout: 'honoured',
    request_headers_timeout: 'honoured',
    drain_timeout: 'honoured',
    delayed_close_timeout: 'honoured',
    access_log: 'honoured',
    use_remote_address: 'honoured',
    xff_num_trusted_hops: 'honoured',
    internal_address_config: 'honoured',
    skip_xff_append: 'honoured',
    forward_client_cert_details: 'honoured',
    set_current_client_cert_details: 'honoured',
    forward_client_cert_matcher: 'honoured',
    via: 'honoured',
    generate_request_id: 'honoured',
    preserve_external_request_id: 'honoured',
    always_set_request_id_in_response: 'honoured',
    proxy_100_continue: 'honoured',
    upgrade_configs: 'honoured',
    normalize_path: 'honoured',
    merge_slashes: 'honoured',
    path_with_escaped_slashes_action: 'honoured',
    local_reply_config: 'honoured',
    request_id_extension: { partly: 'envoy.request_id.uuid only' },
    strip_matching_host_port: 'honoured',
    strip_any_host_port: 'honoured',
    stream_error_on_invalid_http_message: 'honoured',
    strip_trailing_host_dot: 'honoured',
    append_x_forwarded_port: 'honoured',
    append_local_overload: { accepted: 'x-envoy-local-overloaded is never added' },
    add_proxy_protocol_connection_state: { accepted: 'the PROXY protocol is refused' },
  },
  [`${PACKAGE}.HttpConnectionManager.InternalAddressConfig`]: {
    unix_sockets: { partly: 'only false, the default' },
    cidr_ranges: 'honoured',
  },
  [`${PACKAGE}.HttpConnectionManager.SetCurrentClientCertDetails`]: CLIENT_CERT_DETAILS,
  [`${PACKAGE}.HttpConnectionManager.ForwardClientCertConfig`]: {
    forward_client_cert_details: 'honoured',
    set_current_client_cert_details: 'honoured',
  },
  [`${PACKAGE}.HttpConnectionManager.UpgradeConfig`]: {
    upgrade_type: { partly: 'any but CONNECT-UDP' },
    filters: { refused: 'upgrades pass the same http_filters as other requests: leave it out' },
    enabled: 'honoured',
  },
  [`${PACKAGE}.Rds`]: { config_source: 'honoured', route_config_name: 'honoured' },
  [`${PACKAGE}.HttpFilter`]: {
    name: 'honoured',
    typed_config: 'honoured',
    config_discovery: {
      refused:
        'configurations of filters are not discovered one by one: write it into typed_config',
    },
    is_optional: { partly: 'an unknown filter is refused all the same, as in Envoy' },
    disabled: 'honoured',
  },
  [`${PACKAGE}.LocalReplyConfig`]: { mappers: 'honoured', body_format: 'honoured' },
  [`${PACKAGE}.ResponseMapper`]: {
    filter: 'honoured',
    status_code: 'honoured',
    body: 'honoured',
    body_format_override: 'honoured',
    headers_to_add: 'honoured',
  },
  [`${PACKAGE}.RequestIDExtension`]: { typed_config: 'honoured' },
  [SCOPED_ROUTES]: {
    name: 'honoured',
    scope_key_builder: 'honoured',
    rds_config_source: { accepted: 'tables stand in the scopes, none is fetched' },
    scoped_route_configurations_list: 'honoured',
    scoped_rds: {
      refused: 'scopes are not discovered: write them into scoped_route_configurations_list',
    },
  },
  [`${SCOPED_ROUTES}.ScopeKeyBuilder`]: { fragments: 'honoured' },
  [`${SCOPED_ROUTES}.ScopeKeyBuilder.FragmentBuilder`]: { header_value_extractor: 'honoured' },
  [`${SCOPED_ROUTES}.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor`]: {
    name: 'honoured',
    element_separator: 'honoured',
    index: 'honoured',
    element: 'honoured',
  },
  [`${SCOPED_ROUTES}.ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor.KvElement`]: {
    separator: 'honoured',
    key: 'honoured',
  },
  [`${PACKAGE}.ScopedRouteConfigurationsList`]: { scoped_route_configurations: 'honoured' },
  'envoy.config.route.v3.ScopedRouteConfiguration': {
    on_demand: { accepted: 'every scope is there from the start' },
    name: 'honoured',
    route_configuration_name: {
      refused: 'route tables are not discovered: use route_configuration',
    },
    route_configuration: 'honoured',
    key: 'honoured',
  },
  'envoy.config.route.v3.ScopedRouteConfiguration.Key': { fragments: 'honoured' },
  'envoy.config.route.v3.ScopedRouteConfiguration.Key.Fragment': { string_key: 'honoured' },
  'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig': {
    pack_trace_reason: { accepted: 'nothing is traced, so there is no reason to pack' },
    use_request_id_for_trace_sampling: { accepted: 'nothing is traced' },
  },
};
