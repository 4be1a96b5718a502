// Small repairs and additions to the protos that are generated from: what Envoy 1.40 has and the
// packaged files, which are older, lack. Field numbers and rules are those of Envoy's descriptors.
import { RATE_LIMIT_PATCHES } from './rate-limit-patches.mjs';
import { RBAC_PATCHES } from './rbac-patches.mjs';
import { ROUTE_PATCHES } from './route-patches.mjs';
import { TLS_PATCHES } from './tls-patches.mjs';

const ACCESS_LOG = 'envoy/config/accesslog/v3/accesslog.proto';
const CORE_BASE = 'envoy/config/core/v3/base.proto';
const CORE_PROTOCOL = 'envoy/config/core/v3/protocol.proto';
const CORE_HEALTH_CHECK = 'envoy/config/core/v3/health_check.proto';
const HTTP_CONNECTION_MANAGER =
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto';
const HEADER_MUTATION = 'envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto';
const HEADER_TO_METADATA =
  'envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.proto';
const MUTATION_RULES = 'envoy/config/common/mutation_rules/v3/mutation_rules.proto';
const SET_FILTER_STATE = 'envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto';
const PROXY_PROTOCOL = 'envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto';
const TLS_INSPECTOR = 'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto';
const UPSTREAM_HTTP = 'envoy/extensions/upstreams/http/v3/http_protocol_options.proto';
const COMPRESSOR = 'envoy/extensions/filters/http/compressor/v3/compressor.proto';
const OUTLIER_DETECTION = 'envoy/config/cluster/v3/outlier_detection.proto';
const STATEFUL_SESSION = 'envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto';
const LB_COMMON = 'envoy/extensions/load_balancing_policies/common/v3/common.proto';
const CLUSTER = 'envoy/config/cluster/v3/cluster.proto';
const LISTENER = 'envoy/config/listener/v3/listener.proto';
const CIRCUIT_BREAKER = 'envoy/config/cluster/v3/circuit_breaker.proto';
const CLIENT_WEIGHTS =
  'envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.proto';
const CARES = 'envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.proto';
const GETADDRINFO =
  'envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver.proto';
const ADAPTIVE_CONCURRENCY =
  'envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency.proto';
const HTTP_COOKIE = 'envoy/type/http/v3/cookie.proto';

