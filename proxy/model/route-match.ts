// Which requests a route is for: conditions on the head, as compiled from config.route.v3.RouteMatch.
import type { SafeRegex } from '../base/safe-regex.ts';

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
}

/** path_specifier; texts are lower case when matching ignores case. */
export type PathMatchConfig =
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'path'; readonly text: string }
  | { readonly kind: 'separated-prefix'; readonly text: string }
  | { readonly kind: 'regex'; readonly regex: SafeRegex }
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
