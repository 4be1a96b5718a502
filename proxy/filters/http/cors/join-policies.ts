// One CORS policy out of those of several levels.
import type { CorsPolicyConfig } from '../../../config/compile/cors-policy.ts';

/**
 * Field by field what the first level says that says anything, the most specific first; only
 * whether the policy is enforced is for the most specific one alone. At least one level.
 */
export function joinCorsPolicies(levels: readonly CorsPolicyConfig[]): CorsPolicyConfig {
  const first = levels[0] as CorsPolicyConfig;
  const origins = levels.find(({ allowOrigins }) => allowOrigins.length > 0) ?? first;
  const text = (name: 'allowMethods' | 'allowHeaders' | 'exposeHeaders' | 'maxAge'): string =>
    levels.find((level) => level[name] !== '')?.[name] ?? '';
  const flag = (
    name: 'allowCredentials' | 'allowPrivateNetworkAccess' | 'forwardNotMatchingPreflights',
  ): boolean | null => levels.find((level) => level[name] !== null)?.[name] ?? null;
  return Object.freeze({
    allowOrigins: origins.allowOrigins,
    allowsAnyOrigin: origins.allowsAnyOrigin,
    allowMethods: text('allowMethods'),
    allowHeaders: text('allowHeaders'),
    exposeHeaders: text('exposeHeaders'),
    maxAge: text('maxAge'),
    allowCredentials: flag('allowCredentials'),
    allowPrivateNetworkAccess: flag('allowPrivateNetworkAccess'),
    forwardNotMatchingPreflights: flag('forwardNotMatchingPreflights'),
    filterEnabled: first.filterEnabled,
    shadowEnabled: first.shadowEnabled,
  });
}
