// config.rbac.v3.RBAC and the matcher that may stand in its place.
import type { Message } from '@bufbuild/protobuf';
import {
  type Action,
  ActionSchema,
  type Policy,
  type RBAC,
  RBAC_Action,
} from '../../api/gen/envoy/config/rbac/v3/rbac_pb.js';
import type { Matcher } from '../../api/gen/xds/type/matcher/v3/matcher_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import { CONNECTION_INPUTS, REQUEST_INPUTS } from '../../config/compile/match-input.ts';
import { compileMatchTree, type MatchTreeKind } from '../../config/compile/match-tree.ts';
import { utf8Bytes } from '../../formatter/byte-text.ts';
import type { CompileContext } from '../../model/extension.ts';
import { AnyOf } from './logic-predicates.ts';
import type { RbacAction, RbacChoice, RbacPolicy, RbacRules } from './rbac-config.ts';
import { hasLogAction } from './rbac-engine.ts';
import { type RbacLayer, RuleCompiler } from './rule-compiler.ts';

const ACTIONS: Readonly<Record<RBAC_Action, RbacAction>> = {
  [RBAC_Action.ALLOW]: 'allow',
  [RBAC_Action.DENY]: 'deny',
  [RBAC_Action.LOG]: 'log',
};
const IGNORED = 'RBAC rules are ignored when matcher is configured';

/** The two forms of the same rules, and what they are called in their message. */
export interface RulesSource {
  readonly rules: RBAC | undefined;
  readonly matcher: Matcher | undefined;
  readonly rulesField: 'rules' | 'shadow_rules';
  readonly matcherField: 'matcher' | 'shadow_matcher';
}

/** Compiled rules; null: there are none, or they were refused. */
export function compileRules(
  source: RulesSource,
  layer: RbacLayer,
  context: CompileContext,
): RbacRules | null {
  const { rules, matcher, rulesField, matcherField } = source;
  if (matcher !== undefined) {
    if (rules !== undefined) context.warn(rulesField, IGNORED);
    return compileTree(matcher, layer, context.at(matcherField));
  }
  return rules === undefined ? null : compilePolicies(rules, layer, context.at(rulesField));
}

function compilePolicies(
  { action, policies }: RBAC,
  layer: RbacLayer,
  context: CompileContext,
): RbacRules {
  const compiler = new RuleCompiler(layer);
  const named = Object.entries(policies).map(([name, policy]) => ({
    name: utf8Bytes(name),
    policy,
    path: `policies["${name.replace(/["\\]/g, '\\$&')}"]`,
  }));
  named.sort((left, right) => (left.name < right.name ? -1 : 1));
  const compiled = named.map(({ name, policy, path }) =>
    compilePolicy(name, { policy, compiler }, context.at(path)),
  );
  return { kind: 'policies', action: ACTIONS[action], policies: compiled };
}

function compilePolicy(
  name: string,
  { policy, compiler }: { readonly policy: Policy; readonly compiler: RuleCompiler },
  context: CompileContext,
): RbacPolicy {
  const permissions = { path: 'permissions', items: policy.permissions };
  const principals = { path: 'principals', items: policy.principals };
  return {
    name,
    permissions: new AnyOf(
      compileEach(permissions, context, (item, at) => compiler.permission(item, at)),
    ),
    principals: new AnyOf(
      compileEach(principals, context, (item, at) => compiler.principal(item, at)),
    ),
  };
}

function compileTree(
  matcher: Matcher,
  layer: RbacLayer,
  context: CompileContext,
): RbacRules | null {
  const tree = compileMatchTree(matcher, TREES[layer], context);
  return tree === null
    ? null
    : { kind: 'tree', tree, hasLog: hasLogAction({ kind: 'tree', tree }) };
}

const TREES: Readonly<Record<RbacLayer, MatchTreeKind<RbacChoice>>> = {
  http: {
    compileAction: compileChoice,
    inputs: REQUEST_INPUTS,
    refusal: (typeUrl) => `RBAC HTTP filter cannot match on '${typeUrl}'`,
  },
  network: {
    compileAction: compileChoice,
    inputs: CONNECTION_INPUTS,
    refusal: (typeUrl) => `RBAC network filter cannot match '${typeUrl}'`,
  },
};

function compileChoice(message: Message, context: CompileContext): RbacChoice | null {
  if (message.$typeName !== ActionSchema.typeName) {
    const missing = `Didn't find a registered implementation for an RBAC action with type URL: '${message.$typeName}'`;
    context.reject('', `${missing}: use ${ActionSchema.typeName}`);
    return null;
  }
  const { name, action: number } = message as Action;
  const action = Object.hasOwn(ACTIONS, number) ? ACTIONS[number] : undefined;
  // The message's rules let any number pass.
  if (action !== undefined) return { name: utf8Bytes(name), action };
  context.reject('action', `${number} is no action: use ALLOW, DENY or LOG`);
  return null;
}
