// Changes fields, trailers and query parameters of messages, in the order that is written down.
import {
  HeaderMutation_RemoveOnMatchSchema,
  HeaderMutationSchema as RuleSchema,
} from '../../api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js';
import {
  KeyValueAppendSchema,
  KeyValueMutationSchema,
  KeyValuePairSchema,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type HeaderMutation,
  type HeaderMutationPerRoute,
  HeaderMutationPerRouteSchema,
  HeaderMutationSchema,
  MutationsSchema,
} from '../../api/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js';
import type { SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { compileMutations } from './header-mutation/compile-mutations.ts';
import { HeaderMutationFilter } from './header-mutation/header-mutation-filter.ts';
import { hasMutations, type MutationSet } from './header-mutation/mutation-set.ts';

/** HeaderMutation: what is done in turn. */
interface HeaderMutationConfig {
  readonly sets: readonly MutationSet[];
  readonly mostSpecificWins: boolean;
}

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [MutationsSchema.typeName]: {
    request_mutations: 'honoured',
    query_parameter_mutations: 'honoured',
    response_mutations: 'honoured',
    response_trailers_mutations: 'honoured',
    request_trailers_mutations: 'honoured',
    formatters: { refused: 'formats have the operators of docs/configuration.md and no others' },
  },
  [RuleSchema.typeName]: { remove: 'honoured', append: 'honoured', remove_on_match: 'honoured' },
  [HeaderMutation_RemoveOnMatchSchema.typeName]: { key_matcher: 'honoured' },
  [KeyValueMutationSchema.typeName]: { append: 'honoured', remove: 'honoured' },
  [KeyValueAppendSchema.typeName]: {
    record: { partly: 'texts, as in Envoy' },
    entry: { refused: 'use record' },
    action: 'honoured',
  },
  [KeyValuePairSchema.typeName]: { key: 'honoured', value: 'honoured' },
};

/** envoy.filters.http.header_mutation */
export const headerMutationDefinition: HttpFilterDefinition<HeaderMutation, HeaderMutationConfig> =
  {
    name: 'envoy.filters.http.header_mutation',
    schema: HeaderMutationSchema,
    isTerminal: false,
    support: {
      ...SUPPORT,
      [HeaderMutationSchema.typeName]: {
        mutations: 'honoured',
        most_specific_header_mutations_wins: 'honoured',
      },
    },
    perRoute: {
      schema: HeaderMutationPerRouteSchema,
      support: { [HeaderMutationPerRouteSchema.typeName]: { mutations: 'honoured' } },
      compile: (message, context) =>
        compileMutations((message as HeaderMutationPerRoute).mutations, context.at('mutations')),
    },
    compile: (message, context) =>
      Object.freeze({
        sets: [compileMutations(message.mutations, context.at('mutations'))],
        mostSpecificWins: message.mostSpecificHeaderMutationsWins,
      }),
    // The chain's own go first; of the levels, whoever goes last has the last word.
    onRoute: ({ sets, mostSpecificWins }, levels: readonly MutationSet[]) => ({
      sets: [...sets, ...(mostSpecificWins ? levels.toReversed() : levels)],
      mostSpecificWins,
    }),
    factory: ({ sets }) => {
      const used = sets.filter(hasMutations);
      if (used.length === 0) return null;
      return { create: (callbacks) => new HeaderMutationFilter(used, callbacks) };
    },
  };
