// Keeps web pages away from the admin interface: a page can make a browser send requests to
// loopback, and with a rebound DNS name read the answers. Such requests carry a foreign name in
// Host, or a foreign Origin. Names that an attacker cannot own pass.
import { hostname } from 'node:os';
import { ipVersion } from '../base/ip-address.ts';

/** The fields of a request that tell where it comes from; null where absent. */
export interface RequestOrigin {
  readonly host: string | null;
  readonly origin: string | null;
  /** Sec-Fetch-Site, which browsers set and pages cannot. */
  readonly fetchSite: string | null;
}

/** Why a request is refused, or null. */
export function refusalOf(request: RequestOrigin): string | null {
  const { host, origin, fetchSite } = request;
  if (host !== null && !isOwnName(hostWithoutPort(host))) {
    return 'the Host is neither an address nor a name of this machine';
  }
  if (origin !== null && origin.replace(/^https?:\/\//, '') !== host) {
    return 'the request comes from another origin';
  }
  if (fetchSite === 'cross-site' || fetchSite === 'same-site') {
    return 'the request comes from another site';
  }
  return null;
}

/**
 * An IP address, localhost, or a name without a dot: no public DNS zone can hold such a name. This
 * machine's own name passes with its dots.
 */
function isOwnName(name: string): boolean {
  const lower = name.toLowerCase();
  if (ipVersion(lower) !== 0 || lower.endsWith('.localhost')) return true;
  return /^[a-z0-9_-]*$/.test(lower) || lower === hostname().toLowerCase();
}

function hostWithoutPort(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host);
  if (bracketed !== null) return bracketed[1] ?? '';
  return host.replace(/:\d*$/, '');
}
