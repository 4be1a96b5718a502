// CORS policies, as typed_per_filter_config carries them and as the deprecated fields of virtual
// hosts and routes do: the messages say the same under other field numbers.
import type { CorsPolicy as DeprecatedCorsPolicy } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CorsPolicy } from '../../api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import type { Fraction } from '../../base/random.ts';
import {
  type CompileContext,
  type PerFilterConfigs,
  perFilterKeyOfField,
} from '../../model/extension.ts';
import { matchesString } from '../../model/match-value.ts';
import type { StringMatchConfig } from '../../model/route-match.ts';
import { compileEach } from './compile-each.ts';
import { compileRuntimeFraction } from './runtime-values.ts';
import { compileStringMatcher } from './string-matcher.ts';

const CORS_FILTER = 'envoy.filters.http.cors';

/** extensions.filters.http.cors.v3.CorsPolicy of one level; '' and null: it leaves that to others. */
export interface CorsPolicyConfig {
  /** Empty: left to others. */
  readonly allowOrigins: readonly StringMatchConfig[];
  /** One of `allowOrigins` takes `*`, so each is taken. */
  readonly allowsAnyOrigin: boolean;
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean | null;
  readonly allowPrivateNetworkAccess: boolean | null;
  readonly forwardNotMatchingPreflights: boolean | null;
  /** null: all requests. */
  readonly filterEnabled: Fraction | null;
  /** null: none. */
  readonly shadowEnabled: Fraction | null;
}

/** What both messages have. */
type PolicyFields = Omit<CorsPolicy, '$typeName' | '$unknown' | 'filterEnabled'> &
  Pick<Partial<CorsPolicy>, 'filterEnabled'>;

/** The compiled policy of one level. */
export function compileCorsPolicy(
  message: PolicyFields,
  context: CompileContext,
): CorsPolicyConfig {
  const origins = { path: 'allow_origin_string_match', items: message.allowOriginStringMatch };
  const allowOrigins = compileEach(origins, context, compileStringMatcher);
  return Object.freeze({
    allowOrigins,
    allowsAnyOrigin: allowOrigins.some((match) => matchesString(match, '*')),
    allowMethods: message.allowMethods,
    allowHeaders: message.allowHeaders,
    exposeHeaders: message.exposeHeaders,
    maxAge: message.maxAge,
    allowCredentials: message.allowCredentials ?? null,
    allowPrivateNetworkAccess: message.allowPrivateNetworkAccess ?? null,
    forwardNotMatchingPreflights: message.forwardNotMatchingPreflights ?? null,
    filterEnabled: compileRuntimeFraction(message.filterEnabled, context),
    shadowEnabled: compileRuntimeFraction(message.shadowEnabled, context),
  });
}

/** `configs` with what the deprecated `cors` of the same level asks of the filter. */
export function withDeprecatedCors(
  configs: PerFilterConfigs,
  message: DeprecatedCorsPolicy | undefined,
  context: CompileContext,
): PerFilterConfigs {
  const { httpFilters } = context.environment.extensions;
  const definition = httpFilters.find(({ name }) => name === CORS_FILTER);
  if (message === undefined || definition === undefined) return configs;
  const { enabledSpecifier, ...rest } = message;
  const fields: PolicyFields =
    enabledSpecifier.case === 'filterEnabled'
      ? { ...rest, filterEnabled: enabledSpecifier.value }
      : rest;
  const config = compileCorsPolicy(fields, context.at('cors'));
  const entry = Object.freeze({ definition, config, disabled: false });
  return new Map([...configs, [perFilterKeyOfField(CORS_FILTER), entry]]);
}
