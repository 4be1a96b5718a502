// What a route does: forward, redirect, answer itself, or serve filters only.
import { RoutingPriority } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  RouteAction_ClusterNotFoundResponseCode as NotFoundCode,
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type Route,
  type RouteAction,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  DirectResponseActionConfig,
  ForwardActionConfig,
  RedirectActionConfig,
  RouteActionConfig,
} from '../../model/route.ts';
import { compileClusterSpecifier } from './cluster-specifier.ts';
import { compileDataSource } from './data-source.ts';
import { durationMs } from './field-values.ts';
import { compileHashPolicies } from './hash-policy.ts';
import { compileMetadataMatch } from './metadata-match.ts';
import type { RouteTableRules } from './route-table-rules.ts';
import { compileStreamDuration } from './stream-duration.ts';
import { compileRegexRewrite } from './string-matcher.ts';
import { compileRouteUpgrades } from './upgrades.ts';

/** Envoy route.v3.RouteAction.timeout. Shorter breaks slow answers, longer holds connections. */
export const DEFAULT_ROUTE_TIMEOUT_MS = 15_000;

const NOT_FOUND_STATUS: Readonly<
  Record<NotFoundCode, ForwardActionConfig['clusterNotFoundStatus']>
> = {
  [NotFoundCode.SERVICE_UNAVAILABLE]: 503,
  [NotFoundCode.NOT_FOUND]: 404,
  [NotFoundCode.INTERNAL_SERVER_ERROR]: 500,
};
const PRIORITY: Readonly<Record<RoutingPriority, ForwardActionConfig['priority']>> = {
  [RoutingPriority.DEFAULT]: 'default',
  [RoutingPriority.HIGH]: 'high',
};
const REDIRECT_STATUS: Readonly<Record<RedirectCode, RedirectActionConfig['status']>> = {
  [RedirectCode.MOVED_PERMANENTLY]: 301,
  [RedirectCode.FOUND]: 302,
  [RedirectCode.SEE_OTHER]: 303,
  [RedirectCode.TEMPORARY_REDIRECT]: 307,
  [RedirectCode.PERMANENT_REDIRECT]: 308,
};

/** The compiled action of a route; null and rejections when it has none that works. */
export function compileRouteAction(
  action: Route['action'],
  rules: RouteTableRules,
  context: CompileContext,
): RouteActionConfig | null {
  switch (action.case) {
    case 'route':
      return compileForward(action.value, rules, context.at('route'));
    case 'redirect':
      return compileRedirect(action.value, context.at('redirect'));
    case 'directResponse': {
      const body = compileDataSource(action.value.body, context.at('direct_response.body'));
      return body === null
        ? null
        : directResponse({ status: action.value.status, body }, rules, context);
    }
    case 'nonForwardingAction':
      return { kind: 'non-forwarding' };
    default:
      context.reject('', 'action is required: use route, redirect or direct_response');
      return null;
  }
}

function compileForward(
  message: RouteAction,
  rules: RouteTableRules,
  context: CompileContext,
): ForwardActionConfig | null {
  const cluster = compileClusterSpecifier(message, rules, context);
  const regexRewrite = compileRegexRewrite(message.regexRewrite, context.at('regex_rewrite'));
  if (message.regexRewrite !== undefined && message.prefixRewrite !== '') {
    const reason = 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy';
    context.reject('regex_rewrite', reason);
  }
  const idle = { path: 'idle_timeout', value: message.idleTimeout };
  const timeout = { path: 'timeout', value: message.timeout };
  if (cluster === null) return null;
  return {
    kind: 'forward',
    cluster,
    clusterNotFoundStatus: NOT_FOUND_STATUS[message.clusterNotFoundResponseCode],
    timeoutMs: durationMs(context, timeout, DEFAULT_ROUTE_TIMEOUT_MS),
    idleTimeoutMs: durationMs(context, idle, null),
    streamDuration: compileStreamDuration(message, context),
    upgrades: compileRouteUpgrades(message.upgradeConfigs, context),
    prefixRewrite: message.prefixRewrite,
    regexRewrite,
    ...compileHostRewrite(message.hostRewriteSpecifier, context),
    appendXForwardedHost: message.appendXForwardedHost,
    metadataMatch: compileMetadataMatch(message.metadataMatch),
    hashPolicies: compileHashPolicies(message.hashPolicy, context),
    mirrors: [],
    internalRedirect: null,
    rateLimits: [],
    includeVhRateLimits: false,
    priority: PRIORITY[message.priority],
  };
}

/** The one way in which a route gives requests another host. */
function compileHostRewrite(
  host: RouteAction['hostRewriteSpecifier'],
  context: CompileContext,
): Pick<
  ForwardActionConfig,
  'hostRewriteLiteral' | 'hostRewriteHeader' | 'hostRewritePathRegex' | 'autoHostRewrite'
> {
  const none = { hostRewriteLiteral: '', autoHostRewrite: false };
  switch (host.case) {
    case 'hostRewriteLiteral':
      return { ...none, hostRewriteLiteral: host.value };
    case 'autoHostRewrite':
      return { ...none, autoHostRewrite: host.value.value };
    case 'hostRewriteHeader':
      return { ...none, hostRewriteHeader: host.value.toLowerCase() };
    case 'hostRewritePathRegex': {
      const regex = compileRegexRewrite(host.value, context.at('host_rewrite_path_regex'));
      return regex === null ? none : { ...none, hostRewritePathRegex: regex };
    }
    default:
      return none;
  }
}

function compileRedirect(message: RedirectAction, context: CompileContext): RedirectActionConfig {
  const scheme = message.schemeRewriteSpecifier;
  const path = message.pathRewriteSpecifier;
  const regex = path.case === 'regexRewrite' ? path.value : undefined;
  return {
    kind: 'redirect',
    status: REDIRECT_STATUS[message.responseCode],
    scheme: scheme.case === 'schemeRedirect' ? scheme.value : '',
    httpsRedirect: scheme.case === 'httpsRedirect' && scheme.value,
    host: message.hostRedirect,
    port: message.portRedirect,
    path: path.case === 'pathRedirect' ? path.value : '',
    prefixRewrite: path.case === 'prefixRewrite' ? path.value : '',
    regexRewrite: compileRegexRewrite(regex, context.at('regex_rewrite')),
    stripQuery: message.stripQuery,
  };
}

function directResponse(
  answer: { readonly status: number; readonly body: string },
  rules: RouteTableRules,
  context: CompileContext,
): DirectResponseActionConfig | null {
  const bytes = new TextEncoder().encode(answer.body).length;
  const limit = rules.maxDirectResponseBodyBytes;
  if (bytes <= limit) return { kind: 'direct-response', ...answer };
  const advice = 'raise max_direct_response_body_size_bytes of the route configuration';
  const reason = `response body size is ${bytes} bytes; maximum is ${limit}: ${advice}`;
  context.reject('direct_response.body', reason);
  return null;
}
