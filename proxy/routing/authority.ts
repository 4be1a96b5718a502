// The authority of a request: what options of the connection manager take off it.

/** Options strip_trailing_host_dot, strip_matching_host_port and strip_any_host_port. */
export interface AuthorityOptions {
  readonly stripTrailingHostDot: boolean;
  readonly stripHostPort: 'no' | 'matching' | 'any';
}

/** What Envoy reads as a port: any decimal number of 32 bits. */
const MAX_PORT_TEXT = 0xffff_ffff;
const COLON = 0x3a;

/** Applies the options in Envoy's order: the dot, then the port. `localPort` is the listener's. */
export function stripAuthority(
  authority: string,
  options: AuthorityOptions,
  localPort: number,
): string {
  const host = options.stripTrailingHostDot ? withoutTrailingDot(authority) : authority;
  if (options.stripHostPort === 'no') return host;
  const start = portStart(host);
  if (start === -1) return host;
  const port = portNumber(host, start + 1);
  if (port === -1 || (options.stripHostPort === 'matching' && port !== localPort)) return host;
  return host.slice(0, start);
}

/** Index of the colon before the port, -1 when there is none: colons in `[…]` belong to IPv6. */
export function portStart(authority: string): number {
  const colon = authority.lastIndexOf(':');
  if (colon === -1) return -1;
  return authority.lastIndexOf(']') < colon ? colon : -1;
}

/** The dot that ends the name, with or without a port behind it. */
function withoutTrailingDot(authority: string): string {
  const dot = authority.lastIndexOf('.');
  if (dot === -1) return authority;
  if (dot === authority.length - 1) return authority.slice(0, dot);
  if (authority.charCodeAt(dot + 1) !== COLON) return authority;
  return authority.slice(0, dot) + authority.slice(dot + 1);
}

function portNumber(authority: string, start: number): number {
  if (start === authority.length) return -1;
  let port = 0;
  for (let index = start; index < authority.length; index += 1) {
    const digit = authority.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    port = port * 10 + digit;
    if (port > MAX_PORT_TEXT) return -1;
  }
  return port;
}
