// What a verdict leads to besides its enforcement: counters, and metadata for those behind.
import type { StreamInfo } from '../../http/stream-info.ts';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import type { RbacRules, RbacVerdict } from './rbac-config.ts';
import { buildEngine, type RbacEngine } from './rbac-engine.ts';

/** Rules that are obeyed, or only tried. */
export type RbacMode = 'enforced' | 'shadow';

/** Everything that one verdict means, made once. */
export interface RbacEffect {
  readonly isAllowed: boolean;
  /** Response code details, or how the connection's termination is explained. */
  readonly details: string;
  readonly total: Counter;
  /** Of its policy alone; null: not counted. */
  readonly perPolicy: Counter | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** For `envoy.common`; null: nothing. */
  readonly hint: Readonly<Record<string, unknown>> | null;
}

/** How effects are counted and named. */
export interface EffectPlan {
  readonly mode: RbacMode;
  /** The metadata's namespace: the filter's name; null: those behind are not told. */
  readonly namespace: string | null;
  /** In front of the metadata's keys. */
  readonly keyPrefix: string;
  /** Where the totals are. */
  readonly totals: StatsScope;
  /** Where counters of policies are; null: none. */
  readonly policies: StatsScope | null;
}

/** An engine whose decisions have effects; null: there are no rules. */
export function buildRbac(rules: RbacRules | null, plan: EffectPlan): Rbac | null {
  // Envoy has all names from the start, whatever rules there are.
  const counters = totalsOf(plan);
  if (rules === null) return null;
  const engine = buildEngine(rules, (verdict) => effectOf(verdict, plan, counters));
  return { engine, namespace: plan.namespace };
}

/** See `buildRbac`. */
export interface Rbac {
  readonly engine: RbacEngine<RbacEffect>;
  /** See EffectPlan. */
  readonly namespace: string | null;
}

/** Counts a verdict and tells those behind. */
export function applyEffect(
  { namespace }: Rbac,
  { total, perPolicy, metadata, hint }: RbacEffect,
  info: StreamInfo,
): void {
  total.inc();
  perPolicy?.inc();
  if (namespace === null && hint === null) return;
  const all = info.dynamicMetadata ?? new Map<string, Record<string, unknown>>();
  info.dynamicMetadata = all;
  if (namespace !== null) merge(all, namespace, metadata);
  if (hint !== null) merge(all, COMMON, hint);
}

/** Shared by all filters. */
const COMMON = 'envoy.common';

function merge(
  all: Map<string, Readonly<Record<string, unknown>>>,
  namespace: string,
  values: Readonly<Record<string, unknown>>,
): void {
  const current = all.get(namespace);
  all.set(namespace, current === undefined ? values : { ...current, ...values });
}

interface Totals {
  readonly allowed: Counter;
  readonly denied: Counter;
}

function totalsOf({ mode, totals }: EffectPlan): Totals {
  const prefix = mode === 'shadow' ? 'shadow_' : '';
  return { allowed: totals.counter(`${prefix}allowed`), denied: totals.counter(`${prefix}denied`) };
}

function effectOf(
  { isAllowed, policy, logHint }: RbacVerdict,
  { mode, keyPrefix, policies }: EffectPlan,
  totals: Totals,
): RbacEffect {
  const result = isAllowed ? 'allowed' : 'denied';
  const isCounted = policies !== null && policy !== '';
  const name = mode === 'shadow' ? `shadow_${result}` : result;
  return Object.freeze({
    isAllowed,
    details: detailsOf(policy),
    total: totals[result],
    perPolicy: isCounted ? policies.scope(`policy.${policy}`).counter(name) : null,
    metadata: Object.freeze({
      ...(policy === '' ? {} : { [`${keyPrefix}${mode}_effective_policy_id`]: policy }),
      [`${keyPrefix}${mode}_engine_result`]: result,
    }),
    // As Envoy: rules that are only tried ask nobody to log.
    hint:
      logHint === null || mode === 'shadow' ? null : Object.freeze({ access_log_hint: logHint }),
  });
}

/** As Envoy: blanks would break the lines of logs. */
function detailsOf(policy: string): string {
  const name = policy === '' ? 'none' : policy.replace(/[ \t\f\v\n\r]/g, '_');
  return `rbac_access_denied_matched_policy[${name}]`;
}
