// Additions to the protos of routes and matchers; see api-patches.mjs.

const ROUTE_COMPONENTS = 'envoy/config/route/v3/route_components.proto';
const ROUTE = 'envoy/config/route/v3/route.proto';
const FILTER_STATE = 'envoy/type/matcher/v3/filter_state.proto';
const XDS_MATCHER = 'xds/type/matcher/v3/matcher.proto';

/** Each: the first place of `after` in `file`, and the text to put behind it. */
export const ROUTE_PATCHES = [
  {
    file: ROUTE_COMPONENTS,
    after: 'MaxStreamDuration max_stream_duration = 36;',
    insert: `
  google.protobuf.Duration flush_timeout = 42;
  string path_rewrite = 45;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'bool disable_shadow_host_suffix_append = 6;',
    insert: `
    repeated common.mutation_rules.v3.HeaderMutation request_headers_mutations = 7 [(validate.rules).repeated = {max_items: 1000}];
    string host_rewrite_literal = 8 [(validate.rules).string = {well_known_regex: HTTP_HEADER_VALUE strict: false}];`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'import "envoy/config/core/v3/base.proto";',
    insert: '\nimport "envoy/config/common/mutation_rules/v3/mutation_rules.proto";',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'import "envoy/type/matcher/v3/metadata.proto";',
    insert: '\nimport "envoy/type/matcher/v3/filter_state.proto";',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'option (udpa.annotations.file_status).package_version_status = ACTIVE;',
    insert: `
message CookieMatcher {
  string name = 1 [(validate.rules).string = {min_len: 1 max_bytes: 1024}];
  type.matcher.v3.StringMatcher string_match = 2 [(validate.rules).message = {required: true}];
  bool invert_match = 3;
}`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'repeated type.matcher.v3.MetadataMatcher dynamic_metadata = 13;',
    insert: `
  repeated type.matcher.v3.FilterStateMatcher filter_state = 16;
  repeated CookieMatcher cookies = 17;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'core.v3.Metadata metadata = 24;',
    insert: `
  google.protobuf.UInt64Value request_body_buffer_limit = 25;
  repeated core.v3.TypedExtensionConfig route_specifiers = 26;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'string stat_prefix = 19;',
    insert: `
  google.protobuf.UInt64Value request_body_buffer_limit = 20;
  repeated core.v3.TypedExtensionConfig route_specifiers = 21;`,
  },
  {
    file: ROUTE,
    after: 'import "envoy/config/core/v3/config_source.proto";',
    insert: '\nimport "envoy/config/core/v3/extension.proto";',
  },
  {
    file: ROUTE,
    after: 'core.v3.Metadata metadata = 17;',
    insert: `
  string vhost_header = 18 [(validate.rules).string = {well_known_regex: HTTP_HEADER_NAME strict: false}];
  repeated core.v3.TypedExtensionConfig route_specifiers = 19;`,
  },
  {
    file: FILTER_STATE,
    after: 'import "envoy/type/matcher/v3/string.proto";',
    insert: '\nimport "xds/core/v3/cidr.proto";',
  },
  {
    file: FILTER_STATE,
    after: 'option (udpa.annotations.file_status).package_version_status = ACTIVE;',
    insert: `
message AddressMatcher {
  repeated xds.core.v3.CidrRange ranges = 1;
  bool invert_match = 2;
}`,
  },
  {
    file: FILTER_STATE,
    after: 'StringMatcher string_match = 2;',
    insert: '\n    AddressMatcher address_match = 3;',
  },
  {
    file: XDS_MATCHER,
    after: 'message OnMatch {',
    insert: '\n    bool keep_matching = 3;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'import "envoy/config/core/v3/proxy_protocol.proto";',
    insert: '\nimport "envoy/config/core/v3/substitution_format_string.proto";',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'import "envoy/config/core/v3/proxy_protocol.proto";',
    insert: '\nimport "envoy/type/v3/ratelimit_unit.proto";',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'oneof random_value_specifier {',
    insert: '\n    google.protobuf.BoolValue use_hash_policy = 5;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'type.matcher.v3.RegexMatchAndSubstitute host_rewrite_path_regex = 35;',
    insert: '\n    string host_rewrite = 44;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'type.matcher.v3.RegexMatchAndSubstitute regex_rewrite = 9;',
    insert: '\n    string path_rewrite = 10;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'core.v3.DataSource body = 2;',
    insert: '\n  core.v3.SubstitutionFormatString body_format = 3;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'repeated type.tracing.v3.CustomTag custom_tags = 4;',
    insert: `
  string operation = 5;
  string upstream_operation = 6;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'message GenericKey {',
    insert: '\n      string default_value = 3;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'message HeaderValueMatch {',
    insert: '\n      string default_value = 5;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'message QueryParameterValueMatch {',
    insert: '\n      string default_value = 5;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'ROUTE_ENTRY = 1;',
    insert: `
        CLUSTER_ENTRY = 2;
        CLUSTER_LOCALITY_ENTRY = 3;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'QueryParameterValueMatch query_parameter_value_match = 11;',
    insert: `
      QueryParameters query_parameters = 12;
      RemoteAddressMatch remote_address_match = 13;`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'message Action {',
    insert: `
    message QueryParameters {
      string query_parameter_name = 1 [(validate.rules).string = {min_len: 1}];
      string descriptor_key = 2 [(validate.rules).string = {min_len: 1}];
      bool skip_if_absent = 3;
    }
    message RemoteAddressMatch {
      string descriptor_value = 1 [(validate.rules).string = {min_len: 1}];
      string descriptor_key = 2;
      string default_value = 3;
      type.matcher.v3.AddressMatcher address_matcher = 4 [(validate.rules).message = {required: true}];
    }`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'DynamicMetadata dynamic_metadata = 1;',
    insert: '\n      RateLimitOverride rate_limit = 2;',
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'message Override {',
    insert: `
    message RateLimitOverride {
      uint32 requests_per_unit = 1;
      type.v3.RateLimitUnit unit = 2 [(validate.rules).enum = {defined_only: true}];
    }`,
  },
  {
    file: ROUTE_COMPONENTS,
    after: 'Override limit = 4;',
    insert: `
  message HitsAddend {
    google.protobuf.UInt64Value number = 1 [(validate.rules).uint64 = {lte: 1000000000}];
    string format = 2 [(validate.rules).string = {prefix: "%" suffix: "%" ignore_empty: true}];
    bool is_negative_hits = 3;
  }
  HitsAddend hits_addend = 5;
  bool apply_on_stream_done = 6;
  enum XRateLimitOption {
    UNSPECIFIED = 0;
    OFF = 1;
    DRAFT_VERSION_03 = 2;
  }
  XRateLimitOption x_ratelimit_option = 7;`,
  },
];
