// Requests for tunnels: an upgrade (RFC 9110 §7.8) or CONNECT (RFC 9110 §9.3.6), and what agrees to
// one. The same for every codec, the connection manager and the router.
import { hasToken } from './field-tokens.ts';
import type { HeaderList } from './header-list.ts';
import { HEADER_ID, headerMask } from './header-names.ts';
import type { RequestHead, ResponseHead } from './message.ts';

/** What a request asks for; `none`: its content is its own. */
export type TunnelKind = 'none' | 'upgrade' | 'connect';

const H2C_FIELDS = headerMask('upgrade', 'http2-settings');

/** What kind of tunnel this head asks for. */
export function tunnelKind(head: RequestHead): TunnelKind {
  if (head.upgrade !== '') return 'upgrade';
  return head.method === 'CONNECT' ? 'connect' : 'none';
}

/** True when a response with this status opens the tunnel. */
export function agreesToTunnel(kind: TunnelKind, status: number): boolean {
  if (kind === 'upgrade') return status === 101;
  return kind === 'connect' && status >= 200 && status < 300;
}

/** The same of a response from the wire. RFC 9110 §15.2.2: a 101 names what it switches to. */
export function opensTunnel(kind: TunnelKind, { status, headers }: ResponseHead): boolean {
  return agreesToTunnel(kind, status) && (status !== 101 || headers.mayHave(HEADER_ID.upgrade));
}

/**
 * The protocol that an HTTP/1.1 request's fields ask for, in lower case; '' for none. HTTP/2 in clear
 * text is not begun this way: the fields of `h2c` are taken out.
 */
export function takeUpgrade(headers: HeaderList): string {
  const id = HEADER_ID.upgrade;
  if (!headers.mayHave(id) || !hasToken(headers, HEADER_ID.connection, 'upgrade')) return '';
  const protocol = headers.values('upgrade').join(',').toLowerCase();
  if (protocol !== 'h2c') return protocol;
  headers.removeAny(H2C_FIELDS);
  return '';
}

/** Leaves of a Connection field what an upgrade is: the other options are of the last hop. */
export function keepOnlyUpgrade(headers: HeaderList): void {
  const id = HEADER_ID.connection;
  const isAlone = headers.countKnown(id) === 1 && headers.get(id)?.toLowerCase() === 'upgrade';
  if (!isAlone) headers.setKnown(id, 'upgrade');
}
