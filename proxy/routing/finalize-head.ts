// Header mutations and rewrites of a matched route.
import type { FormatContext } from '../formatter/formatter.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { Route } from './route-table.ts';

/** What finalising needs besides the route. */
export interface FinalizeOptions {
  /** Router suppress_envoy_headers: no `x-envoy-original-path` and `x-envoy-original-host`. */
  readonly suppressEnvoyHeaders: boolean;
}

/**
 * Request side of a forwarding route, in Envoy's order: mutations of weighted entry, route, virtual
 * host and table, then host and path rewrites (auto_host_rewrite is the router's: it needs the host),
 * then a scheme for upstreams.
 */
export function finalizeRequestHead(
  route: Route,
  head: RequestHead,
  context: FormatContext,
  options: FinalizeOptions,
): void {
  if (route.finalizer.hasRequestWork) {
    route.finalizer.finalizeRequest(head, context, !options.suppressEnvoyHeaders);
  }
  if (!isHttpScheme(head.scheme)) settleScheme(head, context);
}

/** Upstreams are asked in HTTP: a scheme that is none gives way to the one the client came with. */
function settleScheme(head: RequestHead, { info }: FormatContext): void {
  const proto = head.headers.get(HEADER_ID['x-forwarded-proto']) ?? '';
  const own = info.downstream.tls !== null ? 'https' : 'http';
  head.scheme = isHttpScheme(proto) ? proto : own;
}

function isHttpScheme(scheme: string): boolean {
  return scheme === 'http' || scheme === 'https';
}

/** Response side: mutations on what the upstream, or the proxy itself, answers. */
export function finalizeResponseHead(
  route: Route,
  head: ResponseHead,
  context: FormatContext,
): void {
  if (route.finalizer.hasResponseWork) route.finalizer.finalizeResponse(head, context);
}
