// Where a request or a connection says that it goes: a name or an address, with a port or without.
import { ipVersion } from '../../base/ip-address.ts';

/** A host and its port. */
export interface ForwardTarget {
  /** A DNS name, or an address without brackets. */
  readonly name: string;
  readonly port: number;
}

const MAX_PORT = 65_535;
/** RFC 1035 §2.3.4. */
const MAX_NAME_OCTETS = 253;

/** `host:port`: the authority itself if it has a port. Names in other letters are other names. */
export function forwardKey(authority: string, defaultPort: number): string {
  return portOf(authority) === null ? `${authority}:${defaultPort}` : authority;
}

/** null: it leads nowhere. */
export function parseForwardTarget(key: string): ForwardTarget | null {
  const port = portOf(key);
  if (port === null) return null;
  const host = key.slice(0, key.lastIndexOf(':'));
  const isBracketed = host.startsWith('[') && host.endsWith(']');
  const name = isBracketed ? host.slice(1, -1) : host;
  if (isBracketed) return ipVersion(name) === 6 ? { name, port } : null;
  return isName(name) ? { name, port } : null;
}

/** What can be asked for; everything else never leaves the proxy. */
function isName(text: string): boolean {
  return text.length <= MAX_NAME_OCTETS && /^[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/.test(text);
}

/** Of `host:port`; null: it has none. */
function portOf(authority: string): number | null {
  const match = /^(?:\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(authority);
  const port = Number(match?.[1]);
  return match !== null && port <= MAX_PORT ? port : null;
}
