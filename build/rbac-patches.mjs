// Additions to the protos of role-based access control; see api-patches.mjs.

const RBAC = 'envoy/config/rbac/v3/rbac.proto';
const NETWORK_RBAC = 'envoy/extensions/filters/network/rbac/v3/rbac.proto';

/** Each: the first place of `after` in `file`, and the text to put behind it. */
export const RBAC_PATCHES = [
  {
    file: RBAC,
    after: 'import "envoy/config/core/v3/address.proto";',
    insert: '\nimport "envoy/config/core/v3/cel.proto";',
  },
  {
    file: RBAC,
    after: 'message Policy {',
    insert: '\n  core.v3.CelExpressionConfig cel_config = 5;',
  },
  {
    file: RBAC,
    after: 'core.v3.TypedExtensionConfig uri_template = 13;',
    insert: '\n    SourcedMetadata sourced_metadata = 14;',
  },
  {
    file: RBAC,
    after: 'Principal not_id = 8;',
    insert: `
    SourcedMetadata sourced_metadata = 13;
    core.v3.TypedExtensionConfig custom = 14;`,
  },
  {
    file: RBAC,
    after: 'option (udpa.annotations.file_status).package_version_status = ACTIVE;',
    insert: `

enum MetadataSource {
  DYNAMIC = 0;
  ROUTE = 1;
}

message SourcedMetadata {
  type.matcher.v3.MetadataMatcher metadata_matcher = 1 [(validate.rules).message = {required: true}];
  MetadataSource metadata_source = 2 [(validate.rules).enum = {defined_only: true}];
}`,
  },
  {
    file: NETWORK_RBAC,
    after: 'import "envoy/config/rbac/v3/rbac.proto";',
    insert: '\nimport "google/protobuf/duration.proto";',
  },
  {
    file: NETWORK_RBAC,
    after: 'EnforcementType enforcement_type = 4;',
    insert: '\n  google.protobuf.Duration delay_deny = 8;',
  },
];
