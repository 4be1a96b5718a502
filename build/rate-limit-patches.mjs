// Additions to the protos of rate limits; see api-patches.mjs.

const LOCAL_RATE_LIMIT = 'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto';
const COMMON_RATE_LIMIT = 'envoy/extensions/common/ratelimit/v3/ratelimit.proto';

/** As PATCHES. */
export const RATE_LIMIT_PATCHES = [
  {
    file: LOCAL_RATE_LIMIT,
    after: 'bool rate_limited_as_resource_exhausted = 15;',
    insert: `
  repeated config.route.v3.RateLimit rate_limits = 17;
  google.protobuf.UInt32Value max_dynamic_descriptors = 18 [(validate.rules).uint32 = {gte: 1}];
  bool enable_retry_after_header = 19;`,
  },
  {
    file: LOCAL_RATE_LIMIT,
    after: 'import "envoy/config/core/v3/base.proto";',
    insert: '\nimport "envoy/config/route/v3/route_components.proto";',
  },
  {
    file: COMMON_RATE_LIMIT,
    after: 'type.v3.TokenBucket token_bucket = 2 [(validate.rules).message = {required: true}];',
    insert: '\n  bool shadow_mode = 3;',
  },
  {
    file: COMMON_RATE_LIMIT,
    after: 'string value = 2 [(validate.rules).string = {min_len: 1}];',
    replace: 'string value = 2;',
  },
];
