// Which fields of the HTTP connection manager are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';

const PACKAGE = 'envoy.extensions.filters.network.http_connection_manager.v3';

/** Support of the connection manager's own messages, by type name. */
export const HCM_FIELDS: Readonly<Record<string, SupportTable>> = {
  [`${PACKAGE}.HttpConnectionManager`]: {
    codec_type: { partly: 'AUTO and HTTP1' },
    stat_prefix: 'honoured',
    route_config: 'honoured',
    http_filters: 'honoured',
    add_user_agent: 'honoured',
    common_http_protocol_options: 'honoured',
    http_protocol_options: 'honoured',
    server_name: 'honoured',
    server_header_transformation: 'honoured',
    scheme_header_transformation: 'honoured',
    max_request_headers_kb: 'honoured',
    stream_idle_timeout: 'honoured',
    request_timeout: 'honoured',
    request_headers_timeout: 'honoured',
    drain_timeout: 'honoured',
    delayed_close_timeout: 'honoured',
    access_log: 'honoured',
    use_remote_address: 'honoured',
    xff_num_trusted_hops: 'honoured',
    internal_address_config: 'honoured',
    skip_xff_append: 'honoured',
    via: 'honoured',
    generate_request_id: 'honoured',
    preserve_external_request_id: 'honoured',
    always_set_request_id_in_response: 'honoured',
    proxy_100_continue: 'honoured',
    normalize_path: 'honoured',
    merge_slashes: 'honoured',
    path_with_escaped_slashes_action: 'honoured',
    request_id_extension: { partly: 'envoy.request_id.uuid only' },
    strip_matching_host_port: 'honoured',
    strip_any_host_port: 'honoured',
    stream_error_on_invalid_http_message: { partly: 'only false, the default' },
    strip_trailing_host_dot: 'honoured',
    append_x_forwarded_port: 'honoured',
    append_local_overload: { accepted: 'there is no overload manager' },
    add_proxy_protocol_connection_state: { accepted: 'the PROXY protocol is refused' },
  },
  [`${PACKAGE}.HttpConnectionManager.InternalAddressConfig`]: {
    unix_sockets: { partly: 'only false, the default' },
    cidr_ranges: 'honoured',
  },
  [`${PACKAGE}.HttpFilter`]: {
    name: 'honoured',
    typed_config: 'honoured',
    is_optional: { partly: 'an unknown filter is refused all the same, as in Envoy' },
    disabled: 'honoured',
  },
  [`${PACKAGE}.RequestIDExtension`]: { typed_config: 'honoured' },
  'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig': {
    pack_trace_reason: { accepted: 'nothing is traced, so there is no reason to pack' },
    use_request_id_for_trace_sampling: { accepted: 'nothing is traced' },
  },
};
