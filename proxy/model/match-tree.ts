// Matcher trees (xds.type.matcher.v3.Matcher) as compiled, whatever they decide on; and what resources
// say of themselves for others to read.

/** core.v3.Metadata.filter_metadata by namespace: frozen JSON values. */
export type FilterMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** No metadata. */
export const NO_METADATA: FilterMetadata = Object.freeze({});

/**
 * What a tree reads of a request: a field of its head, a pseudo-field among them, or a query
 * parameter's first value. Missing is null.
 */
export type MatchInputConfig =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query-parameter'; readonly name: string };

/** xds.type.matcher.v3.Matcher.OnMatch */
export type OnMatchConfig<A> =
  | { readonly kind: 'action'; readonly action: A }
  | { readonly kind: 'tree'; readonly tree: MatchTreeConfig<A> };

/** A condition of a matcher list. */
export type MatchPredicateConfig =
  | {
      readonly kind: 'single';
      readonly input: MatchInputConfig;
      /** Of a present value. */
      matches(value: string): boolean;
    }
  | { readonly kind: 'and' | 'or'; readonly predicates: readonly MatchPredicateConfig[] }
  | { readonly kind: 'not'; readonly predicate: MatchPredicateConfig };

/** Decides by walking; what nothing matches goes to `onNoMatch`, null for nothing. */
export type MatchTreeConfig<A> =
  | {
      readonly kind: 'list';
      readonly entries: readonly {
        readonly predicate: MatchPredicateConfig;
        readonly onMatch: OnMatchConfig<A>;
        /** Goes on as if it had not matched when its action finds nothing. */
        readonly keepMatching: boolean;
      }[];
      readonly onNoMatch: OnMatchConfig<A> | null;
    }
  | {
      readonly kind: 'exact' | 'prefix';
      readonly input: MatchInputConfig;
      /** By value, or by prefix: the longest that has a match wins. */
      readonly entries: ReadonlyMap<string, OnMatchConfig<A>>;
      readonly onNoMatch: OnMatchConfig<A> | null;
    };
