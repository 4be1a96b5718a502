// What a route does: forward, redirect, answer itself, or serve filters only.
import { RoutingPriority } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  RouteAction_ClusterNotFoundResponseCode as NotFoundCode,
  type Route,
  type RouteAction,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { ForwardActionConfig, RouteActionConfig } from '../../model/route.ts';
import { compileClusterSpecifier } from './cluster-specifier.ts';
import { compileDirectResponse } from './direct-response.ts';
import { durationMs } from './field-values.ts';
import { compileHashPolicies } from './hash-policy.ts';
import { compileInternalRedirect } from './internal-redirect.ts';
import { compileMetadataMatch } from './metadata-match.ts';
import { compileMirrors } from './mirror-policy.ts';
import { compileHostRewrite, compilePathRewrite } from './path-rewrite.ts';
import { compileRateLimits } from './rate-limits.ts';
import { compileRedirect } from './redirect-action.ts';
import { compileHedgePolicy, compileRetryPolicy } from './retry-policy.ts';
import type { RouteTableRules } from './route-table-rules.ts';
import { compileStreamDuration } from './stream-duration.ts';
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
    case 'directResponse':
      return compileDirectResponse(action.value, rules, context.at('direct_response'));
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
  const pathRewrite = compilePathRewrite(message, context);
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
    ...pathRewrite,
    ...compileHostRewrite(message.hostRewriteSpecifier, context),
    appendXForwardedHost: message.appendXForwardedHost,
    metadataMatch: compileMetadataMatch(message.metadataMatch),
    hashPolicies: compileHashPolicies(message.hashPolicy, context),
    mirrors: compileMirrors(message.requestMirrorPolicies, context),
    retry: compileRetryPolicy(message.retryPolicy, context),
    hedge: compileHedgePolicy(message.hedgePolicy),
    internalRedirect: compileInternalRedirect(message, context),
    rateLimits: compileRateLimits(message.rateLimits, context),
    includeVhRateLimits: message.includeVhRateLimits ?? false,
    priority: PRIORITY[message.priority],
  };
}
