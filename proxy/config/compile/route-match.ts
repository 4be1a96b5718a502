// config.route.v3.RouteMatch: which requests a route is for.
import type { RouteMatch } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { PathMatchConfig, RouteMatchConfig } from '../../model/route-match.ts';
import { compileEach } from './compile-each.ts';
import { compileHeaderMatcher, compileQueryParameterMatcher } from './header-matcher.ts';
import { runtimeFractionPpm } from './runtime-values.ts';
import { compileRegex } from './string-matcher.ts';

/** A compiled RouteMatch; null and rejections when no request could be matched as asked. */
export function compileRouteMatch(
  match: RouteMatch | undefined,
  context: CompileContext,
): RouteMatchConfig | null {
  if (match === undefined) {
    context.reject('', 'is required: use match: { prefix: "/" } for every path');
    return null;
  }
  const caseSensitive = match.caseSensitive ?? true;
  const path = compilePath(match, context);
  const headers = compileEach(
    { path: 'headers', items: match.headers },
    context,
    compileHeaderMatcher,
  );
  const query = { path: 'query_parameters', items: match.queryParameters };
  const queryParameters = compileEach(query, context, compileQueryParameterMatcher);
  if (path === null) return null;
  return {
    path,
    caseSensitive,
    headers,
    queryParameters,
    runtimeFractionPpm: fractionPpm(match, context),
    grpcOnly: match.grpc !== undefined,
  };
}

function fractionPpm(match: RouteMatch, context: CompileContext): number | null {
  const fraction = match.runtimeFraction;
  if (fraction === undefined) return null;
  return runtimeFractionPpm(
    context.environment.runtime,
    fraction.runtimeKey,
    fraction.defaultValue,
  );
}

function compilePath(match: RouteMatch, context: CompileContext): PathMatchConfig | null {
  const specifier = match.pathSpecifier;
  const fold = (text: string): string =>
    match.caseSensitive === false ? text.toLowerCase() : text;
  switch (specifier.case) {
    case 'prefix':
      return { kind: 'prefix', text: fold(specifier.value) };
    case 'path':
      return { kind: 'path', text: fold(specifier.value) };
    case 'pathSeparatedPrefix':
      return { kind: 'separated-prefix', text: fold(specifier.value) };
    case 'safeRegex': {
      const regex = compileRegex(specifier.value, context.at('safe_regex'));
      return regex === null ? null : { kind: 'regex', regex };
    }
    case 'connectMatcher':
      return { kind: 'connect' };
    default:
      context.reject(
        '',
        'path_specifier is required: use prefix, path, path_separated_prefix, safe_regex or connect_matcher',
      );
      return null;
  }
}
