// Host rewrites of forwarding routes, and what they leave for the upstream to know about it.
import type { FormatContext } from '../formatter/formatter.ts';
import { HEADER_ID } from '../http/header-names.ts';
import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import type { ForwardActionConfig } from '../model/route.ts';
import { pathOf } from './path-matcher.ts';

/** Which fields a new authority writes. */
export interface AuthorityRewriteOptions {
  /** `x-envoy-original-host`: the authority before. */
  readonly keepsOriginal: boolean;
  /** RouteAction.append_x_forwarded_host */
  readonly appendsForwardedHost: boolean;
}

/** Gives the request another authority. */
export function rewriteAuthority(
  head: RequestHead,
  authority: string,
  options: AuthorityRewriteOptions,
): void {
  const before = head.authority;
  if (options.appendsForwardedHost && before !== '') appendForwardedHost(head, before);
  if (options.keepsOriginal) head.headers.setKnown(HEADER_ID['x-envoy-original-host'], before);
  head.authority = authority;
}

/** True when a route names a new authority itself (auto_host_rewrite is the router's work). */
export function rewritesHost(action: ForwardActionConfig): boolean {
  return (
    action.hostRewriteLiteral !== '' ||
    (action.hostRewriteHeader ?? '') !== '' ||
    action.hostRewritePathRegex !== undefined ||
    action.hostRewrite !== undefined
  );
}

/** The authority that a route wants for a request; '' means: leave it. */
export function rewrittenHost(
  action: ForwardActionConfig,
  head: RequestHead,
  context: FormatContext,
): string {
  if (action.hostRewriteLiteral !== '') return action.hostRewriteLiteral;
  const { hostRewriteHeader = '', hostRewritePathRegex, hostRewrite } = action;
  if (hostRewrite !== undefined) return hostRewrite.format(context);
  if (hostRewriteHeader !== '') return requestField(head, hostRewriteHeader) ?? '';
  if (hostRewritePathRegex === undefined) return '';
  return hostRewritePathRegex.regex.replaceAll(
    pathOf(head.path),
    hostRewritePathRegex.substitution,
  );
}

/** Adds to the one line of the field, unless its last entry is the same host. */
function appendForwardedHost(head: RequestHead, host: string): void {
  const id = HEADER_ID['x-forwarded-host'];
  const given = head.headers.get(id) ?? '';
  if (given === '') head.headers.setKnown(id, host);
  else if (given.slice(given.lastIndexOf(',') + 1) !== host) {
    head.headers.setKnown(id, `${given},${host}`);
  }
}
