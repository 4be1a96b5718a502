// The hosts of an ORIGINAL_DST cluster: made on demand where connections were meant to go, forgotten
// when nothing was sent there for a while.
import { type SocketAddress, socketAddress } from '../base/address.ts';
import { ipVersion } from '../base/ip-address.ts';
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { ClusterConfig, OriginalDstConfig } from '../model/cluster.ts';
import type { Counter } from '../stats/metrics.ts';
import type { LoadBalancerContext } from './cluster-manager.ts';
import { Host } from './host.ts';
import { endpointOfAddress, type OwnHosts, type OwnHostsOwner } from './own-hosts.ts';
import { sourceFor } from './pool/connect-options.ts';
import type { UpstreamContext } from './upstream-context.ts';

/** Envoy's filter state key for a destination that a filter chose. */
export const DESTINATION_STATE = 'envoy.network.transport_socket.original_dst_address';

const MAX_PORT = 65_535;

/** What the hosts belong to. */
export interface OriginalDstPlace {
  readonly config: ClusterConfig;
  readonly originalDst: OriginalDstConfig;
  readonly context: Pick<UpstreamContext, 'clock' | 'timers'>;
  /** `original_dst_host_invalid` */
  readonly invalidHost: Counter;
}

/** See the file's head. */
export class OriginalDstHosts implements OwnHosts, TimerTarget {
  readonly #place: OriginalDstPlace;
  readonly #owner: OwnHostsOwner;
  readonly #hosts = new Map<string, Host>();
  /** Addresses that were asked for since the last look. */
  readonly #used = new Set<string>();
  readonly #timer: Timer;
  #isClosed = false;

  constructor(place: OriginalDstPlace, owner: OwnHostsOwner) {
    this.#place = place;
    this.#owner = owner;
    this.#timer = new Timer(this);
  }

  /** Hosts as of now. */
  hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** The host of the context's destination; null when it has none or may not be asked. */
  pick(context: LoadBalancerContext): Host | null {
    const found = this.#destination(context);
    if (found === null) return null;
    const { portOverride } = this.#place.originalDst;
    const address = portOverride === null ? found : socketAddress(found.ip, portOverride);
    if (this.#leadsBack(address, context.info.downstream)) return null;
    this.#used.add(address.text);
    return this.#hosts.get(address.text) ?? this.#add(address);
  }

  /** The cluster ends: nothing is forgotten by time any more. */
  close(): void {
    this.#isClosed = true;
    this.#place.context.timers.cancel(this.#timer);
  }

  /** cleanup_interval: who was not asked for since the last time goes. */
  onTimer(): void {
    const unused = [...this.#hosts.values()].filter(({ address }) => !this.#used.has(address.text));
    for (const { address } of unused) this.#hosts.delete(address.text);
    this.#used.clear();
    if (this.#hosts.size > 0) this.#armTimer();
    if (unused.length > 0) this.#owner.onHostsChanged(this.#hosts.size, unused);
  }

  /** In Envoy's order: what a filter says, what the request says, where the client was going. */
  #destination({ request, info }: LoadBalancerContext): SocketAddress | null {
    const chosen =
      info.filterState?.get(DESTINATION_STATE) ??
      info.downstream.filterState?.get(DESTINATION_STATE);
    if (typeof chosen === 'string') return this.#parse(chosen);
    const { httpHeader } = this.#place.originalDst;
    const named = httpHeader === '' ? null : (request?.headers.getByName(httpHeader) ?? null);
    const fromHeader = named === null ? null : this.#parse(named);
    if (fromHeader !== null) return fromHeader;
    const { localAddress } = info.downstream;
    return localAddress.port < 0 ? null : localAddress;
  }

  #parse(text: string): SocketAddress | null {
    const address = parseDestination(text);
    if (address === null) this.#place.invalidHost.inc();
    return address;
  }

  /**
   * A connection that nothing redirected would come back here for ever. A cluster with a source
   * address of its own leaves the host's redirection by it (Istio: 127.0.0.6), and may go where a
   * transparent listener took the connection: it is a loop when the client has that address.
   */
  #leadsBack(address: SocketAddress, downstream: DownstreamConnectionInfo): boolean {
    const source = sourceFor(this.#place.config, address);
    if (source !== null) return downstream.directRemoteAddress.ip === source.ip;
    return address.text === downstream.directLocalAddress.text;
  }

  #add(address: SocketAddress): Host {
    const { config } = this.#place;
    const host = new Host(address, endpointOfAddress(address), config);
    host.isRemoved = this.#isClosed;
    this.#hosts.set(address.text, host);
    if (!this.#timer.armed && !this.#isClosed) this.#armTimer();
    this.#owner.onHostsChanged(this.#hosts.size, []);
    return host;
  }

  #armTimer(): void {
    const { context, originalDst } = this.#place;
    context.timers.arm(this.#timer, context.clock.nowMs(), originalDst.cleanupIntervalMs);
  }
}

/** `ip:port` or `[ip]:port`; null for anything else, and for the port 0. */
export function parseDestination(text: string): SocketAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, v6, v4, digits] = match;
  const port = Number(digits);
  const isIp = v6 === undefined ? ipVersion(v4 ?? '') === 4 : ipVersion(v6) === 6;
  return isIp && port > 0 && port <= MAX_PORT ? socketAddress(v6 ?? v4 ?? '', port) : null;
}
