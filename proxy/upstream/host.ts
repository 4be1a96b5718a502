// A running endpoint of a cluster.
import type { SocketAddress } from '../base/address.ts';
import type { UpstreamHostInfo } from '../http/stream-info.ts';
import type { EndpointConfig } from '../model/cluster.ts';
import type { CheckReporter } from './check-reporter.ts';
import type { OwnedPool } from './conn-pool.ts';
import { endpointFlags, PRIMARY_FLAGS } from './host-health.ts';
import type { HostMonitor } from './host-monitor.ts';
import type { HostLoad } from './lb/host-load.ts';
import type { ReportedMetrics } from './reported-metrics.ts';

/** Counts of one host, as `/clusters` prints them. */
export class HostStats {
  cxTotal = 0;
  cxActive = 0;
  cxConnectFail = 0;
  rqTotal = 0;
  /** Requests that wait for a connection to it. */
  rqPendingActive = 0;
  rqSuccess = 0;
  rqError = 0;
  rqTimeout = 0;
  /** Where the counts of many hosts stand side by side; null: not one of many. */
  #cells: Int32Array | null = null;
  #cell = 0;
  #active = 0;

  /** Requests on a connection to it. */
  get rqActive(): number {
    return this.#cells === null ? this.#active : (this.#cells[this.#cell] as number);
  }

  set rqActive(count: number) {
    if (this.#cells === null) this.#active = count;
    else this.#cells[this.#cell] = count;
  }

  /** The array that `rqActive` is in, and where: for who compares many hosts. */
  get activeCells(): Int32Array | null {
    return this.#cells;
  }

  get activeCell(): number {
    return this.#cell;
  }

  /** From now on `rqActive` is there. */
  moveActive(cells: Int32Array, cell: number): void {
    cells[cell] = this.rqActive;
    this.#cells = cells;
    this.#cell = cell;
  }
}

const NO_STATS = new HostStats();

/** Connections to a host, by protocol; null until the first request. */
export class HostPools {
  http1: OwnedPool | null = null;
  http2: OwnedPool | null = null;
  auto: OwnedPool | null = null;
  tunnel: OwnedPool | null = null;
  /** Those whose connections are for the name that requests gave, by RequestNames.key; see there. */
  #named: Map<string, HostPools> | null = null;

  /** Those there are, with those by name. */
  all(): readonly OwnedPool[] {
    const own = [this.http1, this.http2, this.auto, this.tunnel].filter((pool) => pool !== null);
    if (this.#named === null) return own;
    return [...own, ...[...this.#named.values()].flatMap((each) => each.all())];
  }

  /** Those of that name; null: there are none. */
  find(key: string): HostPools | null {
    return this.#named?.get(key) ?? null;
  }

  /** The same, for who is about to add one: they end with their last pool, see `forgetNamed`. */
  named(key: string): HostPools {
    this.#named ??= new Map();
    let pools = this.#named.get(key);
    if (pools === undefined) {
      pools = new HostPools();
      this.#named.set(key, pools);
    }
    return pools;
  }

  /** The pool of that name is gone. */
  forgetNamed(key: string, pool: OwnedPool): void {
    const pools = this.find(key);
    pools?.forget(pool);
    if (pools?.all().length === 0) this.#named?.delete(key);
  }

  /** The pool is gone; it was not one of a name. */
  forget(pool: OwnedPool): void {
    if (this.http1 === pool) this.http1 = null;
    if (this.http2 === pool) this.http2 = null;
    if (this.auto === pool) this.auto = null;
    if (this.tunnel === pool) this.tunnel = null;
  }
}

/** One address that requests may be sent to. Identity survives updates that keep the address. */
export class Host implements UpstreamHostInfo {
  /** Where new connections go; a LOGICAL_DNS cluster replaces it as the name's answer changes. */
  address: SocketAddress;
  /** Others that lead to it, tried where that one does not connect at once. */
  moreAddresses: readonly SocketAddress[];
  readonly hostname: string;
  readonly clusterName: string;
  readonly observabilityName: string;
  /** Replaced when an update changes weight, health or metadata. */
  endpoint: EndpointConfig;
  #stats: HostStats | null = null;
  /** Monotonic ms since when it has been healthy, for slow start; 0: since ever. */
  healthySinceMs = 0;
  /** Reasons of HEALTH_FLAG. */
  healthFlags: number;
  /** null: nobody asks how its requests went. */
  monitor: HostMonitor | null = null;
  /** null: its cluster has no health checks. */
  checks: CheckReporter | null = null;
  /** What it reports of its load; null: nobody weighs hosts by that. */
  load: HostLoad | null = null;
  /** What its responses report for whom load is reported to; null: nobody asks for it. */
  reported: ReportedMetrics | null = null;
  /** Connections to it for requests of priority DEFAULT, and of HIGH; null until the first one. */
  #pools: HostPools | null = null;
  highPools: HostPools | null = null;
  /** No longer a member of its cluster: its pool is draining. */
  isRemoved = false;

  constructor(
    address: SocketAddress,
    endpoint: EndpointConfig,
    cluster: { readonly name: string; readonly observabilityName: string },
  ) {
    this.address = address;
    this.moreAddresses = endpoint.moreAddresses;
    this.hostname = endpoint.hostname;
    this.clusterName = cluster.name;
    this.observabilityName = cluster.observabilityName;
    this.endpoint = endpoint;
    this.healthFlags = endpointFlags(endpoint.healthStatus);
  }

  /** Made for whoever asks first: of the hosts of a large mesh few ever have a request. */
  get stats(): HostStats {
    this.#stats ??= new HostStats();
    return this.#stats;
  }

  /** The same for who only looks. */
  get statsSoFar(): Readonly<HostStats> {
    return this.#stats ?? NO_STATS;
  }

  /** Made for whoever asks first. */
  get pools(): HostPools {
    this.#pools ??= new HostPools();
    return this.#pools;
  }

  /** Those there are, of both priorities. */
  allPools(): readonly OwnedPool[] {
    return [...(this.#pools?.all() ?? []), ...(this.highPools?.all() ?? [])];
  }

  /** By its load reports where they count, else its endpoint's. */
  get weight(): number {
    return this.load?.weight ?? this.endpoint.weight;
  }

  /** What an update says of the same host. */
  setEndpoint(endpoint: EndpointConfig): void {
    this.endpoint = endpoint;
    this.moreAddresses = endpoint.moreAddresses;
    const kept = this.healthFlags & PRIMARY_FLAGS;
    this.healthFlags = kept | endpointFlags(endpoint.healthStatus);
  }

  /** What the primary says; true: it is news. */
  setPrimaryFlags(flags: number): boolean {
    const next = (this.healthFlags & ~PRIMARY_FLAGS) | (flags & PRIMARY_FLAGS);
    if (next === this.healthFlags) return false;
    this.healthFlags = next;
    return true;
  }
}

/** Has the requests of hosts counted in one array, in their order: who compares many reads only it. */
export function countSideBySide(hosts: readonly Host[]): Int32Array {
  const cells = new Int32Array(hosts.length);
  hosts.forEach(({ stats }, index) => {
    stats.moveActive(cells, index);
  });
  return cells;
}
