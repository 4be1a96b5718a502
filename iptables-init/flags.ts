// The flags of `istio-iptables` and the environment variables behind them. The environment replaces
// a default, the command line wins over both.

/** One flag. */
export interface FlagSpec {
  /** Long name without dashes; the variable is the same in upper case with `_`. */
  readonly name: string;
  /** '' when it has none. */
  readonly short: string;
  readonly kind: 'text' | 'switch';
  readonly initial: string;
  /** Further variables, which win over its own; `none`: it reads no variable at all. */
  readonly env?: readonly string[] | 'none';
  readonly help: string;
}

function text(name: string, short: string, initial: string, help: string): FlagSpec {
  return { name, short, kind: 'text', initial, help };
}

function toggle(name: string, help: string, env: readonly string[] = []): FlagSpec {
  return { name, short: '', kind: 'switch', initial: 'false', env, help };
}

const PORTS = 'comma-separated ports';
const RANGES = 'comma-separated CIDRs';

/** Every flag, in the order of the help text. */
export const FLAGS: readonly FlagSpec[] = [
  { ...text('envoy-port', 'p', '15001', 'where outbound connections go'), env: 'none' },
  text('inbound-capture-port', 'z', '15006', 'where inbound connections go'),
  text('inbound-tunnel-port', 'e', '15008', 'inbound port of tunnels, never captured'),
  text('proxy-uid', 'u', '', "users whose traffic is the proxy's own (default: ENVOY_USER, 1337)"),
  text('proxy-gid', 'g', '', "groups whose traffic is the proxy's own (default: as --proxy-uid)"),
  text('istio-inbound-interception-mode', 'm', '', 'REDIRECT (default) or TPROXY'),
  text('istio-inbound-ports', 'b', '', `${PORTS} to capture inbound, * for all; empty: none`),
  text('istio-local-exclude-ports', 'd', '', `${PORTS} not to capture with -b *`),
  text('istio-exclude-interfaces', 'c', '', 'comma-separated interfaces to leave alone'),
  text('istio-service-cidr', 'i', '', `${RANGES} to capture outbound, * for all; empty: none`),
  text('istio-service-exclude-cidr', 'x', '', `${RANGES} not to capture`),
  text('istio-outbound-ports', 'q', '', `${PORTS} to capture whatever the address`),
  text('istio-local-outbound-ports-exclude', 'o', '', `${PORTS} not to capture outbound`),
  text('kube-virt-interfaces', 'k', '', 'interfaces whose inbound traffic counts as outbound'),
  text('istio-inbound-tproxy-mark', 't', '1337', 'packet mark of TPROXY'),
  text('istio-inbound-tproxy-route-table', 'r', '133', 'routing table of TPROXY'),
  { ...toggle('dry-run', 'print the rules and change nothing'), short: 'n' },
  {
    ...toggle('restore-format', 'with --dry-run: as iptables-restore reads them, not as commands'),
    initial: 'true',
  },
  text('iptables-probe-port', '', '15002', 'port that --run-validation connects to'),
  text('probe-timeout', '', '5s', 'time limit of --run-validation'),
  toggle('skip-rule-apply', 'leave the rules as they are'),
  toggle('run-validation', 'check that connections are captured; exit status 126 if not'),
  toggle('redirect-dns', 'capture DNS queries', ['ISTIO_META_DNS_CAPTURE']),
  toggle('capture-all-dns', 'with --redirect-dns: to whatever server they go'),
  toggle('drop-invalid', 'drop packets that belong to no connection', ['INVALID_DROP']),
  toggle('dual-stack', 'rules for IPv6 as soon as any address is IPv6', ['ISTIO_DUAL_STACK']),
  text('network-namespace', '', '', 'path of the network namespace to work in'),
  toggle('cni-mode', 'run for a CNI plugin: a lock file of this pod only'),
  toggle('reconcile', 'replace rules that differ instead of failing'),
  toggle('cleanup-only', 'remove the rules and do nothing else'),
  toggle('force-apply', 'apply the rules even if they seem to be there'),
  toggle('native-nftables', 'refused: rules are written by iptables'),
  text('force-iptables-binary', '', '', 'legacy or nft; empty: whichever is in use'),
  text('log_output_level', '', '', 'accepted; messages are few'),
  { ...toggle('log_as_json', 'messages as JSON'), env: 'none' },
];

/** Variables without a flag. */
export const VARIABLES = {
  ownerGroups: 'ISTIO_OUTBOUND_OWNER_GROUPS',
  ownerGroupsExcluded: 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE',
  loopbackV4: 'ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR',
  proxyUser: 'ENVOY_USER',
} as const;

/** The variables that stand for a flag; of those that are set the last wins. */
export function variablesOf({ name, env = [] }: FlagSpec): readonly string[] {
  if (env === 'none') return [];
  return [name.toUpperCase().replaceAll('-', '_'), ...env];
}
