// The Location of a redirect action.
import type { RequestHead } from '../http/message.ts';
import type { RedirectActionConfig } from '../model/route.ts';

/** Envoy's rules for scheme, host, port, path and query of RedirectAction. */
export function redirectLocation(action: RedirectActionConfig, head: RequestHead): string {
  const scheme = action.scheme !== '' ? action.scheme : action.httpsRedirect ? 'https' : head.scheme;
  const host = action.host !== '' ? action.host : head.authority;
  const path = action.path !== '' ? action.path : head.path;
  return `${scheme}://${host}${path}`;
}

/** Location for require_tls: the same target by https. */
export function httpsLocation(head: RequestHead): string {
  return `https://${head.authority}${head.path}`;
}
