// What access rules compile to.
import type { MatchTreeConfig } from '../../model/match-tree.ts';
import type { RbacPredicate } from './rbac-subject.ts';

/** config.rbac.v3.RBAC.Action */
export type RbacAction = 'allow' | 'deny' | 'log';

/** config.rbac.v3.Policy */
export interface RbacPolicy {
  readonly name: string;
  readonly permissions: RbacPredicate;
  readonly principals: RbacPredicate;
}

/** What a matcher decides: config.rbac.v3.Action. */
export interface RbacChoice {
  readonly name: string;
  readonly action: RbacAction;
}

/** Rules, or a tree in their place, which denies what it does not match. */
export type RbacRules =
  | {
      readonly kind: 'policies';
      readonly action: RbacAction;
      /** In the order of their names' octets: the first one that matches counts. */
      readonly policies: readonly RbacPolicy[];
    }
  | {
      readonly kind: 'tree';
      readonly tree: MatchTreeConfig<RbacChoice>;
      /** Some action is LOG: whatever matches says whether it is to be logged. */
      readonly hasLog: boolean;
    };

/** Of one decision. */
export interface RbacVerdict {
  readonly isAllowed: boolean;
  /** The policy that matched, or the action's name; '' for none. */
  readonly policy: string;
  /** Whether access logs are to show it; null: nothing is said of that. */
  readonly logHint: boolean | null;
}
