// xds.type.matcher.v3.Matcher: a tree that decides on something, by what it reads of a request.
import type { Message } from '@bufbuild/protobuf';
import type { TypedExtensionConfig } from '../../api/gen/xds/core/v3/extension_pb.js';
import type {
  Matcher_MatcherList_FieldMatcher as FieldMatcher,
  Matcher,
  Matcher_MatcherList,
  Matcher_MatcherTree,
  Matcher_MatcherTree_MatchMap as MatchMap,
  Matcher_OnMatch as OnMatch,
  Matcher_MatcherList_Predicate as Predicate,
  Matcher_MatcherList_Predicate_SinglePredicate as SinglePredicate,
} from '../../api/gen/xds/type/matcher/v3/matcher_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  MatchInputConfig,
  MatchPredicateConfig,
  MatchTreeConfig,
  MatchValueConfig,
  OnMatchConfig,
} from '../../model/match-tree.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';
import { compileCustomMatch, type MatchInputs } from './match-input.ts';
import { compileStringMatcher } from './string-matcher.ts';

/** Makes of an action what the tree decides on; null and rejections when it cannot. */
export type ActionCompiler<A> = (action: Message, context: CompileContext) => A | null;

/** A kind of tree: what it decides on, and what it may read. */
export interface MatchTreeKind<A> {
  readonly compileAction: ActionCompiler<A>;
  readonly inputs: MatchInputs;
  /** Envoy's words for an input that is not one of them. */
  refusal(typeUrl: string): string;
}

/** A compiled tree; null and rejections when anything in it was refused. */
export function compileMatchTree<A>(
  matcher: Matcher,
  kind: MatchTreeKind<A>,
  context: CompileContext,
): MatchTreeConfig<A> | null {
  return new TreeCompiler(kind).tree(matcher, context);
}

class TreeCompiler<A> {
  readonly #kind: MatchTreeKind<A>;
  readonly #conditions: ConditionCompiler;

  constructor(kind: MatchTreeKind<A>) {
    this.#kind = kind;
    this.#conditions = new ConditionCompiler(kind);
  }

  tree(matcher: Matcher, context: CompileContext): MatchTreeConfig<A> | null {
    const { matcherType: type, onNoMatch: otherwise } = matcher;
    const onNoMatch =
      otherwise === undefined ? null : this.#onMatch(otherwise, context.at('on_no_match'));
    switch (type.case) {
      case 'matcherList':
        return this.#list(type.value, onNoMatch, context.at('matcher_list'));
      case 'matcherTree':
        return this.#map(type.value, onNoMatch, context.at('matcher_tree'));
      default:
        return { kind: 'list', entries: [], onNoMatch };
    }
  }

  #list(
    { matchers }: Matcher_MatcherList,
    onNoMatch: OnMatchConfig<A> | null,
    context: CompileContext,
  ): MatchTreeConfig<A> {
    const entries = compileEach({ path: 'matchers', items: matchers }, context, (entry, at) =>
      this.#entry(entry, at),
    );
    return { kind: 'list', entries, onNoMatch };
  }

  #entry(
    entry: FieldMatcher,
    context: CompileContext,
  ): { predicate: MatchPredicateConfig; onMatch: OnMatchConfig<A> } | null {
    const predicate = this.#conditions.predicate(entry.predicate, context.at('predicate'));
    const onMatch = this.#onMatch(entry.onMatch, context.at('on_match'));
    return predicate === null || onMatch === null ? null : { predicate, onMatch };
  }

  #map(
    { input: source, treeType }: Matcher_MatcherTree,
    onNoMatch: OnMatchConfig<A> | null,
    context: CompileContext,
  ): MatchTreeConfig<A> | null {
    const input = this.#conditions.input(source, context.at('input'));
    switch (treeType.case) {
      case 'exactMatchMap': {
        const entries = this.#entries(treeType.value, context.at('exact_match_map'));
        return input === null
          ? null
          : { kind: 'exact', input, entries: new Map(entries), onNoMatch };
      }
      case 'prefixMatchMap': {
        const entries = this.#entries(treeType.value, context.at('prefix_match_map'));
        entries.sort(([left], [right]) => right.length - left.length);
        return input === null
          ? null
          : { kind: 'prefix', input, entries: new Map(entries), onNoMatch };
      }
      default:
        context.reject('', 'tree_type is required: use exact_match_map or prefix_match_map');
        return null;
    }
  }

  #entries({ map }: MatchMap, context: CompileContext): [string, OnMatchConfig<A>][] {
    const entries: [string, OnMatchConfig<A>][] = [];
    for (const [key, value] of Object.entries(map)) {
      const path = `map["${key.replace(/["\\]/g, '\\$&')}"]`;
      const onMatch = this.#onMatch(value, context.at(path));
      if (onMatch !== null) entries.push([key, onMatch]);
    }
    return entries;
  }

  #onMatch(message: OnMatch | undefined, context: CompileContext): OnMatchConfig<A> | null {
    if (message?.keepMatching === true) {
      context.reject('keep_matching', 'keep_matching is not supported in this context');
    }
    const onMatch = message?.onMatch;
    if (onMatch?.case === 'matcher') {
      const tree = this.tree(onMatch.value, context.at('matcher'));
      return tree === null ? null : { kind: 'tree', tree };
    }
    if (onMatch?.case !== 'action') {
      context.reject('', 'on_match is required: use action or matcher');
      return null;
    }
    const at = context.at('action.typed_config');
    const content = openExtension(onMatch.value, context.at('action'));
    const action = content === null ? null : this.#kind.compileAction(content, at);
    return action === null ? null : { kind: 'action', action };
  }
}

