// Which requests a route is for: conditions on the head, as compiled from config.route.v3.RouteMatch.

import type { CidrTable } from '../base/cidr-table.ts';
import type { SafeRegex } from '../base/safe-regex.ts';
import type { UriTemplate } from '../base/uri-template.ts';

/** config.route.v3.RouteMatch */
export interface RouteMatchConfig {
  readonly path: PathMatchConfig;
  readonly caseSensitive: boolean;
  readonly headers: readonly HeaderMatchConfig[];
  readonly queryParameters: readonly QueryParameterMatchConfig[];
  /** Parts per million that match; null: all. */
  readonly runtimeFractionPpm: number | null;
  /** `grpc: {}` */
  readonly grpcOnly: boolean;
  readonly cookies: readonly CookieMatchConfig[];
  /** null: clients with and without certificates. */
  readonly tlsContext: TlsContextMatchConfig | null;
  readonly dynamicMetadata: readonly MetadataMatchConfig[];
  readonly filterState: readonly FilterStateMatchConfig[];
}

/** config.route.v3.CookieMatcher */
export interface CookieMatchConfig {
  readonly name: string;
  readonly match: StringMatchConfig;
  /** A cookie that is missing matches then, too. */
  readonly invert: boolean;
}

/** config.route.v3.RouteMatch.TlsContextMatchOptions; null: either way. */
export interface TlsContextMatchConfig {
  /** The client showed a certificate. */
  readonly presented: boolean | null;
  /** It was verified. */
  readonly validated: boolean | null;
}

/** path_specifier; texts are lower case when matching ignores case. */
export type PathMatchConfig =
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'path'; readonly text: string }
  | { readonly kind: 'separated-prefix'; readonly text: string }
  | { readonly kind: 'regex'; readonly regex: SafeRegex }
  | { readonly kind: 'template'; readonly template: UriTemplate }
  | { readonly kind: 'connect' };

/** config.route.v3.HeaderMatcher */
export interface HeaderMatchConfig {
  /** Lower case; `:path`, `:method`, `:authority`, `:scheme` name the pseudo-fields. */
  readonly name: string;
  readonly match: ValueMatchConfig;
  readonly invert: boolean;
  readonly treatMissingAsEmpty: boolean;
}

/** config.route.v3.QueryParameterMatcher */
export interface QueryParameterMatchConfig {
  readonly name: string;
  readonly match: ValueMatchConfig;
}

/** A test of one value; `present` and `range` as in HeaderMatcher, the rest as in StringMatcher. */
export type ValueMatchConfig =
  | { readonly kind: 'present'; readonly expected: boolean }
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint }
  | StringMatchConfig;

/** type.matcher.v3.StringMatcher; `text` is lower case when case is ignored. */
export type StringMatchConfig =
  | {
      readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains';
      readonly text: string;
      readonly ignoreCase: boolean;
    }
  | { readonly kind: 'regex'; readonly regex: SafeRegex };

/** type.matcher.v3.MetadataMatcher */
export interface MetadataMatchConfig {
  /** `filter`: whose metadata it is. */
  readonly namespace: string;
  readonly path: readonly string[];
  readonly match: MetadataValueMatchConfig;
  readonly invert: boolean;
}

/** type.matcher.v3.ValueMatcher; `present` that is not expected matches nothing, as in Envoy. */
export type MetadataValueMatchConfig =
  | { readonly kind: 'null' }
  | { readonly kind: 'double'; readonly start: number; readonly end: number }
  | { readonly kind: 'double-exact'; readonly value: number }
  | { readonly kind: 'string'; readonly match: StringMatchConfig }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'present'; readonly expected: boolean }
  | { readonly kind: 'list'; readonly oneOf: MetadataValueMatchConfig }
  | { readonly kind: 'or'; readonly matches: readonly MetadataValueMatchConfig[] };

/** type.matcher.v3.FilterStateMatcher */
export interface FilterStateMatchConfig {
  readonly key: string;
  readonly match:
    | { readonly kind: 'string'; readonly match: StringMatchConfig }
    /** An address inside of one of these networks. */
    | { readonly kind: 'address'; readonly networks: CidrTable<true>; readonly invert: boolean };
}
