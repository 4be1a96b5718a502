// config.route.v3.RouteAction.HashPolicy.
import type {
  RouteAction_HashPolicy as HashPolicy,
  RouteAction_HashPolicy_Cookie as HashPolicyCookie,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { HashPolicyConfig, HashSourceConfig } from '../../model/route-policies.ts';
import { compileEach } from './compile-each.ts';
import { durationMs } from './field-values.ts';
import { compileRegexRewrite } from './string-matcher.ts';

/** Compiled policies; those that hash nothing are left out. */
export function compileHashPolicies(
  policies: readonly HashPolicy[],
  context: CompileContext,
): readonly HashPolicyConfig[] {
  return compileEach({ path: 'hash_policy', items: policies }, context, (policy, at) => {
    const source = compileSource(policy, at);
    return source === null ? null : { ...source, terminal: policy.terminal };
  });
}

function compileSource(
  { policySpecifier: source }: HashPolicy,
  context: CompileContext,
): HashSourceConfig | null {
  switch (source.case) {
    case 'header': {
      const { headerName, regexRewrite } = source.value;
      const rewrite = compileRegexRewrite(regexRewrite, context.at('header.regex_rewrite'));
      const { regex = null, substitution = '' } = rewrite ?? {};
      return { kind: 'header', name: headerName.toLowerCase(), regex, substitution };
    }
    case 'cookie':
      return compileCookie(source.value, context.at('cookie'));
    case 'connectionProperties':
      return source.value.sourceIp ? { kind: 'source-ip' } : null;
    case 'queryParameter':
      return { kind: 'query-parameter', name: source.value.name };
    case 'filterState':
      return { kind: 'filter-state', key: source.value.key };
    default:
      return null;
  }
}

function compileCookie(message: HashPolicyCookie, context: CompileContext): HashSourceConfig {
  const ttlMs = durationMs(context, { path: 'ttl', value: message.ttl }, null);
  const attributes = message.attributes.map(({ name, value }) =>
    value === '' ? `; ${name}` : `; ${name}=${value}`,
  );
  return {
    kind: 'cookie',
    name: message.name,
    ttlS: ttlMs === null ? null : Math.floor(ttlMs / 1000),
    path: message.path,
    attributes: attributes.join(''),
  };
}
