// What is to be captured, checked: the flags of `istio-iptables` as values.

/** The IP versions; every rule belongs to one of them. */
export type IpVersion = 4 | 6;

/** A network, as iptables takes it. */
export interface Cidr {
  readonly version: IpVersion;
  /** `10.0.0.0/8` */
  readonly text: string;
}

/** Everything, or what is listed; an empty list: nothing. */
export type AllOr<T> = '*' | readonly T[];

/** Flags of `istio-iptables` that decide about rules. Ports are 1 to 65535. */
export interface CaptureOptions {
  /** `-p`: where outbound connections go. */
  readonly proxyPort: number;
  /** `-z`: where inbound connections go. */
  readonly inboundCapturePort: number;
  /** `-e`: never captured inbound. */
  readonly inboundTunnelPort: number;
  /** `-u`, `-g`: whose traffic is the proxy's own; ids or names. */
  readonly proxyUids: readonly string[];
  readonly proxyGids: readonly string[];
  /** `-m` */
  readonly interceptionMode: 'REDIRECT' | 'TPROXY';
  /** `-b`, and with `*` without those of `-d`. */
  readonly inboundPorts: AllOr<number>;
  readonly inboundPortsExcluded: readonly number[];
  /** `-c`: interfaces whose traffic stays as it is. */
  readonly excludedInterfaces: readonly string[];
  /** `-i`, without those of `-x`. */
  readonly outboundCidrs: AllOr<Cidr>;
  readonly outboundCidrsExcluded: readonly Cidr[];
  /** `-q`: captured whatever the address; `-o`: never captured. */
  readonly outboundPorts: readonly number[];
  readonly outboundPortsExcluded: readonly number[];
  /** `-k`: interfaces of virtual machines, whose inbound is outbound to us. */
  readonly virtualInterfaces: readonly string[];
  /** `-t`, `-r` */
  readonly tproxyMark: number;
  readonly tproxyRouteTable: number;
  /** `--redirect-dns`; null: DNS is not captured. */
  readonly dns: DnsCapture | null;
  readonly dropInvalid: boolean;
  /** ISTIO_OUTBOUND_OWNER_GROUPS and its opposite; ids or names. */
  readonly ownerGroups: AllOr<string>;
  readonly ownerGroupsExcluded: readonly string[];
  /** ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR */
  readonly loopbackV4: string;
}

/** Which DNS queries are captured. */
export interface DnsCapture {
  /** `*`: whatever server they are for (`--capture-all-dns`). */
  readonly servers: AllOr<DnsServer>;
}

/** A name server of resolv.conf. */
export interface DnsServer {
  readonly version: IpVersion;
  readonly ip: string;
}

/** Where the agent answers DNS. */
export const DNS_CAPTURE_PORT = 15053;

/** True when a network that is to be captured lies on the host itself. */
export function capturesLoopback(cidrs: AllOr<Cidr>): boolean {
  return cidrs !== '*' && cidrs.some(({ text }) => text.startsWith('127.') || text === '::1/128');
}
