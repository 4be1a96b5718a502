// What a worker must know of the machine it runs on.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** Half of this many descriptors may be downstream connections where the system tells no limit. */
const ASSUMED_DESCRIPTORS = 1024;

/** The process's limit of open descriptors (node raises it to the hard limit when it starts). */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    if (soft !== undefined) return Number(soft);
  } catch {
    // Not Linux: assume what every system grants.
  }
  return ASSUMED_DESCRIPTORS;
}

/** The first address of the host that is not a loopback one; the loopback one if it has no other. */
export function localIp(family: 'IPv4' | 'IPv6'): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) {
      if (address.family === family && !address.internal) return address.address;
    }
  }
  return family === 'IPv4' ? '127.0.0.1' : '::1';
}
