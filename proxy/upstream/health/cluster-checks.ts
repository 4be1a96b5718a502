// One kind of checks of a cluster: follows its hosts as they come and go, keeps those that pass although
// they should go, and knows when each of the first ones had a result.
import { type SocketAddress, socketAddress } from '../../base/address.ts';
import type { H2Counters } from '../../http/h2/counters.ts';
import type { ClusterConfig, EndpointConfig } from '../../model/cluster.ts';
import { Http2CodecStats } from '../../stats/http2-codec-stats.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { endpointAddress, endpointOf } from '../host-update.ts';
import { connectOptions } from '../pool/connect-options.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import { ClusterTransports } from '../transport/cluster-transports.ts';
import { CheckStats } from './check-stats.ts';
import { type CheckBooks, type CheckEvent, CheckedHost, type Transition } from './checked-host.ts';
import type { CheckServices, CheckTarget } from './checker.ts';
import { HostCheck, type HostCheckOwner } from './host-check.ts';

/** Who acts on what checks find. */
export interface ClusterChecksOwner {
  /** Flags of a host (`ip:port`); null: it is not checked any more. */
  onFlags(cluster: ClusterChecks, address: string, flags: number | null): void;
  onEvent(cluster: ClusterChecks, host: CheckedHost, event: CheckEvent): void;
  /** A check of a host passed, and the host is not failed. */
  onHealthy(cluster: ClusterChecks, address: string): void;
  /** Once: each of the first hosts had a result. */
  onWarm(cluster: ClusterChecks): void;
  /** Its endpoints changed: they were set, or a host that was kept has failed. */
  onEndpoints(cluster: ClusterChecks): void;
}

/** What it is made with. */
export interface ClusterChecksParts {
  readonly config: ClusterConfig;
  readonly services: CheckServices;
  /** `cluster.<name>.` */
  readonly scope: StatsScope;
  readonly owner: ClusterChecksOwner;
  /** What was there before the configuration changed; null: nothing. It is stopped. */
  readonly before: ClusterChecks | null;
}

/** See the file's head. */
export class ClusterChecks implements HostCheckOwner, CheckBooks {
  readonly config: NonNullable<ClusterConfig['healthCheck']>;
  readonly cluster: ClusterConfig;
  readonly stats: CheckStats;
  readonly ignoresUnchecked: boolean;
  hadTraffic: boolean;
  readonly #parts: ClusterChecksParts;
  /** null: clear text. */
  readonly #transports: ClusterTransports;
  readonly #checks = new Map<string, HostCheck>();
  /** Hosts of the configuration before this, until the first endpoints have come. */
  #known: ReadonlyMap<string, CheckedHost>;
  #endpoints: readonly ResolvedEndpoint[] = [];
  /** Endpoints that should be gone, but whose hosts pass. */
  #kept: readonly ResolvedEndpoint[] = [];
  /** Checks without a result so far. */
  readonly #waiting = new Set<HostCheck>();
  #hasEndpoints = false;
  #isWarm = false;
  #http2: H2Counters | null = null;

  constructor(parts: ClusterChecksParts) {
    const { config, before, scope, services } = parts;
    if (config.healthCheck === null) throw new Error('the cluster has no health checks');
    this.#parts = parts;
    this.cluster = config;
    this.#transports = new ClusterTransports(config, services.tls, scope);
    this.config = config.healthCheck;
    this.stats = new CheckStats(scope, this.config.name);
    this.ignoresUnchecked = config.priorities.ignoresUncheckedHosts;
    this.hadTraffic = before?.hadTraffic ?? false;
    this.#known = before === null ? new Map() : before.hosts();
  }

  /** Each of the first hosts had a result. */
  get isWarm(): boolean {
    return this.#isWarm;
  }

  /** All hosts now, those that are kept included; null: they were not found yet. */
  get endpoints(): readonly ResolvedEndpoint[] | null {
    return this.#hasEndpoints ? [...this.#endpoints, ...this.#kept] : null;
  }

