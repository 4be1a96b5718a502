// Matcher trees (xds.type.matcher.v3.Matcher) as compiled, whatever they decide on; and what resources
// say of themselves for others to read.

import type { IpPrefix } from '../base/ip-prefix.ts';
import type { StringMatchConfig } from './route-match.ts';

/** core.v3.Metadata.filter_metadata by namespace: frozen JSON values. */
export type FilterMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** No metadata. */
export const NO_METADATA: FilterMetadata = Object.freeze({});

/**
 * What a tree reads of a request: the lines of a field of its head, joined, or a pseudo-field; or
 * the text of a value in filter state; or what its connection is. Missing is null.
 */
export type MatchInputConfig =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'filter-state'; readonly key: string }
  | { readonly kind: ConnectionInput };

/**
 * envoy.extensions.matching.common_inputs: addresses and ports as text, and names of the client's
 * certificate, several joined by commas.
 */
export type ConnectionInput =
  | 'destination-ip'
  | 'destination-port'
  | 'source-ip'
  | 'source-port'
  | 'direct-source-ip'
  | 'server-name'
  | 'uri-san'
  | 'dns-san'
  | 'subject';

/** A test of an input's value. */
export type MatchValueConfig =
  | StringMatchConfig
  /** input_matchers.ip: an address in one of these. */
  | { readonly kind: 'ip'; readonly networks: readonly IpPrefix[] };

/** xds.type.matcher.v3.Matcher.OnMatch */
export type OnMatchConfig<A> =
  | { readonly kind: 'action'; readonly action: A }
  | { readonly kind: 'tree'; readonly tree: MatchTreeConfig<A> };

/** A condition of a matcher list. */
export type MatchPredicateConfig =
  | {
      readonly kind: 'single';
      readonly input: MatchInputConfig;
      /** Of a value; one that is missing fails. */
      readonly match: MatchValueConfig;
    }
  | { readonly kind: 'and' | 'or'; readonly predicates: readonly MatchPredicateConfig[] }
  | { readonly kind: 'not'; readonly predicate: MatchPredicateConfig };

/**
 * Decides by walking. A tree below that decides nothing counts as no match; what nothing matches
 * goes to `onNoMatch`, null for nothing.
 */
export type MatchTreeConfig<A> =
  | {
      readonly kind: 'list';
      readonly entries: readonly {
        readonly predicate: MatchPredicateConfig;
        readonly onMatch: OnMatchConfig<A>;
      }[];
      readonly onNoMatch: OnMatchConfig<A> | null;
    }
  | {
      readonly kind: 'exact' | 'prefix';
      readonly input: MatchInputConfig;
      /** By value; or by prefix, the longest first. */
      readonly entries: ReadonlyMap<string, OnMatchConfig<A>>;
      readonly onNoMatch: OnMatchConfig<A> | null;
    };
