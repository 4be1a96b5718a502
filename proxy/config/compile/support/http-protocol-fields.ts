// Which options of the HTTP protocols are honoured, on both sides of the proxy; those not listed are
// refused by name.
import type { FieldSupport, SupportTable } from '../../../model/extension.ts';

/** For every place that configures HTTP/3. */
export const NO_HTTP3: FieldSupport = {
  refused: 'HTTP/3 needs UDP with QUIC, which Outrigger does not speak: use HTTP/2',
};
const NO_METADATA = 'HTTP/2 METADATA frames are not supported';

/** Support of envoy.config.core.v3 and envoy.extensions.upstreams.http.v3 messages, by type name. */
export const HTTP_PROTOCOL_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.core.v3.HttpProtocolOptions': {
    idle_timeout: 'honoured',
    max_connection_duration: 'honoured',
    max_headers_count: 'honoured',
    max_response_headers_kb: { partly: 'for clusters; Envoy refuses it for listeners, too' },
    max_stream_duration: 'honoured',
    headers_with_underscores_action: {
      partly: 'for listeners; in clusters no effect, as in Envoy',
    },
    max_requests_per_connection: 'honoured',
  },
  'envoy.config.core.v3.UpstreamHttpProtocolOptions': {
    auto_sni: 'honoured',
    auto_san_validation: 'honoured',
    override_auto_sni_header: 'honoured',
  },
  'envoy.config.core.v3.Http1ProtocolOptions': {
    allow_absolute_url: 'honoured',
    accept_http_10: 'honoured',
    default_host_for_http_10: 'honoured',
    header_key_format: 'honoured',
    enable_trailers: 'honoured',
    allow_chunked_length: 'honoured',
    override_stream_error_on_invalid_http_message: {
      partly: 'for listeners; in clusters no effect, as in Envoy',
    },
    use_balsa_parser: { accepted: 'there is one HTTP/1.1 parser' },
    allow_custom_methods: 'honoured',
  },
  'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat': { proper_case_words: 'honoured' },
  'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords': {},
  'envoy.config.core.v3.Http2ProtocolOptions': {
    hpack_table_size: 'honoured',
    max_concurrent_streams: 'honoured',
    initial_stream_window_size: 'honoured',
    initial_connection_window_size: 'honoured',
    allow_connect: 'honoured',
    allow_metadata: { refused: NO_METADATA },
    max_outbound_frames: 'honoured',
    max_outbound_control_frames: 'honoured',
    max_consecutive_inbound_frames_with_empty_payload: 'honoured',
    max_inbound_priority_frames_per_stream: 'honoured',
    max_inbound_window_update_frames_per_data_frame_sent: 'honoured',
    stream_error_on_invalid_http_messaging: 'honoured',
    override_stream_error_on_invalid_http_message: 'honoured',
    custom_settings_parameters: {
      partly:
        'values of named fields are bounded like these, and a maximum frame size (0x5) other than 16384 is refused',
    },
    connection_keepalive: 'honoured',
    use_oghttp2_codec: { accepted: 'there is one HTTP/2 codec' },
    max_metadata_size: { accepted: NO_METADATA },
    enable_huffman_encoding: { accepted: 'a text is Huffman-coded where that makes it shorter' },
    max_header_field_size_kb: {
      accepted: 'a field may be as long as the limit of the whole head allows',
    },
    stream_reset_burst: 'honoured',
    stream_reset_rate: 'honoured',
    disallow_obs_text: { partly: 'only false, the default' },
  },
  'envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter': {
    identifier: 'honoured',
    value: 'honoured',
  },
  'envoy.config.core.v3.KeepaliveSettings': {
    interval: 'honoured',
    timeout: 'honoured',
    interval_jitter: 'honoured',
    connection_idle_interval: 'honoured',
  },
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    common_http_protocol_options: 'honoured',
    upstream_http_protocol_options: 'honoured',
    explicit_http_config: 'honoured',
    use_downstream_protocol_config: 'honoured',
    auto_config: 'honoured',
    http_filters: { refused: 'there are no upstream HTTP filters: use those of the listener' },
    retry_policy: {
      partly: 'per_try_timeout and per_try_idle_timeout are those of the route, as in Envoy',
    },
    hash_policy: 'honoured',
    request_mirror_policies: 'honoured',
    outlier_detection: {
      refused: 'responses are judged by their status: use outlier_detection of the cluster',
    },
  },
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig': {
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    http3_protocol_options: NO_HTTP3,
  },
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig': {
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    http3_protocol_options: NO_HTTP3,
  },
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig': {
    http_protocol_options: 'honoured',
    http2_protocol_options: 'honoured',
    http3_protocol_options: NO_HTTP3,
    alternate_protocols_cache_options: {
      accepted: 'alternatives that servers name are those of HTTP/3, which is not spoken',
    },
  },
};
