// DNS capture: queries of the application go to the agent, those of the proxy to the real server.
// Both share addresses and ports, so that connection tracking needs a zone for each.
import { type CaptureOptions, DNS_CAPTURE_PORT, type IpVersion } from './capture-options.ts';
import type { RuleSet } from './rule-set.ts';

/** True when some query can be captured; without a server to look for there is none. */
export function isDnsCaptured({ dns }: CaptureOptions): boolean {
  return dns !== null && (dns.servers === '*' || dns.servers.length > 0);
}

/** The jump, the redirects and the zones of one IP version. */
export function addDnsRules(set: RuleSet, options: CaptureOptions): void {
  const targets = targetsOf(options, set.version);
  set.append('raw', 'OUTPUT', '-j ISTIO_OUTPUT_DNS');
  if (targets.length > 0) {
    set.append('nat', 'ISTIO_OUTPUT', '-j ISTIO_OUTPUT_DNS');
    addRedirects(set, targets);
  }
  addOwnerZones(set, options);
  if (targets.length > 0) addServerZones(set, targets);
}

/** An address condition for each server; one empty condition stands for all of them. */
function targetsOf({ dns }: CaptureOptions, version: IpVersion): readonly string[] {
  if (dns === null) return [];
  if (dns.servers === '*') return [''];
  const bits = version === 4 ? 32 : 128;
  return dns.servers
    .filter((server) => server.version === version)
    .map(({ ip }) => `${ip}/${bits}`);
}

function addRedirects(set: RuleSet, targets: readonly string[]): void {
  for (const [protocol, flag] of [
    ['tcp', '--to-ports'],
    ['udp', '--to-port'],
  ]) {
    for (const target of targets) {
      const match = `-p ${protocol} --dport 53${address('-d', target)}`;
      set.append('nat', 'ISTIO_OUTPUT_DNS', `${match} -j REDIRECT ${flag} ${DNS_CAPTURE_PORT}`);
    }
  }
}

/** The proxy asks in zone 1 and answers in zone 2. */
function addOwnerZones(set: RuleSet, options: CaptureOptions): void {
  const owners = [
    ...options.proxyUids.map((id) => `--uid-owner ${id}`),
    ...options.proxyGids.map((id) => `--gid-owner ${id}`),
  ];
  for (const owner of owners) {
    const zone = (ports: string, number: number): void =>
      set.append(
        'raw',
        'ISTIO_OUTPUT_DNS',
        `-p udp ${ports} -m owner ${owner} -j CT --zone ${number}`,
      );
    zone('--dport 53', 1);
    zone(`--sport ${DNS_CAPTURE_PORT}`, 2);
  }
}

/** The application asks in zone 2; what servers answer to the proxy is in zone 1. */
function addServerZones(set: RuleSet, targets: readonly string[]): void {
  set.append('raw', 'PREROUTING', '-j ISTIO_INBOUND');
  for (const target of targets) {
    const asked = `-p udp --dport 53${address('-d', target)}`;
    const answered = `-p udp --sport 53${address('-s', target)}`;
    set.append('raw', 'ISTIO_OUTPUT_DNS', `${asked} -j CT --zone 2`);
    set.append('raw', 'ISTIO_INBOUND', `${answered} -j CT --zone 1`);
  }
}

function address(flag: '-s' | '-d', target: string): string {
  return target === '' ? '' : ` ${flag} ${target}`;
}
