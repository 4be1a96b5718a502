// Finds the route of a request: virtual host by domain, then the first route that matches.
import type { RequestHead } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { PerFilterConfigs } from '../model/extension.ts';
import type { RouteConfig, VirtualHostConfig } from '../model/route.ts';
import type { WatchedText } from '../model/watched-file.ts';
import type { HashPolicies } from './hash-policy.ts';
import type { Mirror } from './mirror.ts';
import type { RouteFinalizer } from './route-finalizer.ts';
import type { RouteStats } from './virtual-host-stats.ts';

/** A matched route with the virtual host it stands in. */
export interface Route {
  /** With weighted_clusters: as if the drawn one were its only cluster. */
  readonly config: RouteConfig;
  readonly virtualHost: VirtualHostConfig;
  /** ignore_path_parameters_in_path_matching of its table. */
  readonly ignoresPathParameters: boolean;
  /** Its header work and rewrites, compiled. */
  readonly finalizer: RouteFinalizer;
  /** Where copies of its requests go. */
  readonly mirrors: readonly Mirror[];
  /** null: its requests are counted in their cluster only. */
  readonly stats: RouteStats | null;
  /** What the connection manager's planner made of the route; null: nothing configures a filter. */
  readonly filterPlan: unknown;
  /** What balancers that hash ask, at most once per request; null: the route has no hash_policy. */
  readonly hashPolicies: HashPolicies | null;
  /** What the watched file of a direct response says now; null: its body stays. */
  readonly watchedBody: WatchedText | null;
}

/** Makes of a route's per-filter configuration, once, what its requests need: nothing is looked up then. */
export interface FilterPlanner {
  /** `levels`: weighted cluster, route, virtual host and table, as far as they say anything. */
  plan(levels: readonly PerFilterConfigs[]): unknown;
}

/** What matching needs besides the head. */
export interface RouteMatchInput {
  /** Random number of the stream, 0 to 2^32 - 1: the same for every fraction of a request. */
  readonly streamRandom: number;
  /** The exchange so far: its connection, metadata and filter state. */
  readonly info: StreamInfo;
}

/** Answer of the table: a route, nothing, or «redirect to https first» (require_tls). */
export type RouteLookup =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'tls-required' }
  | { readonly kind: 'none' };

/** An immutable, compiled RouteConfiguration; a request keeps the one it started with. */
export interface RouteTable {
  readonly name: string;
  match(head: RequestHead, input: RouteMatchInput): RouteLookup;
  /** The same decision with its reasons. Slow: for people who ask why. */
  trace(head: RequestHead, input: RouteMatchInput): RouteTrace;
}

/** How a request was matched. */
export interface RouteTrace {
  /** Name of the scope whose table decided, '' for none; absent where there are no scopes. */
  readonly scope?: string;
  readonly lookup: RouteLookup;
  /** What was looked up: the authority without its port, or the value of vhost_header. */
  readonly host: string;
  /** null: no domain matches. */
  readonly virtualHost: VirtualHostConfig | null;
  /** The entry of its domains that matched; '' without a virtual host. */
  readonly domain: string;
  /** The routes that were looked at, in order; the last is the one that matched, if any did. */
  readonly tried: readonly TriedRoute[];
}

/** A route that was looked at. */
export interface TriedRoute {
  /** As it stands in the configuration: `routes` of the virtual host, or in its matcher tree. */
  readonly route: RouteConfig;
  /** Index in the virtual host's routes; -1 in a tree. */
  readonly index: number;
  /** Its first condition that failed, in words with the value that failed it; null: it matched. */
  readonly mismatch: string | null;
}
