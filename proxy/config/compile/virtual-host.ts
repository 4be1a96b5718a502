// config.route.v3.VirtualHost and its routes.
import {
  type Route,
  VirtualHost_TlsRequirementType as TlsRequirement,
  type VirtualCluster,
  type VirtualHost,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  BufferLimitConfig,
  RouteConfig,
  VirtualClusterConfig,
  VirtualHostConfig,
} from '../../model/route.ts';
import { compileEach } from './compile-each.ts';
import { withDeprecatedCors } from './cors-policy.ts';
import { deepFreeze } from './freeze.ts';
import { compileHeaderMatcher } from './header-matcher.ts';
import { compileHeaderMutations } from './header-mutations.ts';
import { compileMetadata } from './metadata.ts';
import { compileMirrors } from './mirror-policy.ts';
import { checkPathRewrite } from './path-rewrite.ts';
import { compilePerFilterConfig } from './per-filter-config.ts';
import { compileRateLimits } from './rate-limits.ts';
import { compileHedgePolicy, compileRetryPolicy } from './retry-policy.ts';
import { compileRouteAction } from './route-action.ts';
import { compileRouteMatch } from './route-match.ts';
import { compileRouteMatchTree } from './route-match-tree.ts';
import type { RouteTableRules } from './route-table-rules.ts';

const REQUIRE_TLS: Readonly<Record<TlsRequirement, VirtualHostConfig['requireTls']>> = {
  [TlsRequirement.NONE]: 'none',
  [TlsRequirement.EXTERNAL_ONLY]: 'external-only',
  [TlsRequirement.ALL]: 'all',
};

/** Routes of one step: some 2 ms where the code is cold. */
const ROUTES_PER_STEP = 64;

/** A compiled virtual host, in steps; routes that were refused are left out. */
export function* compileVirtualHost(
  message: VirtualHost,
  rules: RouteTableRules,
  context: CompileContext,
): Generator<void, VirtualHostConfig, void> {
  message.domains.forEach((domain, index) => {
    warnOfInnerWildcard(domain, context.at(`domains[${index}]`));
  });
  const routes: RouteConfig[] = [];
  for (const [index, each] of message.routes.entries()) {
    const route = compileRoute(each, rules, context.at(`routes[${index}]`));
    // Frozen here, so that freezing the whole has little left to do.
    if (route !== null) routes.push(deepFreeze(route));
    if (index % ROUTES_PER_STEP === ROUTES_PER_STEP - 1) yield;
  }
  return {
    name: message.name,
    domains: message.domains.map((domain) => domain.toLowerCase()),
    requireTls: REQUIRE_TLS[message.requireTls],
    routes,
    virtualClusters: compileEach(
      { path: 'virtual_clusters', items: message.virtualClusters },
      context,
      compileVirtualCluster,
    ),
    mutations: compileHeaderMutations(message, context),
    includeRequestAttemptCount: message.includeRequestAttemptCount,
    includeAttemptCountInResponse: message.includeAttemptCountInResponse,
    includeIsTimeoutRetryHeader: message.includeIsTimeoutRetryHeader,
    retry: compileRetryPolicy(message.retryPolicy, context),
    hedge: compileHedgePolicy(message.hedgePolicy),
    perFilterConfig: withDeprecatedCors(
      compilePerFilterConfig(message, context),
      message.cors,
      context,
    ),
    matcher: compileRouteMatchTree(
      message,
      (route, at) => compileRoute(route, { ...rules, clusterNames: null }, at),
      context,
    ),
    mirrors: compileMirrors(message.requestMirrorPolicies, context),
    rateLimits: compileRateLimits(message.rateLimits, context),
    bufferLimit: bufferLimitOf(message),
    metadata: compileMetadata(message.metadata),
  };
}

function compileVirtualCluster(
  message: VirtualCluster,
  context: CompileContext,
): VirtualClusterConfig {
  if (message.headers.length === 0) {
    context.reject('headers', "virtual clusters must define 'headers'");
  }
  const headers = { path: 'headers', items: message.headers };
  return { name: message.name, headers: compileEach(headers, context, compileHeaderMatcher) };
}

/** Envoy takes `a*b` as an exact domain, which no request can have. */
function warnOfInnerWildcard(domain: string, context: CompileContext): void {
  const inner = domain.startsWith('*') ? domain.slice(1) : domain.replace(/\*$/, '');
  if (!inner.includes('*')) return;
  context.warn('', `'${domain}' matches no host: only the first or the last character may be *`);
}

function compileRoute(
  message: Route,
  rules: RouteTableRules,
  context: CompileContext,
): RouteConfig | null {
  const match = compileRouteMatch(message.match, context.at('match'));
  const action = compileRouteAction(message.action, rules, context);
  const mutations = compileHeaderMutations(message, context);
  const typed = compilePerFilterConfig(message, context);
  const cors = message.action.case === 'route' ? message.action.value.cors : undefined;
  const perFilterConfig = withDeprecatedCors(typed, cors, context.at('route'));
  if (match === null || action === null) return null;
  checkPathRewrite({ match, action }, context);
  const { name, statPrefix } = message;
  return {
    ...{ name, statPrefix, match, action, mutations, perFilterConfig },
    bufferLimit: bufferLimitOf(message),
    metadata: compileMetadata(message.metadata),
    decoratorOperation: message.decorator?.operation ?? '',
  };
}

function bufferLimitOf({
  requestBodyBufferLimit,
  perRequestBufferLimitBytes,
}: Route | VirtualHost): BufferLimitConfig {
  const bytes = requestBodyBufferLimit === undefined ? null : Number(requestBodyBufferLimit);
  return { bytes, olderBytes: perRequestBufferLimitBytes ?? null };
}
