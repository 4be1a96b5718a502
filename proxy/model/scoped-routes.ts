// Scoped routes of a connection manager, compiled from http_connection_manager.v3.ScopedRoutes: one
// route table of several, by a key that requests carry.
import type { ScopesRef } from './config-source.ts';
import type { RouteTableConfig } from './route.ts';

/** Which table serves a request. */
export interface ScopedRoutesConfig {
  readonly name: string;
  /** What the key of a request is made of; a request without one of them has no scope. */
  readonly fragments: readonly ScopeFragmentConfig[];
  /** Those that stand in the configuration. */
  readonly scopes: readonly ScopeConfig[];
  /** Where scopes come from; absent or null: they stand here. */
  readonly discovery?: ScopesRef | null;
}

/** Scopes as a server or a file told them. */
export interface ScopeSetConfig {
  readonly told: readonly ToldScopeConfig[];
}

/** A scope whose table may have to be fetched. */
export interface ToldScopeConfig extends Omit<ScopeConfig, 'table'> {
  /** null: it has to be fetched. */
  readonly table: RouteTableConfig | null;
  /** Name of the table to fetch; '' : it stands here. */
  readonly routeName: string;
}

/** ScopeKeyBuilder.FragmentBuilder.HeaderValueExtractor */
export interface ScopeFragmentConfig {
  /** Lower case. */
  readonly header: string;
  /** Between the elements of the value; '': the value is one element. */
  readonly elementSeparator: string;
  readonly extract:
    | { readonly kind: 'index'; readonly index: number }
    /** The text behind `key` and `separator` in the first element that begins with `key`. */
    | { readonly kind: 'element'; readonly key: string; readonly separator: string };
}

/** config.route.v3.ScopedRouteConfiguration */
export interface ScopeConfig {
  readonly name: string;
  /** As many as there are fragments; otherwise no request is in it. */
  readonly key: readonly string[];
  readonly table: RouteTableConfig;
}
