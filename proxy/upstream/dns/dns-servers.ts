// Names by DNS servers that the configuration names, with what c-ares does around a question: the
// hosts file first, then the name with the system's search domains.
import { promises } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { ipVersion } from '../../base/ip-address.ts';
import type { DnsServersConfig } from '../../model/dns.ts';
import { chooseFamily } from './choose-family.ts';
import { askRecords } from './dns-records.ts';
import type { DnsAnswer, DnsQuestion } from './dns-resolver.ts';
import { candidateNames, hostsEntries, parseResolvConf } from './resolv-conf.ts';

/** Answers by DNS; never rejects. */
export async function askServers(
  question: DnsQuestion,
  config: DnsServersConfig,
): Promise<DnsAnswer> {
  const { name, family } = question;
  const [hosts, conf] = await Promise.all([readText('/etc/hosts'), readText('/etc/resolv.conf')]);
  const system = parseResolvConf(conf);
  const listed = hostsEntries(hosts, name);
  const known = chooseFamily(
    family,
    listed.filter((ip) => ipVersion(ip) === 4),
    listed.filter((ip) => ipVersion(ip) === 6),
  );
  if (known.length > 0) return completed(known, null, config);
  const source = new promises.Resolver({ timeout: config.timeoutMs, tries: config.tries });
  const usesSystem = config.isFallback && system.hasServers;
  if (config.servers.length > 0 && !usesSystem) source.setServers(config.servers);
  if (config.rotates) source.setServers(rotated(source.getServers()));
  const names = config.noSearch ? [name] : candidateNames(name, system);
  try {
    for (const candidate of names) {
      const { ips, ttlMs } = await askRecords(candidate, family, source);
      if (ips.length > 0) return completed(ips, ttlMs, config);
    }
    return { status: 'completed', ips: [], ttlMs: null };
  } catch (error) {
    return { status: 'failed', reason: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** Questions since the process began: each goes to another server first. */
let turn = 0;

function rotated(servers: readonly string[]): readonly string[] {
  const first = turn % Math.max(servers.length, 1);
  turn += 1;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

function completed(
  ips: readonly string[],
  ttlMs: number | null,
  { filtersUnroutable }: DnsServersConfig,
): DnsAnswer {
  if (!filtersUnroutable) return { status: 'completed', ips, ttlMs };
  const families = new Set<number>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { internal, family } of addresses ?? []) {
      if (!internal) families.add(family === 'IPv6' ? 6 : 4);
    }
  }
  return { status: 'completed', ips: ips.filter((ip) => families.has(ipVersion(ip))), ttlMs };
}

/** '' for a file that cannot be read. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
