// Which IP versions a pod speaks, told by its addresses.
import { networkInterfaces } from 'node:os';
import { isLoopbackIp } from '../proxy/base/ip-address.ts';
import type { IpVersion } from './capture-options.ts';
import type { System } from './system.ts';

/**
 * IPv4 always; IPv6 when the first address that others can reach is one, or with `dualStack` when
 * any is.
 */
export function ipVersions(addresses: readonly string[], dualStack: boolean): IpVersion[] {
  const usable = addresses.filter((ip) => !isLoopbackIp(ip) && !isLinkLocal(ip));
  const isV6 = (ip: string | undefined): boolean => ip?.includes(':') === true;
  const hasV6 = dualStack ? usable.some(isV6) : isV6(usable[0]);
  return hasV6 ? [4, 6] : [4];
}

/** Addresses of this host in the system's order. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
}

/** Addresses in a network namespace, the order being that of ip(8): IPv4 first. */
export async function namespaceAddresses(system: System): Promise<string[]> {
  const ofVersion = async (version: IpVersion): Promise<string[]> => {
    const { stdout } = await system.run('ip', [`-${version}`, '-o', 'addr', 'show']);
    return [...stdout.matchAll(/ inet6? ([^\s/]+)/g)].map(([, ip = '']) => ip);
  };
  return [...(await ofVersion(4)), ...(await ofVersion(6))];
}

function isLinkLocal(ip: string): boolean {
  return ip.startsWith('169.254.') || /^fe[89ab]/i.test(ip);
}
