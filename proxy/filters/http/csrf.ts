// Refuses requests that change something when another site's page sent them.
import {
  type CsrfPolicy,
  CsrfPolicySchema,
} from '../../api/gen/envoy/extensions/filters/http/csrf/v3/csrf_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import { compileRuntimeFraction } from '../../config/compile/runtime-values.ts';
import { compileStringMatcher } from '../../config/compile/string-matcher.ts';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { CsrfFilter, type CsrfPolicyConfig } from './csrf/csrf-filter.ts';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [CsrfPolicySchema.typeName]: {
    filter_enabled: 'honoured',
    shadow_enabled: 'honoured',
    additional_origins: 'honoured',
  },
};

/** envoy.filters.http.csrf */
export const csrfDefinition: HttpFilterDefinition<CsrfPolicy, CsrfPolicyConfig> = {
  name: 'envoy.filters.http.csrf',
  schema: CsrfPolicySchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: CsrfPolicySchema, support: SUPPORT, compile: compilePolicy as never },
  compile: compilePolicy,
  onRoute: (_own, [first]: readonly CsrfPolicyConfig[]) => first ?? null,
  factory: (policy, { scope, random }) => {
    const stats = scope.scope('csrf');
    const runtime = {
      ...{ policy, random },
      missingSourceOrigin: stats.counter('missing_source_origin'),
      requestInvalid: stats.counter('request_invalid'),
      requestValid: stats.counter('request_valid'),
    };
    return { create: (callbacks) => new CsrfFilter(runtime, callbacks) };
  },
};

function compilePolicy(message: CsrfPolicy, context: CompileContext): CsrfPolicyConfig {
  const origins = { path: 'additional_origins', items: message.additionalOrigins };
  return Object.freeze({
    filterEnabled: compileRuntimeFraction(message.filterEnabled, context),
    shadowEnabled: compileRuntimeFraction(message.shadowEnabled, context),
    additionalOrigins: compileEach(origins, context, compileStringMatcher),
  });
}
