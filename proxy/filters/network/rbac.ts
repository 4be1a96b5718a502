// Allows and denies connections by who opens them and where they lead.
import {
  type RBAC,
  RBAC_EnforcementType,
  RBACSchema,
} from '../../api/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js';
import { durationMs } from '../../config/compile/field-values.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { ConnectionGateDefinition } from '../network-filter.ts';
import { compileRules } from '../rbac/compile-rules.ts';
import type { RbacRules } from '../rbac/rbac-config.ts';
import { buildRbac } from '../rbac/rbac-effect.ts';
import { RBAC_SUPPORT } from '../rbac/rbac-support.ts';
import { RbacGate } from './rbac/rbac-gate.ts';

const NAME = 'envoy.filters.network.rbac';

/** extensions.filters.network.rbac.v3.RBAC */
interface NetworkRbacConfig {
  /** null: none. */
  readonly enforced: RbacRules | null;
  readonly shadow: RbacRules | null;
  readonly statPrefix: string;
  readonly shadowPrefix: string;
  readonly isContinuous: boolean;
  readonly delayMs: number;
}

/** envoy.filters.network.rbac */
export const networkRbacDefinition: ConnectionGateDefinition<RBAC, NetworkRbacConfig> = {
  name: NAME,
  schema: RBACSchema,
  isTerminal: false,
  support: {
    ...RBAC_SUPPORT,
    [RBACSchema.typeName]: {
      rules: 'honoured',
      matcher: 'honoured',
      shadow_rules: 'honoured',
      shadow_matcher: 'honoured',
      shadow_rules_stat_prefix: 'honoured',
      stat_prefix: 'honoured',
      enforcement_type: 'honoured',
      delay_deny: 'honoured',
    },
  },
  compile,
  gateFactory: (config, { stats, clock, timers }) => {
    const { enforced, shadow, statPrefix, shadowPrefix, isContinuous, delayMs } = config;
    const scope = stats.scope(statPrefix.replace(/\.$/, '')).scope('rbac');
    const runtime = {
      enforced: buildRbac(enforced, {
        // As Envoy: of connections, only what was tried is told.
        ...({ mode: 'enforced', namespace: null, keyPrefix: '' } as const),
        ...{ totals: scope, policies: null },
      }),
      shadow: buildRbac(shadow, {
        ...({ mode: 'shadow', namespace: NAME, keyPrefix: shadowPrefix } as const),
        ...{ totals: below(scope, shadowPrefix), policies: null },
      }),
      ...{ isContinuous, delayMs, clock, timers },
    };
    return { createGate: () => new RbacGate(runtime) };
  },
};

function compile(message: RBAC, context: CompileContext): NetworkRbacConfig {
  const { rules, matcher, shadowRules, shadowMatcher, enforcementType } = message;
  const enforced = { rules, matcher, rulesField: 'rules', matcherField: 'matcher' } as const;
  const shadow = {
    ...{ rules: shadowRules, matcher: shadowMatcher },
    ...({ rulesField: 'shadow_rules', matcherField: 'shadow_matcher' } as const),
  };
  return Object.freeze({
    enforced: compileRules(enforced, 'network', context),
    shadow: compileRules(shadow, 'network', context),
    statPrefix: message.statPrefix,
    shadowPrefix: message.shadowRulesStatPrefix,
    isContinuous: enforcementType === RBAC_EnforcementType.CONTINUOUS,
    delayMs: durationMs(context, { path: 'delay_deny', value: message.delayDeny }, 0),
  });
}

function below(scope: StatsScope, prefix: string): StatsScope {
  return prefix === '' ? scope : scope.scope(prefix);
}
