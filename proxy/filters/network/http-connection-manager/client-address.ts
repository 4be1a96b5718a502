// Who the client is: the peer of the socket, or what trusted proxies say in X-Forwarded-For.
import { BlockList } from 'node:net';
import { type SocketAddress, socketAddress } from '../../../base/address.ts';
import { ipVersion, parseIp, printIp } from '../../../base/ip-address.ts';

/** The `index`-th address from the right (0 is the last) of an X-Forwarded-For value, or null. */
export function forwardedAddress(forwardedFor: string | null, index: number): string | null {
  if (forwardedFor === null) return null;
  let end = forwardedFor.length;
  for (let skipped = 0; skipped < index; skipped += 1) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    if (comma <= 0) return null;
    end = comma;
  }
  const start = forwardedFor.lastIndexOf(',', end - 1) + 1;
  const address = forwardedFor.slice(start, end).trim();
  return canonicalIp(address);
}

/** RFC 5952; null for what is no address, or one with a zone, which means nothing here. */
function canonicalIp(text: string): string | null {
  if (ipVersion(text) === 4) return text;
  const octets = parseIp(text);
  return octets === null ? null : printIp(octets);
}

/** An address from a header has no port; Envoy prints 0. */
export function addressFromHeader(ip: string): SocketAddress {
  return socketAddress(ip, 0);
}

/** The networks of internal_address_config. */
export class InternalNetworks {
  readonly #networks: BlockList | null;

  /** `cidrs` were checked: `10.0.0.0/8`, `fd00::/8`. */
  constructor(cidrs: readonly string[]) {
    this.#networks = cidrs.length === 0 ? null : new BlockList();
    for (const cidr of cidrs) {
      const slash = cidr.lastIndexOf('/');
      const ip = cidr.slice(0, slash);
      this.#networks?.addSubnet(ip, Number(cidr.slice(slash + 1)), familyOf(ip));
    }
  }

  /** False when nothing is configured: no address is internal by default. */
  has(address: SocketAddress): boolean {
    if (this.#networks === null || address.port < 0) return false;
    return this.#networks.check(address.ip, familyOf(address.ip));
  }
}

function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return ip.includes(':') ? 'ipv6' : 'ipv4';
}
