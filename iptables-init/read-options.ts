// The flags as options: what may be captured, and what is to be done about it.
import { ipVersion } from '../proxy/base/ip-address.ts';
import type { CaptureOptions, DnsCapture, DnsServer } from './capture-options.ts';
import { VARIABLES } from './flags.ts';
import type { Environment } from './parse-flags.ts';
import { ValueReader } from './value-reader.ts';

/** What the command is to do with the rules. */
export interface RunOptions {
  readonly capture: CaptureOptions;
  readonly dryRun: boolean;
  readonly restoreFormat: boolean;
  readonly skipRuleApply: boolean;
  readonly runValidation: boolean;
  readonly probePort: number;
  readonly probeTimeoutMs: number;
  readonly dualStack: boolean;
  /** Path of a network namespace; '': this one. */
  readonly networkNamespace: string;
  readonly cniMode: boolean;
  readonly reconcile: boolean;
  readonly cleanupOnly: boolean;
  readonly forceApply: boolean;
  readonly forceBinary: '' | 'legacy' | 'nft';
  readonly logAsJson: boolean;
}

/** What the host adds to the flags. */
export interface HostFacts {
  readonly environment: Environment;
  /** Text of /etc/resolv.conf; '' when there is none. */
  readonly resolvConf: string;
  /** Id of a user by name; null when there is no such user. */
  userId(name: string): string | null;
}

/** The outcome: options, or everything that is wrong. */
export type ReadOptions =
  | { readonly ok: true; readonly options: RunOptions; readonly notices: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] };

const DEFAULT_PROXY_USER = 'istio-proxy';
const DEFAULT_PROXY_UID = '1337';
const DEFAULT_LOOPBACK = '127.0.0.1/32';
/** As many as one rule takes. */
const MAX_OWNER_GROUPS = 64;
const LOOPBACK = /^127\.\d+\.\d+\.\d+\/(\d+)$/;

/** Checks everything before the first mistake is reported. */
export function readOptions(values: ReadonlyMap<string, string>, host: HostFacts): ReadOptions {
  const reader = new ValueReader(withVariables(values, host));
  const capture = readCapture(reader, host);
  if (reader.isOn('native-nftables')) {
    reader.fail('--native-nftables: not supported; rules are written by iptables (nft or legacy)');
  }
  const options: RunOptions = {
    capture,
    dryRun: reader.isOn('dry-run'),
    restoreFormat: reader.isOn('restore-format'),
    skipRuleApply: reader.isOn('skip-rule-apply'),
    runValidation: reader.isOn('run-validation'),
    probePort: reader.port('iptables-probe-port'),
    probeTimeoutMs: reader.duration('probe-timeout'),
    dualStack: reader.isOn('dual-stack'),
    networkNamespace: reader.text('network-namespace'),
    cniMode: reader.isOn('cni-mode'),
    reconcile: reader.isOn('reconcile'),
    cleanupOnly: reader.isOn('cleanup-only'),
    forceApply: reader.isOn('force-apply'),
    forceBinary: reader.oneOf('force-iptables-binary', ['', 'legacy', 'nft']),
    logAsJson: reader.isOn('log_as_json'),
  };
  if (options.runValidation && options.networkNamespace !== '') {
    reader.fail('--run-validation looks from inside a pod: it excludes --network-namespace');
  }
  if (reader.errors.length > 0) return { ok: false, errors: reader.errors };
  return { ok: true, options, notices: noticesOn(reader, capture) };
}

/** Variables that have no flag join the flags under their own names. */
function withVariables(
  values: ReadonlyMap<string, string>,
  { environment, userId }: HostFacts,
): ReadonlyMap<string, string> {
  const all = new Map(values);
  all.set(VARIABLES.ownerGroups, environment[VARIABLES.ownerGroups] ?? '*');
  all.set(VARIABLES.ownerGroupsExcluded, environment[VARIABLES.ownerGroupsExcluded] ?? '');
  all.set(VARIABLES.loopbackV4, environment[VARIABLES.loopbackV4] ?? DEFAULT_LOOPBACK);
  if (all.get('proxy-uid')?.trim() === '') {
    const user = environment[VARIABLES.proxyUser] ?? DEFAULT_PROXY_USER;
    all.set('proxy-uid', userId(user) ?? DEFAULT_PROXY_UID);
  }
  if (all.get('proxy-gid')?.trim() === '') all.set('proxy-gid', all.get('proxy-uid') ?? '');
  return all;
}

