// The Location of a redirect action.
import type { FormatContext } from '../formatter/formatter.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead } from '../http/message.ts';
import type { RedirectActionConfig } from '../model/route.ts';
import { pathOf } from './path-matcher.ts';
import type { Route } from './route-table.ts';

/**
 * Envoy's rules for scheme, host, port, path and query of RedirectAction; the URL of the request
 * itself for a route with another action (direct responses 201 and 3xx carry it).
 */
export function redirectLocation(route: Route, head: RequestHead, context: FormatContext): string {
  const { action } = route.config;
  if (action.kind !== 'redirect') return `${head.scheme}://${head.authority}${head.path}`;
  const scheme = newScheme(action, head);
  const port = action.port === 0 ? '' : `:${action.port}`;
  const host = action.host === '' ? requestHost(head, scheme, port !== '') : action.host;
  const path = action.pathRewrite?.format(context) ?? action.path;
  if (path !== '') return `${scheme}://${host}${port}${ownPath(action, path, head.path)}`;
  const target = route.finalizer.pathRewriter?.rewrite(head.path, context) ?? head.path;
  const kept = action.stripQuery ? pathOf(target) : target;
  return `${scheme}://${host}${port}${withSlash(kept)}`;
}

/** Location for require_tls: the same target by https. */
export function httpsLocation(head: RequestHead): string {
  return `https://${head.authority}${head.path}`;
}

function newScheme(action: RedirectActionConfig, head: RequestHead): string {
  if (action.scheme !== '') return action.scheme;
  return action.httpsRedirect ? 'https' : head.scheme;
}

/** Drops a port that another replaces, and the default one of the scheme that is left. */
function requestHost(head: RequestHead, scheme: string, hasNewPort: boolean): string {
  const { authority } = head;
  const isIpv6 = authority.startsWith('[');
  const port = isIpv6 ? authority.lastIndexOf(']:') + 1 : authority.lastIndexOf(':');
  if (isIpv6 ? port === 0 : port === -1) return authority;
  if (hasNewPort) return authority.slice(0, port);
  const before = head.headers.get(HEADER_ID['x-forwarded-proto']);
  if (scheme === before) return authority;
  const defaultPort = before === 'https' ? ':443' : ':80';
  const isDefault = authority.slice(port) === defaultPort;
  return isDefault && (before === 'https' || before === 'http')
    ? authority.slice(0, port)
    : authority;
}

/** A path of the action's own may bring its own query, which strip_query spares. */
function ownPath(action: RedirectActionConfig, path: string, before: string): string {
  const keepsQuery = !action.stripQuery && !path.includes('?');
  return withSlash(keepsQuery ? path + before.slice(pathOf(before).length) : path);
}

function withSlash(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
