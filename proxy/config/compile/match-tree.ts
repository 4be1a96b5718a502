// xds.type.matcher.v3.Matcher: a tree that decides on something, by what it reads of a request.
import type { Message } from '@bufbuild/protobuf';
import {
  type FilterStateInput,
  FilterStateInputSchema,
} from '../../api/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js';
import {
  type HttpRequestHeaderMatchInput,
  HttpRequestHeaderMatchInputSchema,
} from '../../api/gen/envoy/type/matcher/v3/http_inputs_pb.js';
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
  OnMatchConfig,
} from '../../model/match-tree.ts';
import { typeNameOf } from '../schema/any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';
import { compileStringMatcher } from './string-matcher.ts';

/** Makes of an action what the tree decides on; null and rejections when it cannot. */
export type ActionCompiler<A> = (action: Message, context: CompileContext) => A | null;

/** A compiled tree; null and rejections when anything in it was refused. */
export function compileMatchTree<A>(
  matcher: Matcher,
  compileAction: ActionCompiler<A>,
  context: CompileContext,
): MatchTreeConfig<A> | null {
  return new TreeCompiler(compileAction).tree(matcher, context);
}

class TreeCompiler<A> {
  readonly #compileAction: ActionCompiler<A>;

  constructor(compileAction: ActionCompiler<A>) {
    this.#compileAction = compileAction;
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
    const predicate = compilePredicate(entry.predicate, context.at('predicate'));
    const onMatch = this.#onMatch(entry.onMatch, context.at('on_match'));
    return predicate === null || onMatch === null ? null : { predicate, onMatch };
  }

  #map(
    { input: source, treeType }: Matcher_MatcherTree,
    onNoMatch: OnMatchConfig<A> | null,
    context: CompileContext,
  ): MatchTreeConfig<A> | null {
    const input = compileInput(source, context.at('input'));
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
    const action = content === null ? null : this.#compileAction(content, at);
    return action === null ? null : { kind: 'action', action };
  }
}

function compilePredicate(
  predicate: Predicate | undefined,
  context: CompileContext,
): MatchPredicateConfig | null {
  const type = predicate?.matchType;
  switch (type?.case) {
    case 'singlePredicate':
      return compileSingle(type.value, context.at('single_predicate'));
    case 'orMatcher':
      return compileSome('or', type.value.predicate, context.at('or_matcher'));
    case 'andMatcher':
      return compileSome('and', type.value.predicate, context.at('and_matcher'));
    case 'notMatcher': {
      const inner = compilePredicate(type.value, context.at('not_matcher'));
      return inner === null ? null : { kind: 'not', predicate: inner };
    }
    default:
      context.reject(
        '',
        'match_type is required: use single_predicate, or_matcher, and_matcher or not_matcher',
      );
      return null;
  }
}

function compileSome(
  kind: 'and' | 'or',
  items: readonly Predicate[],
  context: CompileContext,
): MatchPredicateConfig {
  return { kind, predicates: compileEach({ path: 'predicate', items }, context, compilePredicate) };
}

function compileSingle(
  { input: source, matcher }: SinglePredicate,
  context: CompileContext,
): MatchPredicateConfig | null {
  const input = compileInput(source, context.at('input'));
  if (matcher.case !== 'valueMatch') {
    context.reject('', 'matcher is required: use value_match');
    return null;
  }
  const match = compileStringMatcher(matcher.value, context.at('value_match'));
  return input === null || match === null ? null : { kind: 'single', input, match };
}

function compileInput(
  input: TypedExtensionConfig | undefined,
  context: CompileContext,
): MatchInputConfig | null {
  const content = input === undefined ? null : openExtension(input, context);
  switch (content?.$typeName) {
    case HttpRequestHeaderMatchInputSchema.typeName: {
      const { headerName } = content as HttpRequestHeaderMatchInput;
      return { kind: 'header', name: headerName.toLowerCase() };
    }
    case FilterStateInputSchema.typeName:
      return { kind: 'filter-state', key: (content as FilterStateInput).key };
    case undefined:
      return null;
    default: {
      const saw = `saw type.googleapis.com/${content?.$typeName}`;
      const advice = `use ${HttpRequestHeaderMatchInputSchema.typeName} or ${FilterStateInputSchema.typeName}`;
      context.reject(
        'typed_config',
        `Route table can only match on request headers, ${saw}: ${advice}`,
      );
      return null;
    }
  }
}

/** The message of an extension; null and a rejection when it has none of a known type. */
function openExtension(
  { name, typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): Message | null {
  if (typedConfig !== undefined && typeNameOf(typedConfig.typeUrl) !== '') {
    return unpack(typedConfig, context, 'typed_config');
  }
  const text = `Didn't find a registered implementation for '${name}' with type URL: ''`;
  context.reject('typed_config', `${text}: give it a typed_config with an @type`);
  return null;
}
