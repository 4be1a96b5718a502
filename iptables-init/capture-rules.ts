// Which rules capture a pod's traffic, in the order in which Istio writes them: order is meaning
// here, the first rule that returns or redirects decides.
import {
  type CaptureOptions,
  type Cidr,
  capturesLoopback,
  type IpVersion,
} from './capture-options.ts';
import { addDnsRules, isDnsCaptured } from './dns-rules.ts';
import { loopback, passthroughSource } from './loopback.ts';
import { RuleSet } from './rule-set.ts';
import { addInboundDivert, addTproxyMarks } from './tproxy-rules.ts';

/** The rules of one IP version. */
export function captureRules(options: CaptureOptions, version: IpVersion): RuleSet {
  const set = new RuleSet(version);
  excludeInterfaces(set, options);
  for (const name of options.virtualInterfaces) {
    set.insert('nat', 'PREROUTING', 1, `-i ${name} -j RETURN`);
  }
  if (options.dropInvalid) {
    set.append('mangle', 'PREROUTING', '-m conntrack --ctstate INVALID -j ISTIO_DROP');
    set.append('mangle', 'ISTIO_DROP', '-j DROP');
  }
  set.append('nat', 'ISTIO_INBOUND', `-p tcp --dport ${options.inboundTunnelPort} -j RETURN`);
  set.append('nat', 'ISTIO_REDIRECT', `-p tcp -j REDIRECT --to-ports ${options.proxyPort}`);
  const inboundPort = options.inboundCapturePort;
  set.append('nat', 'ISTIO_IN_REDIRECT', `-p tcp -j REDIRECT --to-ports ${inboundPort}`);
  addInbound(set, options);
  addOutbound(set, options);
  if (options.interceptionMode === 'TPROXY') addTproxyMarks(set, options);
  return set;
}

function excludeInterfaces(set: RuleSet, options: CaptureOptions): void {
  const tables =
    options.interceptionMode === 'TPROXY' ? (['nat', 'mangle'] as const) : ['nat' as const];
  for (const table of tables) {
    for (const name of options.excludedInterfaces) {
      set.append(table, 'PREROUTING', `-i ${name} -j RETURN`);
      set.append(table, 'OUTPUT', `-o ${name} -j RETURN`);
    }
  }
}

function addInbound(set: RuleSet, options: CaptureOptions): void {
  const { inboundPorts, interceptionMode } = options;
  if (inboundPorts !== '*' && inboundPorts.length === 0) return;
  const isTproxy = interceptionMode === 'TPROXY';
  const table = isTproxy ? 'mangle' : 'nat';
  if (isTproxy) addInboundDivert(set, options);
  set.append(table, 'PREROUTING', '-p tcp -j ISTIO_INBOUND');
  const excluded = inboundPorts === '*' ? options.inboundPortsExcluded : [];
  for (const port of excluded)
    set.append(table, 'ISTIO_INBOUND', `-p tcp --dport ${port} -j RETURN`);
  const matches =
    inboundPorts === '*' ? ['-p tcp'] : inboundPorts.map((port) => `-p tcp --dport ${port}`);
  for (const match of matches) {
    if (isTproxy) {
      const established = '-m conntrack --ctstate RELATED,ESTABLISHED';
      set.append(table, 'ISTIO_INBOUND', `${match} ${established} -j ISTIO_DIVERT`);
      set.append(table, 'ISTIO_INBOUND', `${match} -j ISTIO_TPROXY`);
    } else {
      set.append(table, 'ISTIO_INBOUND', `${match} -j ISTIO_IN_REDIRECT`);
    }
  }
}

function addOutbound(set: RuleSet, options: CaptureOptions): void {
  const output = (text: string): void => set.append('nat', 'ISTIO_OUTPUT', text);
  set.append('nat', 'OUTPUT', '-j ISTIO_OUTPUT');
  for (const port of options.outboundPortsExcluded) {
    output(`-p tcp --dport ${port} -j RETURN`);
    output(`-p udp --dport ${port} -j RETURN`);
  }
  output(`-o lo -s ${passthroughSource(set.version)} -j RETURN`);
  for (const uid of options.proxyUids) addOwner(set, options, { flag: '--uid-owner', id: uid });
  for (const gid of options.proxyGids) addOwner(set, options, { flag: '--gid-owner', id: gid });
  addOwnerGroups(set, options);
  if (isDnsCaptured(options)) addDnsRules(set, options);
  output(`-d ${loopback(options, set.version)} -j RETURN`);
  for (const cidr of ofVersion(options.outboundCidrsExcluded, set.version)) {
    output(`-d ${cidr.text} -j RETURN`);
  }
  for (const port of options.outboundPorts) output(`-p tcp --dport ${port} -j ISTIO_REDIRECT`);
  addOutboundCidrs(set, options);
}

interface Owner {
  readonly flag: '--uid-owner' | '--gid-owner';
  readonly id: string;
}

/** What the proxy itself sends, and what goes to the pod's own address. */
function addOwner(set: RuleSet, options: CaptureOptions, { flag, id }: Owner): void {
  const output = (text: string): void => set.append('nat', 'ISTIO_OUTPUT', text);
  const isDns = isDnsCaptured(options);
  const tunnel = options.inboundTunnelPort;
  // The proxy to the pod's own address: inbound, as if it had come from outside.
  const ports =
    isDns && flag === '--uid-owner'
      ? `-m multiport ! --dports 53,${tunnel}`
      : `! --dport ${tunnel}`;
  const self = loopback(options, set.version);
  output(`-o lo ! -d ${self} -p tcp ${ports} -m owner ${flag} ${id} -j ISTIO_IN_REDIRECT`);
  // The application to the pod's own address: untouched, unless loopback is to be captured.
  if (!capturesLoopback(options.outboundCidrs)) {
    const exceptDns = isDns ? '-p tcp ! --dport 53 ' : '';
    output(`-o lo ${exceptDns}-m owner ! ${flag} ${id} -j RETURN`);
  }
  output(`-m owner ${flag} ${id} -j RETURN`);
}

function addOwnerGroups(set: RuleSet, options: CaptureOptions): void {
  const { ownerGroups, ownerGroupsExcluded } = options;
  for (const group of ownerGroupsExcluded) {
    set.append('nat', 'ISTIO_OUTPUT', `-m owner --gid-owner ${group} -j RETURN`);
  }
  if (ownerGroups === '*' || ownerGroups.length === 0) return;
  const others = ownerGroups.map((group) => `-m owner ! --gid-owner ${group}`).join(' ');
  set.append('nat', 'ISTIO_OUTPUT', `${others} -j RETURN`);
}

function addOutboundCidrs(set: RuleSet, options: CaptureOptions): void {
  const { outboundCidrs, virtualInterfaces } = options;
  if (outboundCidrs === '*') {
    set.append('nat', 'ISTIO_OUTPUT', '-j ISTIO_REDIRECT');
    for (const name of virtualInterfaces) {
      set.insert('nat', 'PREROUTING', 1, `-i ${name} -j ISTIO_REDIRECT`);
    }
    return;
  }
  for (const { text } of ofVersion(outboundCidrs, set.version)) {
    for (const name of virtualInterfaces) {
      set.insert('nat', 'PREROUTING', 1, `-i ${name} -d ${text} -j ISTIO_REDIRECT`);
    }
    set.append('nat', 'ISTIO_OUTPUT', `-d ${text} -j ISTIO_REDIRECT`);
  }
}

function ofVersion(cidrs: readonly Cidr[], version: IpVersion): readonly Cidr[] {
  return cidrs.filter((cidr) => cidr.version === version);
}
