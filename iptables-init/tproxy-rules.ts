// TPROXY: inbound connections keep the client's address, because packets are marked and delivered
// locally instead of being rewritten. Marks also tell the proxy's own packets on loopback apart.
import type { CaptureOptions } from './capture-options.ts';
import { loopback, passthroughSource } from './loopback.ts';
import type { RuleSet } from './rule-set.ts';

/** The mark of what the proxy sends to the pod itself. */
const OUTBOUND_MARK = 1338;

/** The chains that deliver inbound connections to the proxy. */
export function addInboundDivert(set: RuleSet, options: CaptureOptions): void {
  const { tproxyMark, inboundCapturePort } = options;
  set.append('mangle', 'ISTIO_DIVERT', `-j MARK --set-mark ${tproxyMark}`);
  set.append('mangle', 'ISTIO_DIVERT', '-j ACCEPT');
  const target = `--tproxy-mark ${tproxyMark}/0xffffffff --on-port ${inboundCapturePort}`;
  const self = loopback(options, set.version);
  set.append('mangle', 'ISTIO_TPROXY', `! -d ${self} -p tcp -j TPROXY ${target}`);
}

/** Keeps marks with their connections, and lets what is the proxy's own pass. */
export function addTproxyMarks(set: RuleSet, options: CaptureOptions): void {
  const mark = options.tproxyMark;
  const self = loopback(options, set.version);
  const output = (text: string): void => set.append('mangle', 'OUTPUT', text);
  set.append('mangle', 'PREROUTING', `-p tcp -m mark --mark ${mark} -j CONNMARK --save-mark`);
  output(`-p tcp -o lo -m mark --mark ${mark} -j RETURN`);
  const owners = [
    ...options.proxyUids.map((id) => `--uid-owner ${id}`),
    ...options.proxyGids.map((id) => `--gid-owner ${id}`),
  ];
  for (const owner of owners) {
    output(`! -d ${self} -p tcp -o lo -m owner ${owner} -j MARK --set-mark ${OUTBOUND_MARK}`);
  }
  output(`-p tcp -m connmark --mark ${mark} -j CONNMARK --restore-mark`);
  const source = passthroughSource(set.version);
  const first = (position: number, text: string): void =>
    set.insert('mangle', 'ISTIO_INBOUND', position, text);
  first(1, `-p tcp -m mark --mark ${mark} -j RETURN`);
  first(2, `-p tcp -s ${source} -i lo -j RETURN`);
  first(3, `-p tcp -i lo -m mark ! --mark ${OUTBOUND_MARK} -j RETURN`);
}
