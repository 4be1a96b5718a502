// Decides by rules. Whatever can come of them is made beforehand, so that a decision makes nothing.
import type { OnMatchConfig } from '../../model/match-tree.ts';
import { mapMatchTree, walkMatchTree } from '../../model/walk-match-tree.ts';
import type { RbacAction, RbacChoice, RbacRules, RbacVerdict } from './rbac-config.ts';
import type { RbacPredicate, RbacSubject } from './rbac-subject.ts';

/** Rules at work; `E` is what a verdict leads to. */
export interface RbacEngine<E> {
  decide(subject: RbacSubject): E;
}

/** Prepares rules; `lead` is asked once for each verdict that they can come to. */
export function buildEngine<E>(rules: RbacRules, lead: (verdict: RbacVerdict) => E): RbacEngine<E> {
  if (rules.kind === 'tree') return new TreeEngine(rules, lead);
  const { action, policies } = rules;
  const cases = policies.map(({ name, permissions, principals }) => ({
    permissions,
    principals,
    effect: lead(verdictOf(action, name)),
  }));
  return new PolicyEngine(cases, lead(verdictWithout(action)));
}

/** One policy with what comes of it. */
interface PolicyCase<E> {
  readonly permissions: RbacPredicate;
  readonly principals: RbacPredicate;
  readonly effect: E;
}

class PolicyEngine<E> implements RbacEngine<E> {
  readonly #cases: readonly PolicyCase<E>[];
  readonly #otherwise: E;

  constructor(cases: readonly PolicyCase<E>[], otherwise: E) {
    this.#cases = cases;
    this.#otherwise = otherwise;
  }

  decide(subject: RbacSubject): E {
    for (const { permissions, principals, effect } of this.#cases) {
      if (permissions.matches(subject) && principals.matches(subject)) return effect;
    }
    return this.#otherwise;
  }
}

class TreeEngine<E> implements RbacEngine<E> {
  readonly #tree;
  readonly #otherwise: E;

  constructor(
    { tree, hasLog }: Extract<RbacRules, { kind: 'tree' }>,
    lead: (verdict: RbacVerdict) => E,
  ) {
    this.#tree = mapMatchTree(tree, ({ name, action }: RbacChoice) => {
      const { isAllowed } = verdictOf(action, name);
      // As Envoy: one LOG in the tree makes every action say it.
      return lead({ isAllowed, policy: name, logHint: hasLog ? action === 'log' : null });
    });
    this.#otherwise = lead({ isAllowed: false, policy: '', logHint: null });
  }

  decide(subject: RbacSubject): E {
    return walkMatchTree(this.#tree, subject) ?? this.#otherwise;
  }
}

function verdictOf(action: RbacAction, policy: string): RbacVerdict {
  return { isAllowed: action !== 'deny', policy, logHint: action === 'log' ? true : null };
}

/** No policy matches. */
function verdictWithout(action: RbacAction): RbacVerdict {
  return { isAllowed: action !== 'allow', policy: '', logHint: action === 'log' ? false : null };
}

/** True when an action of the tree asks for log hints. */
export function hasLogAction(onMatch: OnMatchConfig<RbacChoice> | null): boolean {
  if (onMatch === null) return false;
  if (onMatch.kind === 'action') return onMatch.action.action === 'log';
  const { tree } = onMatch;
  const entries =
    tree.kind === 'list' ? tree.entries.map((entry) => entry.onMatch) : [...tree.entries.values()];
  return [tree.onNoMatch, ...entries].some(hasLogAction);
}