/** Each: the first place of `after` in `file`, and the text to put behind it, or to `replace` it. */
export const PATCHES = [
  ...ROUTE_PATCHES,
  ...RATE_LIMIT_PATCHES,
  ...RBAC_PATCHES,
  {
    file: CIRCUIT_BREAKER,
    after: 'import "google/protobuf/wrappers.proto";',
    insert: '\nimport "google/protobuf/duration.proto";',
  },
  {
    file: CIRCUIT_BREAKER,
    after: 'google.protobuf.UInt32Value min_retry_concurrency = 2;',
    insert: '\n      google.protobuf.Duration budget_interval = 3;',
  },
  {
    file: LISTENER,
    after: 'core.v3.Address address = 1;',
    insert: '\n  core.v3.TcpKeepalive tcp_keepalive = 3;',
  },
  {
    file: LISTENER,
    after: 'bool bypass_overload_manager = 35;',
    insert: '\n  core.v3.TcpKeepalive tcp_keepalive = 37;',
  },
  ...TLS_PATCHES,
  {
    file: CLIENT_WEIGHTS,
    after: 'import "google/protobuf/duration.proto";',
    insert: '\nimport "envoy/extensions/load_balancing_policies/common/v3/common.proto";',
  },
  {
    file: CLIENT_WEIGHTS,
    after: 'error_utilization_penalty = 6 [(validate.rules).float = {gte: 0.0}];',
    insert: `
  repeated string metric_names_for_computing_utilization = 7;
  common.v3.SlowStartConfig slow_start_config = 8;`,
  },
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
    file: CORE_HEALTH_CHECK,
    after:
      'type.v3.CodecClientType codec_client_type = 10 [(validate.rules).enum = {defined_only: true}];',
    insert: '\n    bool use_alpn_protocol = 15;',
  },
  {
    file: CORE_HEALTH_CHECK,
    after: 'bool always_log_health_check_success = 26;',
    insert: '\n  string name = 27;',
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
    file: ACCESS_LOG,
    after: 'LE = 2;',
    insert: '\n    NE = 3;',
  },
  {
    file: ACCESS_LOG,
    after: 'in: "DR"',
    insert: '\n        in: "UDO"',
  },
  {
    file: CORE_BASE,
    // Without a key the default counts.
    after: 'string runtime_key = 3',
    insert: '; // ',
  },
  {
    file: CORE_BASE,
    after: 'message WatchedDirectory {',
    insert: '\n  bool watch_modify = 2;',
  },
  {
    file: UPSTREAM_HTTP,
    after: 'import "envoy/config/core/v3/protocol.proto";',
    insert: `
import "envoy/config/common/matcher/v3/matcher.proto";
import "envoy/config/route/v3/route_components.proto";`,
  },
  {
    file: UPSTREAM_HTTP,
    after: 'config.core.v3.TypedExtensionConfig header_validation_config = 7;',
    insert: `
  message OutlierDetection {
    config.common.matcher.v3.MatchPredicate error_matcher = 1;
  }
  OutlierDetection outlier_detection = 8;
  repeated config.route.v3.RouteAction.RequestMirrorPolicy request_mirror_policies = 9;
  repeated config.route.v3.RouteAction.HashPolicy hash_policy = 10;
  config.route.v3.RetryPolicy retry_policy = 11;`,
  },
  {
    file: TLS_INSPECTOR,
    after: 'google.protobuf.BoolValue enable_ja3_fingerprinting = 1;',
    insert: `
  google.protobuf.BoolValue enable_ja4_fingerprinting = 3;
  bool close_connection_on_client_hello_parsing_errors = 4;
  google.protobuf.UInt32Value max_client_hello_size = 5 [(validate.rules).uint32 = {lte: 16384 gt: 255}];`,
  },
  {
    file: PROXY_PROTOCOL,
    after: 'string key = 2 [(validate.rules).string = {min_len: 1}];',
    insert: `
    enum ValueStringEncoding {
      UNSPECIFIED = 0;
      SANITIZED_UTF8 = 1;
      BASE64 = 2;
    }
    ValueStringEncoding value_string_encoding = 3;`,
  },
  {
    file: PROXY_PROTOCOL,
    after: 'string stat_prefix = 5;',
    insert: `
  enum TlvLocation {
    DYNAMIC_METADATA = 0;
    FILTER_STATE = 1;
  }
  TlvLocation tlv_location = 6;`,
  },
  {
    file: COMPRESSOR,
    after: 'import "envoy/config/core/v3/extension.proto";',
    insert: '\nimport "envoy/type/matcher/v3/string.proto";',
  },
  {
    file: COMPRESSOR,
    after: 'repeated string content_type = 3;',
    insert: '\n    repeated type.matcher.v3.StringMatcher content_type_matcher = 4;',
  },
  {
    file: COMPRESSOR,
    after: 'bool remove_accept_encoding_header = 3;',
    insert: `
    repeated uint32 uncompressible_response_codes = 4 [(validate.rules).repeated = {unique: true items {uint32 {lt: 600 gte: 200}}}];
    bool status_header_enabled = 5;
    bool weaken_etag_on_compress = 6;`,
  },
  {
    file: COMPRESSOR,
    after: 'ResponseDirectionOverrides response_direction_config = 1;',
    insert: '\n  config.core.v3.TypedExtensionConfig compressor_library = 2;',
  },
  {
    file: STATEFUL_SESSION,
    after: 'bool strict = 2;',
    insert: `
  string stat_prefix = 3;
  uint32 status_on_strict_destination_not_found = 4;`,
  },
  {
    file: HTTP_COOKIE,
    after: 'string path = 3;',
    insert: '\n  repeated CookieAttribute attributes = 4;',
  },
  {
    file: HTTP_COOKIE,
    after: 'import "validate/validate.proto";',
    insert: `
// What Set-Cookie says besides name, value, Max-Age and Path.
message CookieAttribute {
  string name = 1 [(validate.rules).string = {min_len: 1 max_bytes: 16384 well_known_regex: HTTP_HEADER_NAME strict: false}];
  string value = 2 [(validate.rules).string = {max_bytes: 16384 well_known_regex: HTTP_HEADER_VALUE strict: false}];
}`,
  },
  {
    file: CORE_BASE,
    after: 'message KeyValueAppend {',
    insert: '\n  KeyValuePair record = 3;',
  },
  {
    file: CORE_BASE,
    // `record` replaces it.
    after: 'KeyValue entry = 1 [(validate.rules).message = {',
    insert: 'skip: true}]; // ',
  },
  {
    file: CORE_BASE,
    after: '// Key/value pair to append or remove.',
    insert: `
message KeyValuePair {
  string key = 1 [(validate.rules).string = {min_len: 1 max_bytes: 16384}];
  google.protobuf.Value value = 2;
}
`,
  },
  {
    file: MUTATION_RULES,
    after: 'import "envoy/type/matcher/v3/regex.proto";',
    insert: '\nimport "envoy/type/matcher/v3/string.proto";',
  },
  {
    file: MUTATION_RULES,
    after: 'core.v3.HeaderValueOption append = 2;',
    insert: '\n    RemoveOnMatch remove_on_match = 3;',
  },
  {
    file: MUTATION_RULES,
    after: 'message HeaderMutation {',
    insert: `
  message RemoveOnMatch {
    type.matcher.v3.StringMatcher key_matcher = 1 [(validate.rules).message = {required: true}];
  }`,
  },
  {
    file: HEADER_MUTATION,
    after: 'import "envoy/config/common/mutation_rules/v3/mutation_rules.proto";',
    insert: `
import "envoy/config/core/v3/base.proto";
import "envoy/config/core/v3/extension.proto";`,
  },
  {
    file: HEADER_MUTATION,
    after: 'repeated config.common.mutation_rules.v3.HeaderMutation response_mutations = 2;',
    insert: `
  repeated config.core.v3.KeyValueMutation query_parameter_mutations = 3;
  repeated config.common.mutation_rules.v3.HeaderMutation response_trailers_mutations = 4;
  repeated config.common.mutation_rules.v3.HeaderMutation request_trailers_mutations = 5;
  repeated config.core.v3.TypedExtensionConfig formatters = 6;`,
  },
  {
    file: HEADER_TO_METADATA,
    after: 'repeated Rule response_rules = 2;',
    insert: '\n  string stat_prefix = 3;',
  },
  {
    file: OUTLIER_DETECTION,
    after: 'google.protobuf.BoolValue always_eject_one_host = 25;',
    insert: '\n  google.protobuf.BoolValue detect_degraded_hosts = 26;',
  },
  {
    file: CLUSTER,
    after: 'bool respect_dns_ttl = 39;',
    insert: '\n  google.protobuf.Duration dns_jitter = 58 [(validate.rules).duration = {gte {}}];',
  },
  {
    // Without resolvers, those of the system are asked.
    file: CARES,
    after: 'resolvers = 1 [(validate.rules).repeated = {min_items: 1}];',
    replace: 'resolvers = 1;',
  },
  {
    file: CARES,
    after: 'import "google/protobuf/wrappers.proto";',
    insert: '\nimport "google/protobuf/duration.proto";',
  },
  {
    file: GETADDRINFO,
    after: 'import "udpa/annotations/status.proto";',
    insert: '\nimport "google/protobuf/wrappers.proto";',
  },
  {
    file: GETADDRINFO,
    after: 'message GetAddrInfoDnsResolverConfig {',
    insert: `
  google.protobuf.UInt32Value num_retries = 1;
  google.protobuf.UInt32Value num_resolver_threads = 2;`,
  },
  {
    file: CARES,
    after: 'google.protobuf.UInt32Value udp_max_queries = 5;',
    insert: `
  google.protobuf.UInt64Value query_timeout_seconds = 6 [(validate.rules).uint64 = {gte: 1}];
  google.protobuf.UInt32Value query_tries = 7 [(validate.rules).uint32 = {gte: 1}];
  bool rotate_nameservers = 8;
  google.protobuf.UInt32Value edns0_max_payload_size = 9 [(validate.rules).uint32 = {lte: 4096 gte: 512}];
  google.protobuf.Duration max_udp_channel_duration = 10 [(validate.rules).duration = {gte {}}];
  bool reinit_channel_on_timeout = 11;
  google.protobuf.UInt32Value qcache_max_ttl = 12 [(validate.rules).uint32 = {gte: 0}];`,
  },
  {
    file: SET_FILTER_STATE,
    after: 'repeated common.set_filter_state.v3.FilterStateValue on_request_headers = 1;',
    insert: '\n  bool clear_route_cache = 2;',
  },
  {
    file: LB_COMMON,
    after: 'bool fail_traffic_on_panic = 3;',
    insert: `
    enum LocalityBasis {
      HEALTHY_HOSTS_NUM = 0;
      HEALTHY_HOSTS_WEIGHT = 1;
    }
    message ForceLocalZone {
      google.protobuf.UInt32Value min_size = 1;
    }
    bool force_locality_direct_routing = 4 [deprecated = true];
    ForceLocalZone force_local_zone = 5;
    LocalityBasis locality_basis = 6;`,
  },
  {
    file: ADAPTIVE_CONCURRENCY,
    // The interval: with a fixed value there need not be one.
    after: 'required: true\r\n      gte {nanos: 1000000}',
    replace: 'gte {nanos: 1000000}',
  },
  {
    file: ADAPTIVE_CONCURRENCY,
    after: 'type.v3.Percent buffer = 5;',
    insert: '\n    google.protobuf.Duration fixed_value = 6 [(validate.rules).duration = {gt {}}];',
  },
  {
    file: ADAPTIVE_CONCURRENCY,
    after:
      'google.protobuf.UInt32Value max_concurrency_limit = 2 [(validate.rules).uint32 = {gt: 0}];',
    insert:
      '\n    google.protobuf.UInt32Value min_concurrency_limit = 4 [(validate.rules).uint32 = {gt: 0}];',
  },
];
