// Finds the route of a request: virtual host by domain, then the first route that matches.
import type { RequestHead } from '../http/message.ts';
import type { RouteConfig, VirtualHostConfig } from '../model/route.ts';
import type { RouteFinalizer } from './route-finalizer.ts';
import type { RouteStats } from './virtual-host-stats.ts';

/** A matched route with the virtual host it stands in. */
export interface Route {
  /** With weighted_clusters: as if the drawn one were its only cluster. */
  readonly config: RouteConfig;
  readonly virtualHost: VirtualHostConfig;
  /** Its header work and rewrites, compiled. */
  readonly finalizer: RouteFinalizer;
  /** null: its requests are counted in their cluster only. */
  readonly stats: RouteStats | null;
}

/** What matching needs besides the head. */
export interface RouteMatchInput {
  /** Random number of the stream, 0 to 2^32 - 1: the same for every fraction of a request. */
  readonly streamRandom: number;
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
}
