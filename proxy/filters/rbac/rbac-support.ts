// Which fields of access rules are honoured, for both filters.
import {
  ActionSchema,
  Permission_SetSchema,
  PermissionSchema,
  PolicySchema,
  Principal_AuthenticatedSchema,
  Principal_SetSchema,
  PrincipalSchema,
  RBACSchema,
  SourcedMetadataSchema,
} from '../../api/gen/envoy/config/rbac/v3/rbac_pb.js';
import { ConfigSchema as MtlsConfigSchema } from '../../api/gen/envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated_pb.js';
import { PathMatcherSchema } from '../../api/gen/envoy/type/matcher/v3/path_pb.js';
import { Int32RangeSchema } from '../../api/gen/envoy/type/v3/range_pb.js';
import type { SupportTable } from '../../model/extension.ts';

const NO_CEL = {
  refused:
    'CEL expressions are not evaluated, and a policy without its condition would be another one; say it with permissions and principals',
} as const;
const NO_MATCHER = {
  refused:
    'upstream_ip_port reads an address that no filter here writes before a host is chosen; use destination_ip and destination_port',
} as const;
const NO_AUDIT = {
  refused: 'there are no audit loggers; use an access log with a metadata_filter',
} as const;

/** Support of config.rbac.v3 and of what only its rules use, by type name. */
export const RBAC_SUPPORT: Readonly<Record<string, SupportTable>> = {
  [RBACSchema.typeName]: {
    action: 'honoured',
    policies: 'honoured',
    audit_logging_options: NO_AUDIT,
  },
  [PolicySchema.typeName]: {
    permissions: 'honoured',
    principals: 'honoured',
    condition: NO_CEL,
    checked_condition: NO_CEL,
    cel_config: NO_CEL,
  },
  [PermissionSchema.typeName]: {
    and_rules: 'honoured',
    or_rules: 'honoured',
    any: 'honoured',
    header: { partly: 'HTTP only, as in Envoy' },
    url_path: 'honoured',
    destination_ip: 'honoured',
    destination_port: 'honoured',
    destination_port_range: 'honoured',
    metadata: 'honoured',
    not_rule: 'honoured',
    requested_server_name: 'honoured',
    matcher: NO_MATCHER,
    uri_template: 'honoured',
    sourced_metadata: 'honoured',
  },
  [Permission_SetSchema.typeName]: { rules: 'honoured' },
  [PrincipalSchema.typeName]: {
    and_ids: 'honoured',
    or_ids: 'honoured',
    any: 'honoured',
    authenticated: 'honoured',
    source_ip: 'honoured',
    direct_remote_ip: 'honoured',
    remote_ip: 'honoured',
    header: { partly: 'HTTP only, as in Envoy' },
    url_path: 'honoured',
    metadata: 'honoured',
    filter_state: 'honoured',
    not_id: 'honoured',
    sourced_metadata: 'honoured',
    custom: { partly: 'envoy.rbac.principals.mtls_authenticated' },
  },
  [Principal_SetSchema.typeName]: { ids: 'honoured' },
  [Principal_AuthenticatedSchema.typeName]: { principal_name: 'honoured' },
  [SourcedMetadataSchema.typeName]: { metadata_matcher: 'honoured', metadata_source: 'honoured' },
  [ActionSchema.typeName]: { name: 'honoured', action: 'honoured' },
  [MtlsConfigSchema.typeName]: {
    san_matcher: 'honoured',
    any_validated_client_certificate: 'honoured',
  },
  [PathMatcherSchema.typeName]: { path: 'honoured' },
  [Int32RangeSchema.typeName]: { start: 'honoured', end: 'honoured' },
};
