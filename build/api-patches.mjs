// Small repairs and additions to the protos that are generated from: what Envoy 1.40 has and the
// packaged files, which are older, lack. Field numbers and rules are those of Envoy's descriptors.

const CORE_PROTOCOL = 'envoy/config/core/v3/protocol.proto';
const HTTP_CONNECTION_MANAGER =
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto';
const ROUTE_COMPONENTS = 'envoy/config/route/v3/route_components.proto';
const UPSTREAM_HTTP = 'envoy/extensions/upstreams/http/v3/http_protocol_options.proto';

/** Each: the first place of `after` in `file`, and the text to put behind it. */
export const PATCHES = [
  {
    file: 'validate/validate.proto',
    after: 'optional bool strict = 25 [default = true];',
    insert: '\n  optional bool ignore_empty = 26;',
  },
  {
    file: CORE_PROTOCOL,
    after: 'import "envoy/config/core/v3/extension.proto";',
    insert: '\nimport "envoy/type/matcher/v3/string.proto";',
  },
  {
    file: CORE_PROTOCOL,
    after: 'google.protobuf.UInt32Value max_requests_per_connection = 6;',
    insert: `
  google.protobuf.UInt32Value max_response_headers_kb = 7 [(validate.rules).uint32 = {lte: 8192 gt: 0}];
  type.v3.Percent max_connection_duration_jitter = 8;`,
  },
  {
    file: CORE_PROTOCOL,
    after:
      'bool allow_custom_methods = 10 [(xds.annotations.v3.field_status).work_in_progress = true];',
    insert: '\n  repeated type.matcher.v3.StringMatcher ignore_http_11_upgrade = 11;',
  },
  {
    file: CORE_PROTOCOL,
    after: 'KeepaliveSettings connection_keepalive = 15;',
    insert: `
  google.protobuf.UInt64Value max_metadata_size = 17;
  google.protobuf.BoolValue enable_huffman_encoding = 18;
  google.protobuf.UInt32Value max_header_field_size_kb = 19 [(validate.rules).uint32 = {lte: 256 gte: 64}];
  google.protobuf.BoolValue disallow_obs_text = 20;
  google.protobuf.UInt64Value stream_reset_burst = 21;
  google.protobuf.UInt64Value stream_reset_rate = 22;`,
  },
  {
    file: HTTP_CONNECTION_MANAGER,
    after: 'bool append_local_overload = 57;',
    insert: `
  bool http1_safe_max_connection_duration = 58;
  google.protobuf.Duration stream_flush_timeout = 59;
  type.v3.Percent drain_timeout_jitter = 62;
  bool record_route_resolution_stats = 63;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'MaxStreamDuration max_stream_duration = 36;',
    insert: `
  google.protobuf.Duration flush_timeout = 42;
  string path_rewrite = 45;`,
  },
  {
    file: UPSTREAM_HTTP,
    after: 'import "envoy/config/core/v3/protocol.proto";',
    insert: '\nimport "envoy/config/route/v3/route_components.proto";',
  },
  {
    file: UPSTREAM_HTTP,
    after: 'config.core.v3.TypedExtensionConfig header_validation_config = 7;',
    insert: `
  repeated config.route.v3.RouteAction.RequestMirrorPolicy request_mirror_policies = 9;
  repeated config.route.v3.RouteAction.HashPolicy hash_policy = 10;
  config.route.v3.RetryPolicy retry_policy = 11;`,
  },
];
