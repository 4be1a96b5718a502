// config.route.v3.RouteMatch: which requests a route is for.
import type {
  CookieMatcher,
  RouteMatch,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  CookieMatchConfig,
  RouteMatchConfig,
  TlsContextMatchConfig,
} from '../../model/route-match.ts';
import { compileEach } from './compile-each.ts';
import { compileHeaderMatcher, compileQueryParameterMatcher } from './header-matcher.ts';
import { withLive } from './live-value.ts';
import { compileFilterStateMatcher, compileMetadataMatcher } from './metadata-matcher.ts';
import { compilePathMatch } from './path-match.ts';
import { runtimeFractionPpm } from './runtime-values.ts';
import { compileStringMatcher } from './string-matcher.ts';

/** A compiled RouteMatch; null and rejections when no request could be matched as asked. */
export function compileRouteMatch(
  match: RouteMatch | undefined,
  context: CompileContext,
): RouteMatchConfig | null {
  if (match === undefined) {
    context.reject('', 'is required: use match: { prefix: "/" } for every path');
    return null;
  }
  const path = compilePathMatch(match, context);
  const conditions = compileConditions(match, context);
  if (path === null) return null;
  const config = {
    path,
    caseSensitive: match.caseSensitive ?? true,
    grpcOnly: match.grpc !== undefined,
    tlsContext: compileTlsContext(match),
    ...conditions,
  };
  return withFraction(config, match, context);
}

type Conditions = Pick<
  RouteMatchConfig,
  'headers' | 'queryParameters' | 'cookies' | 'dynamicMetadata' | 'filterState'
>;

function compileConditions(match: RouteMatch, context: CompileContext): Conditions {
  const query = { path: 'query_parameters', items: match.queryParameters };
  const metadata = { path: 'dynamic_metadata', items: match.dynamicMetadata };
  const state = { path: 'filter_state', items: match.filterState };
  return {
    headers: compileEach({ path: 'headers', items: match.headers }, context, compileHeaderMatcher),
    queryParameters: compileEach(query, context, compileQueryParameterMatcher),
    cookies: compileEach({ path: 'cookies', items: match.cookies }, context, compileCookieMatcher),
    dynamicMetadata: compileEach(metadata, context, compileMetadataMatcher),
    filterState: compileEach(state, context, compileFilterStateMatcher),
  };
}

function compileCookieMatcher(
  { name, stringMatch, invertMatch }: CookieMatcher,
  context: CompileContext,
): CookieMatchConfig | null {
  if (stringMatch === undefined) {
    context.reject('string_match', 'is required');
    return null;
  }
  const match = compileStringMatcher(stringMatch, context.at('string_match'));
  return match === null ? null : { name, match, invert: invertMatch };
}

function compileTlsContext({ tlsContext }: RouteMatch): TlsContextMatchConfig | null {
  if (tlsContext === undefined) return null;
  const { presented = null, validated = null } = tlsContext;
  return presented === null && validated === null ? null : { presented, validated };
}

function withFraction(
  config: Omit<RouteMatchConfig, 'runtimeFractionPpm'>,
  { runtimeFraction: fraction }: RouteMatch,
  context: CompileContext,
): RouteMatchConfig {
  if (fraction === undefined) return { ...config, runtimeFractionPpm: null };
  const { runtime } = context.environment;
  const { runtimeKey: key, defaultValue } = fraction;
  const share = (): number => runtimeFractionPpm(runtime, key, defaultValue);
  if (key === '') return { ...config, runtimeFractionPpm: share() };
  return withLive(config, runtime, ['runtimeFractionPpm', share]);
}