function readCapture(reader: ValueReader, host: HostFacts): CaptureOptions {
  const mode = reader.oneOf('istio-inbound-interception-mode', ['', 'REDIRECT', 'TPROXY']);
  return {
    proxyPort: reader.port('envoy-port'),
    inboundCapturePort: reader.port('inbound-capture-port'),
    inboundTunnelPort: reader.port('inbound-tunnel-port'),
    proxyUids: reader.owners('proxy-uid'),
    proxyGids: reader.owners('proxy-gid'),
    interceptionMode: mode === 'TPROXY' ? 'TPROXY' : 'REDIRECT',
    inboundPorts: reader.allOrPorts('istio-inbound-ports'),
    inboundPortsExcluded: reader.ports('istio-local-exclude-ports'),
    excludedInterfaces: reader.interfaces('istio-exclude-interfaces'),
    outboundCidrs: reader.allOrCidrs('istio-service-cidr'),
    outboundCidrsExcluded: reader.cidrs('istio-service-exclude-cidr'),
    outboundPorts: reader.ports('istio-outbound-ports'),
    outboundPortsExcluded: reader.ports('istio-local-outbound-ports-exclude'),
    virtualInterfaces: reader.interfaces('kube-virt-interfaces'),
    tproxyMark: reader.uint32('istio-inbound-tproxy-mark'),
    tproxyRouteTable: reader.uint32('istio-inbound-tproxy-route-table'),
    dns: readDns(reader, host),
    dropInvalid: reader.isOn('drop-invalid'),
    ...readOwnerGroups(reader),
    loopbackV4: readLoopback(reader),
  };
}

function readDns(reader: ValueReader, host: HostFacts): DnsCapture | null {
  const isAll = reader.isOn('capture-all-dns');
  if (!reader.isOn('redirect-dns')) return null;
  return { servers: isAll ? '*' : nameServers(host.resolvConf) };
}

/** The `nameserver` lines of resolv.conf(5). */
export function nameServers(resolvConf: string): DnsServer[] {
  const servers: DnsServer[] = [];
  for (const line of resolvConf.split('\n')) {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    const ip = address.replace(/%.*$/, '');
    const version = ipVersion(ip);
    if (keyword === 'nameserver' && version !== 0) servers.push({ version, ip });
  }
  return servers;
}

function readOwnerGroups(
  reader: ValueReader,
): Pick<CaptureOptions, 'ownerGroups' | 'ownerGroupsExcluded'> {
  const { ownerGroups: included, ownerGroupsExcluded: excluded } = VARIABLES;
  const ownerGroups = reader.text(included) === '*' ? '*' : reader.owners(included);
  const ownerGroupsExcluded = reader.owners(excluded);
  if (ownerGroups !== '*' && ownerGroupsExcluded.length > 0) {
    reader.fail(`${included} and ${excluded} exclude each other: set one of them`);
  }
  for (const [name, groups] of [
    [included, ownerGroups],
    [excluded, ownerGroupsExcluded],
  ] as const) {
    if (groups.length > MAX_OWNER_GROUPS) {
      reader.fail(`${name}: ${groups.length} groups are more than ${MAX_OWNER_GROUPS}`);
    }
  }
  return { ownerGroups, ownerGroupsExcluded };
}

function readLoopback(reader: ValueReader): string {
  const name = VARIABLES.loopbackV4;
  const [cidr] = reader.cidrs(name);
  if (cidr === undefined) return DEFAULT_LOOPBACK;
  const length = Number(LOOPBACK.exec(cidr.text)?.[1] ?? 0);
  if (length < 8) reader.fail(`${name}: '${cidr.text}' is not inside 127.0.0.0/8`);
  return cidr.text;
}

function noticesOn(reader: ValueReader, capture: CaptureOptions): string[] {
  const notices: string[] = [];
  const { inboundPorts, outboundCidrs, outboundPorts, dns } = capture;
  if (inboundPorts !== '*' && inboundPorts.length === 0) {
    notices.push('no inbound connection is captured: -b (--istio-inbound-ports) is empty');
  }
  if (outboundCidrs !== '*' && outboundCidrs.length + outboundPorts.length === 0) {
    notices.push('no outbound connection is captured: -i (--istio-service-cidr) and -q are empty');
  }
  if (reader.isOn('redirect-dns') && dns !== null && dns.servers.length === 0) {
    notices.push('DNS is not captured: /etc/resolv.conf names no server; see --capture-all-dns');
  }
  return notices;
}