  /** What is known of hosts, by address. */
  hosts(): ReadonlyMap<string, CheckedHost> {
    return new Map([...this.#checks].map(([address, { host }]) => [address, host]));
  }

  /** Flags of one of them; null: it is not checked. */
  flagsOf(address: string): number | null {
    return this.#checks.get(address)?.host.flags ?? null;
  }

  /** The cluster's hosts are these. */
  setEndpoints(endpoints: readonly ResolvedEndpoint[]): void {
    this.#hasEndpoints = true;
    const wanted = this.#checkedOf(endpoints);
    this.#moveLogicalHost(wanted);
    this.#kept = this.#keptOf(endpoints, wanted);
    this.#endpoints = endpoints;
    const kept = new Set(this.#kept.map((each) => this.#addressOf(each).text));
    for (const [address, check] of this.#checks) {
      if (wanted.has(address)) this.#setPendingRemoval(check, false);
      else if (kept.has(address)) this.#setPendingRemoval(check, true);
      else this.#remove(address, check);
    }
    const added = this.#addAll(wanted);
    this.#parts.owner.onEndpoints(this);
    for (const check of added) check.start();
    this.#tellIfWarm();
  }

  /** A host said in a response that it fails its checks. */
  failNow(address: string): void {
    this.#checks.get(address)?.failNow();
  }

  /** A host that was kept fails now; harmless for others. */
  letGo(address: string): void {
    const left = this.#kept.filter((each) => this.#addressOf(each).text !== address);
    const check = this.#checks.get(address);
    if (left.length === this.#kept.length || check === undefined) return;
    this.#kept = left;
    this.#remove(address, check);
    this.#parts.owner.onEndpoints(this);
  }

  /** Ends all checks; flags stay as they are. */
  stop(): void {
    for (const { host } of this.#checks.values()) host.leave();
    for (const check of this.#checks.values()) check.stop();
    this.#transports.close();
    this.#parts.scope.release();
  }

  onResult(check: HostCheck, transition: Transition, hasPassed: boolean): void {
    const { owner } = this.#parts;
    const { host } = check;
    const address = host.address.text;
    owner.onFlags(this, address, host.flags);
    if (this.#waiting.delete(check)) this.#tellIfWarm();
    if (hasPassed && host.isHealthy) owner.onHealthy(this, address);
    if (transition === 'changed' && !host.isHealthy) this.letGo(address);
  }

  onEvent(host: CheckedHost, event: CheckEvent): void {
    this.#parts.owner.onEvent(this, host, event);
  }

  #addAll(wanted: ReadonlyMap<string, ResolvedEndpoint>): readonly HostCheck[] {
    const known = this.#known;
    this.#known = new Map();
    const added: HostCheck[] = [];
    for (const [address, endpoint] of wanted) {
      if (this.#checks.has(address)) continue;
      added.push(this.#add(endpoint, known.get(address) ?? null));
    }
    for (const address of known.keys()) {
      if (!wanted.has(address)) this.#parts.owner.onFlags(this, address, null);
    }
    return added;
  }

  #add(endpoint: ResolvedEndpoint, known: CheckedHost | null): HostCheck {
    const address = this.#addressOf(endpoint);
    const place = { address, endpoint: this.#configOf(endpoint) };
    const host = new CheckedHost(place, this, known);
    const check = new HostCheck(host, this.#targetOf(endpoint, address), this);
    this.#checks.set(address.text, check);
    if (host.isUnchecked) this.#waiting.add(check);
    this.#parts.owner.onFlags(this, address.text, host.flags);
    return check;
  }

  #remove(address: string, check: HostCheck): void {
    this.#checks.delete(address);
    check.stop();
    check.host.leave();
    this.#waiting.delete(check);
    this.#parts.owner.onFlags(this, address, null);
  }

  #setPendingRemoval(check: HostCheck, isPending: boolean): void {
    check.host.setPendingRemoval(isPending);
    this.#parts.owner.onFlags(this, check.address.text, check.host.flags);
  }

  /** Endpoints that are checked, by address: the first of each. */
  #checkedOf(endpoints: readonly ResolvedEndpoint[]): Map<string, ResolvedEndpoint> {
    const wanted = new Map<string, ResolvedEndpoint>();
    for (const endpoint of endpoints) {
      const { text } = this.#addressOf(endpoint);
      if (this.#configOf(endpoint).check.isDisabled || wanted.has(text)) continue;
      wanted.set(text, endpoint);
    }
    return wanted;
  }

  /** As Envoy, only what names are resolved to is kept: a configuration means what it says. */
  #keptOf(
    endpoints: readonly ResolvedEndpoint[],
    wanted: ReadonlyMap<string, ResolvedEndpoint>,
  ): readonly ResolvedEndpoint[] {
    const { discovery, ignoresHealthOnRemoval } = this.cluster;
    if (discovery !== 'strict-dns' || ignoresHealthOnRemoval) return [];
    const present = new Set(endpoints.map((each) => this.#addressOf(each).text));
    return [...this.#endpoints, ...this.#kept].filter((each) => {
      const { text } = this.#addressOf(each);
      if (present.has(text) || wanted.has(text)) return false;
      return this.#checks.get(text)?.host.isHealthy === true;
    });
  }

  /** A LOGICAL_DNS cluster has one host, whose address changes: what is known of it stays. */
  #moveLogicalHost(wanted: ReadonlyMap<string, ResolvedEndpoint>): void {
    if (this.cluster.discovery !== 'logical-dns') return;
    const [present] = this.#checks;
    const [next] = wanted.keys();
    if (present === undefined || next === undefined || present[0] === next) return;
    const [address, check] = present;
    this.#known = new Map([[next, check.host]]);
    this.#remove(address, check);
  }

  #targetOf(resolved: ResolvedEndpoint, hostAddress: SocketAddress): CheckTarget {
    const { services } = this.#parts;
    const { cluster } = this;
    const endpoint = this.#configOf(resolved);
    const address = checkAddress(endpoint, hostAddress);
    const criteria = this.config.transportCriteria ?? null;
    return {
      ...{ services, cluster, endpoint, hostAddress },
      address,
      connectOptions: connectOptions(cluster, address),
      transport:
        criteria === null ? this.#transports.of(endpoint) : this.#transports.ofLabels(criteria),
      stats: this.stats,
      http2Counters: () => this.#http2Counters(),
    };
  }

  #http2Counters(): H2Counters {
    this.#http2 ??= new Http2CodecStats(this.#parts.scope);
    return this.#http2;
  }

  #configOf(resolved: ResolvedEndpoint): EndpointConfig {
    return endpointOf(this.cluster, resolved) as EndpointConfig;
  }

  #addressOf(endpoint: ResolvedEndpoint): SocketAddress {
    return endpointAddress(endpoint, this.#configOf(endpoint));
  }

  #tellIfWarm(): void {
    if (this.#isWarm || !this.#hasEndpoints || this.#waiting.size > 0) return;
    this.#isWarm = true;
    this.#parts.owner.onWarm(this);
  }
}

function checkAddress({ check }: EndpointConfig, hostAddress: SocketAddress): SocketAddress {
  const address = check.address ?? hostAddress;
  return check.port === 0 ? address : socketAddress(address.ip, check.port);
}
