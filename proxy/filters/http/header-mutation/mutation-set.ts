// What one level asks header_mutation to do.
import type { Formatter } from '../../../formatter/formatter.ts';
import type { HeaderValueConfig } from '../../../model/header-mutations.ts';
import type { StringMatchConfig } from '../../../model/route-match.ts';

/** config.common.mutation_rules.v3.HeaderMutation; names in lower case, pseudo-fields among them. */
export type FieldMutation =
  | { readonly kind: 'append'; readonly option: HeaderValueConfig }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'remove-on-match'; readonly match: StringMatchConfig };

/** config.core.v3.KeyValueMutation on query parameters. */
export type ParameterMutation =
  | {
      readonly kind: 'append';
      readonly key: string;
      readonly value: Formatter;
      readonly action: HeaderValueConfig['action'];
    }
  | { readonly kind: 'remove'; readonly key: string };

/** extensions.filters.http.header_mutation.v3.Mutations */
export interface MutationSet {
  readonly request: readonly FieldMutation[];
  readonly parameters: readonly ParameterMutation[];
  readonly requestTrailers: readonly FieldMutation[];
  readonly response: readonly FieldMutation[];
  readonly responseTrailers: readonly FieldMutation[];
}

/** True when there is anything to do. */
export function hasMutations(set: MutationSet): boolean {
  return Object.values(set).some((list: readonly unknown[]) => list.length > 0);
}
