// Allows and denies requests by who sends them and what they ask for.
import {
  type RBAC,
  type RBACPerRoute,
  RBACPerRouteSchema,
  RBACSchema,
} from '../../api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition, HttpFilterServices } from '../http-filter.ts';
import { compileRules } from '../rbac/compile-rules.ts';
import type { RbacRules } from '../rbac/rbac-config.ts';
import { buildRbac, type EffectPlan, type Rbac, type RbacMode } from '../rbac/rbac-effect.ts';
import { RBAC_SUPPORT } from '../rbac/rbac-support.ts';
import { RbacFilter } from './rbac/rbac-filter.ts';

const NAME = 'envoy.filters.http.rbac';

/** One half of a configuration. */
interface RbacHalf {
  /** null: none. */
  readonly rules: RbacRules | null;
  readonly prefix: string;
}

/** extensions.filters.http.rbac.v3.RBAC */
interface RbacConfig {
  readonly enforced: RbacHalf;
  readonly shadow: RbacHalf;
  readonly tracksPolicies: boolean;
  /** As Envoy: totals are the filter's own on every route. */
  readonly statPrefixes: Readonly<Record<RbacMode, string>>;
}

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  ...RBAC_SUPPORT,
  [RBACSchema.typeName]: {
    rules: 'honoured',
    rules_stat_prefix: 'honoured',
    matcher: 'honoured',
    shadow_rules: 'honoured',
    shadow_matcher: 'honoured',
    shadow_rules_stat_prefix: 'honoured',
    track_per_rule_stats: 'honoured',
  },
  [RBACPerRouteSchema.typeName]: { rbac: 'honoured' },
};

/** envoy.filters.http.rbac */
export const rbacDefinition: HttpFilterDefinition<RBAC, RbacConfig> = {
  name: NAME,
  schema: RBACSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: RBACPerRouteSchema, support: SUPPORT, compile: compilePerRoute as never },
  compile,
  onRoute: (own, [first]: readonly PerRoute[]) => {
    const config = first?.config ?? null;
    if (config === null) return null;
    const { statPrefixes } = own;
    return {
      ...{ tracksPolicies: config.tracksPolicies, statPrefixes },
      enforced: withPrefix(config.enforced, statPrefixes.enforced),
      shadow: withPrefix(config.shadow, statPrefixes.shadow),
    };
  },
  factory: (config, services) => {
    const runtime = {
      shadow: buildHalf('shadow', config, services),
      enforced: buildHalf('enforced', config, services),
    };
    if (runtime.shadow === null && runtime.enforced === null) return null;
    return { create: (callbacks) => new RbacFilter(runtime, callbacks) };
  },
};

/** extensions.filters.http.rbac.v3.RBACPerRoute; null: nothing is decided there. */
interface PerRoute {
  readonly config: RbacConfig | null;
}

function compile(message: RBAC, context: CompileContext): RbacConfig {
  const { rules, matcher, shadowRules, shadowMatcher, rulesStatPrefix } = message;
  const enforced = { rules, matcher, rulesField: 'rules', matcherField: 'matcher' } as const;
  const shadow = {
    ...{ rules: shadowRules, matcher: shadowMatcher },
    ...({ rulesField: 'shadow_rules', matcherField: 'shadow_matcher' } as const),
  };
  return Object.freeze({
    enforced: { rules: compileRules(enforced, 'http', context), prefix: rulesStatPrefix },
    shadow: { rules: compileRules(shadow, 'http', context), prefix: message.shadowRulesStatPrefix },
    tracksPolicies: message.trackPerRuleStats,
    statPrefixes: { enforced: rulesStatPrefix, shadow: message.shadowRulesStatPrefix },
  });
}

function compilePerRoute({ rbac }: RBACPerRoute, context: CompileContext): PerRoute {
  return { config: rbac === undefined ? null : compile(rbac, context.at('rbac')) };
}

/** As Envoy: the metadata of a route without a prefix has the filter's. */
function withPrefix({ rules, prefix }: RbacHalf, own: string): RbacHalf {
  return { rules, prefix: prefix === '' ? own : prefix };
}

function buildHalf(
  mode: RbacMode,
  { [mode]: half, tracksPolicies, statPrefixes }: RbacConfig,
  { scope }: HttpFilterServices,
): Rbac | null {
  const totals = scopeOf(scope, statPrefixes[mode]);
  const plan: EffectPlan = {
    mode,
    namespace: NAME,
    keyPrefix: half.prefix,
    totals,
    policies: tracksPolicies ? totals : null,
  };
  return buildRbac(half.rules, plan);
}

function scopeOf(scope: HttpFilterServices['scope'], prefix: string): HttpFilterServices['scope'] {
  const own = scope.scope('rbac');
  return prefix === '' ? own : own.scope(prefix);
}
