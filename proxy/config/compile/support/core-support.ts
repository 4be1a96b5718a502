// The support tables of every message that is no extension's own: what validation walks by and what
// the list of fields in the documentation is written from.
import type { SupportTable } from '../../../model/extension.ts';
import { ACCESS_LOG_FIELDS } from './access-log-fields.ts';
import { BOOTSTRAP_FIELDS } from './bootstrap-fields.ts';
import { CLUSTER_FIELDS } from './cluster-fields.ts';
import { DISCOVERY_FIELDS } from './discovery-fields.ts';
import { HCM_FIELDS } from './hcm-fields.ts';
import { HTTP_PROTOCOL_FIELDS } from './http-protocol-fields.ts';
import { LISTENER_FIELDS } from './listener-fields.ts';
import { MATCHER_FIELDS } from './matcher-fields.ts';
import { RATE_LIMIT_FIELDS } from './rate-limit-fields.ts';
import { ROUTE_FIELDS } from './route-fields.ts';
import { SECRET_FIELDS } from './secret-fields.ts';
import { SHARED_FIELDS } from './shared-fields.ts';

/** Support of fields by type name of their message. */
export const CORE_SUPPORT: Readonly<Record<string, SupportTable>> = {
  ...BOOTSTRAP_FIELDS,
  ...LISTENER_FIELDS,
  ...CLUSTER_FIELDS,
  ...HCM_FIELDS,
  ...MATCHER_FIELDS,
  ...ROUTE_FIELDS,
  ...RATE_LIMIT_FIELDS,
  ...ACCESS_LOG_FIELDS,
  ...HTTP_PROTOCOL_FIELDS,
  ...SECRET_FIELDS,
  ...DISCOVERY_FIELDS,
  ...SHARED_FIELDS,
};
