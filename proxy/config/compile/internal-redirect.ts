// config.route.v3.InternalRedirectPolicy, and the older internal_redirect_action.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import {
  type InternalRedirectPolicy,
  RouteAction_InternalRedirectAction as RedirectAction,
  type RouteAction,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type AllowListedRoutesConfig,
  AllowListedRoutesConfigSchema,
} from '../../api/gen/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb.js';
import { PreviousRoutesConfigSchema } from '../../api/gen/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb.js';
import { SafeCrossSchemeConfigSchema } from '../../api/gen/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb.js';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import type {
  InternalRedirectConfig,
  InternalRedirectPredicateConfig,
} from '../../model/route-policies.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';

/** Envoy InternalRedirectPolicy.max_internal_redirects. More lets upstreams send requests in circles. */
const DEFAULT_MAX_REDIRECTS = 1;
const FOUND = 302;
/** Codes that Envoy follows; others it leaves out without a word. */
const FOLLOWED: ReadonlySet<number> = new Set([301, FOUND, 303, 307, 308]);
/** Names that carry the target, which the redirect itself gives. */
const RESERVED = /^(?::|host$)/;

/** Support of the messages that only internal redirects use, by type name. */
export const INTERNAL_REDIRECT_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.route.v3.InternalRedirectPolicy': {
    max_internal_redirects: 'honoured',
    redirect_response_codes: 'honoured',
    predicates: { partly: 'previous_routes, allow_listed_routes and safe_cross_scheme' },
    allow_cross_scheme_redirect: 'honoured',
    response_headers_to_copy: 'honoured',
  },
  [AllowListedRoutesConfigSchema.typeName]: { allowed_route_names: 'honoured' },
  [PreviousRoutesConfigSchema.typeName]: {},
  [SafeCrossSchemeConfigSchema.typeName]: {},
};

/** null: the route follows no redirect. */
export function compileInternalRedirect(
  {
    internalRedirectPolicy: policy,
    internalRedirectAction: action,
    maxInternalRedirects,
  }: RouteAction,
  context: CompileContext,
): InternalRedirectConfig | null {
  if (policy !== undefined) return compilePolicy(policy, context.at('internal_redirect_policy'));
  if (action !== RedirectAction.HANDLE_INTERNAL_REDIRECT) return null;
  return {
    maxRedirects: maxInternalRedirects ?? DEFAULT_MAX_REDIRECTS,
    statuses: new Set([FOUND]),
    allowsCrossScheme: false,
    predicates: [],
    responseHeadersToCopy: [],
  };
}

function compilePolicy(
  message: InternalRedirectPolicy,
  context: CompileContext,
): InternalRedirectConfig {
  const { redirectResponseCodes: codes, predicates } = message;
  const followed = codes.filter((code) => FOLLOWED.has(code));
  for (const [index, name] of message.responseHeadersToCopy.entries()) {
    if (!RESERVED.test(name.toLowerCase())) continue;
    const at = `response_headers_to_copy[${index}]`;
    context.reject(at, ':-prefixed headers or Hosts may not be specified here.');
  }
  return {
    maxRedirects: message.maxInternalRedirects ?? DEFAULT_MAX_REDIRECTS,
    statuses: new Set(codes.length === 0 ? [FOUND] : followed),
    allowsCrossScheme: message.allowCrossSchemeRedirect,
    predicates: compileEach({ path: 'predicates', items: predicates }, context, compilePredicate),
    responseHeadersToCopy: message.responseHeadersToCopy.map((name) => name.toLowerCase()),
  };
}

function compilePredicate(
  { typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): InternalRedirectPredicateConfig | null {
  const type = typeIn(typedConfig);
  switch (type) {
    case PreviousRoutesConfigSchema.typeName:
      return { kind: 'previous-routes' };
    case SafeCrossSchemeConfigSchema.typeName:
      return { kind: 'safe-cross-scheme' };
    case AllowListedRoutesConfigSchema.typeName: {
      const message = typedConfig && unpack(typedConfig, context, 'typed_config');
      if (message === undefined || message === null) return null;
      const names = (message as AllowListedRoutesConfig).allowedRouteNames;
      return { kind: 'allow-listed-routes', names: new Set(names) };
    }
    default:
      context.reject(
        'typed_config',
        `'${type}' is no predicate: use previous_routes, allow_listed_routes or safe_cross_scheme`,
      );
      return null;
  }
}
