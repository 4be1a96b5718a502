// Header mutations and rewrites of a matched route.
import type { FormatContext } from '../formatter/formatter.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { Route } from './route-table.ts';

/** What finalising needs besides the route. */
export interface FinalizeOptions {
  /** Router suppress_envoy_headers: no `x-envoy-original-path` and `x-envoy-original-host`. */
  readonly suppressEnvoyHeaders: boolean;
}

/**
 * Request side of a forwarding route, in Envoy's order: mutations of weighted entry, route, virtual
 * host and table, then host and path rewrites (auto_host_rewrite is the router's: it needs the host).
 */
export function finalizeRequestHead(
  route: Route,
  head: RequestHead,
  context: FormatContext,
  options: FinalizeOptions,
): void {
  const action = route.config.action;
  if (action.kind !== 'forward') return;
  if (action.hostRewriteLiteral === '') return;
  if (!options.suppressEnvoyHeaders) head.headers.set('x-envoy-original-host', head.authority);
  if (context.request !== null) head.authority = action.hostRewriteLiteral;
}

/** Response side: mutations on what the upstream, or the proxy itself, answers. */
export function finalizeResponseHead(
  route: Route,
  head: ResponseHead,
  context: FormatContext,
): void {
  if (route.config.mutations.response === null || context.response === null) return;
  for (const name of route.config.mutations.response.remove) head.headers.remove(name);
}