/** What a tree reads and how it tests it, whatever it decides on. */
class ConditionCompiler {
  readonly #inputs: MatchInputs;
  readonly #refusal: (typeUrl: string) => string;

  constructor({ inputs, refusal }: Omit<MatchTreeKind<unknown>, 'compileAction'>) {
    this.#inputs = inputs;
    this.#refusal = refusal;
  }

  predicate(
    predicate: Predicate | undefined,
    context: CompileContext,
  ): MatchPredicateConfig | null {
    const type = predicate?.matchType;
    switch (type?.case) {
      case 'singlePredicate':
        return this.#single(type.value, context.at('single_predicate'));
      case 'orMatcher':
        return this.#some('or', type.value.predicate, context.at('or_matcher'));
      case 'andMatcher':
        return this.#some('and', type.value.predicate, context.at('and_matcher'));
      case 'notMatcher': {
        const inner = this.predicate(type.value, context.at('not_matcher'));
        return inner === null ? null : { kind: 'not', predicate: inner };
      }
      default:
        context.reject('', NO_MATCH_TYPE);
        return null;
    }
  }

  input(input: TypedExtensionConfig | undefined, context: CompileContext): MatchInputConfig | null {
    const content = input === undefined ? null : openExtension(input, context);
    if (content === null) return null;
    const make = this.#inputs.get(content.$typeName);
    if (make !== undefined) return make(content);
    const known = [...this.#inputs.keys()];
    const list = [known.slice(0, -1).join(', '), known.at(-1)].join(' or ');
    const reason = this.#refusal(`type.googleapis.com/${content.$typeName}`);
    context.reject('typed_config', `${reason}: use ${list}`);
    return null;
  }

  #some(
    kind: 'and' | 'or',
    items: readonly Predicate[],
    context: CompileContext,
  ): MatchPredicateConfig {
    const field = { path: 'predicate', items };
    const predicates = compileEach(field, context, (item, at) => this.predicate(item, at));
    return { kind, predicates };
  }

  #single(
    { input: source, matcher }: SinglePredicate,
    context: CompileContext,
  ): MatchPredicateConfig | null {
    const input = this.input(source, context.at('input'));
    const match = compileValueMatch(matcher, context);
    return input === null || match === null ? null : { kind: 'single', input, match };
  }
}

function compileValueMatch(
  matcher: SinglePredicate['matcher'],
  context: CompileContext,
): MatchValueConfig | null {
  switch (matcher.case) {
    case 'valueMatch':
      return compileStringMatcher(matcher.value, context.at('value_match'));
    case 'customMatch': {
      const content = openExtension(matcher.value, context.at('custom_match'));
      const at = context.at('custom_match.typed_config');
      return content === null ? null : compileCustomMatch(content, at);
    }
    default:
      context.reject('', 'matcher is required: use value_match or custom_match');
      return null;
  }
}

const NO_MATCH_TYPE =
  'match_type is required: use single_predicate, or_matcher, and_matcher or not_matcher';

/** The message of an extension; null and a rejection when it has none of a known type. */
function openExtension(
  { name, typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): Message | null {
  if (typedConfig !== undefined && typeIn(typedConfig) !== '') {
    return unpack(typedConfig, context, 'typed_config');
  }
  const text = `Didn't find a registered implementation for '${name}' with type URL: ''`;
  context.reject('typed_config', `${text}: give it a typed_config with an @type`);
  return null;
}
