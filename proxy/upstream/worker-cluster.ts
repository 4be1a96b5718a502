// One cluster of a worker: its hosts, its balancer, and the pools of its hosts. A changed
// configuration makes a new cluster beside this one; only endpoints change in place.
import { isDeepStrictEqual } from 'node:util';
import type { Protocol } from '../http/message.ts';
import type { ClusterConfig, EndpointPolicy } from '../model/cluster.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { CheckReporter } from './check-reporter.ts';
import {
  CircuitBreakers,
  type PriorityBreakers,
  type RoutingPriority,
} from './circuit-breakers.ts';
import type { Cluster, LoadBalancerContext } from './cluster-manager.ts';
import { ClusterPolicies } from './cluster-policies.ts';
import { ClusterPools, type ClusterPoolsOwner } from './cluster-pools.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { ConnectionPool } from './conn-pool.ts';
import type { DnsCaches } from './dns/dns-caches.ts';
import { withPolicy } from './endpoint-policy.ts';
import type { Host } from './host.ts';
import { healthOf } from './host-health.ts';
import { HostLimits } from './host-limits.ts';
import { HostSet } from './host-set.ts';
import { staticEndpoints, updateHosts } from './host-update.ts';
import { HostWatch, usableFlags } from './host-watch.ts';
import { LazyClusterStats } from './lazy-cluster-stats.ts';
import { AggregateBalancer } from './lb/aggregate-balancer.ts';
import { BalancerInUse, type BalancerMaker, isMadeInNoTime } from './lb/balancer-in-use.ts';
import type { LoadBalancer, OwnPlace } from './lb/load-balancer.ts';
import { LoadBalancerStats } from './lb/load-balancer-stats.ts';
import { LookaheadBalancer } from './lb/lookahead-balancer.ts';
import { makeBalancer } from './lb/make-balancer.ts';
import { overrideHostOf } from './lb/override-host.ts';
import { isPredictable } from './lb/registry.ts';
import { makeOwnHosts } from './make-own-hosts.ts';
import { MembershipStats } from './membership-stats.ts';
import type { OwnHosts, OwnHostsOwner } from './own-hosts.ts';
import { ReportedMetrics } from './reported-metrics.ts';
import type { ResolvedEndpoint } from './resolved-endpoint.ts';
import { ClusterTransports } from './transport/cluster-transports.ts';
import type { ClusterResources, UpstreamContext } from './upstream-context.ts';

/** Hears about the end of a drained cluster. */
export interface WorkerClusterOwner {
  /** Once: the cluster was drained and no connection or request of it is left. */
  onClusterDrained(cluster: WorkerCluster): void;
  /** What the primary has said of the hosts of a cluster so far, by `ip:port`. */
  flagsOf(cluster: string): ReadonlyMap<string, number>;
  /** `cluster.`, which all of them count below. */
  readonly scope: StatsScope;
  /** Names that requests bring along. */
  readonly dnsCaches: DnsCaches;
  /** Where the proxy itself is. */
  readonly own: OwnPlace;
  /** The cluster of that name that is in use; null: there is none. */
  get(name: string): WorkerCluster | null;
}

/** What a cluster's pools share; its statistics are made for the first one of them. */
class Resources implements ClusterResources {
  readonly config: ClusterConfig;
  readonly context: UpstreamContext;
  readonly breakers: CircuitBreakers;
  readonly transports: ClusterTransports;
  readonly #stats: LazyClusterStats;

  constructor(parts: Omit<ClusterResources, 'stats'> & { readonly stats: LazyClusterStats }) {
    this.config = parts.config;
    this.context = parts.context;
    this.breakers = parts.breakers;
    this.transports = parts.transports;
    this.#stats = parts.stats;
  }

  get stats(): ClusterStats {
    return this.#stats.get();
  }
}

/** See the file's head. */
export class WorkerCluster implements Cluster, ClusterPoolsOwner, OwnHostsOwner, BalancerMaker {
  /** With what its endpoints' source says of them all. */
  config: ClusterConfig;
  /** As it was configured. */
  readonly written: ClusterConfig;
  readonly membership: MembershipStats;
  readonly policies: ClusterPolicies | null;
  droppedRequests = 0;
  readonly #resources: ClusterResources;
  readonly #owner: WorkerClusterOwner;
  readonly #scope: StatsScope;
  readonly #stats: LazyClusterStats;
  readonly #lbStats: LoadBalancerStats;
  readonly #pools: ClusterPools;
  readonly #hostLimits: HostLimits;
  readonly #hostWatch: HostWatch;
  /** Of an ORIGINAL_DST cluster or a dynamic forward proxy; null for the others. */
  readonly #destinations: OwnHosts | null;
  /** Of a cluster made of others; null for the others. */
  readonly #aggregate: AggregateBalancer<WorkerCluster> | null;
  #hostSet: HostSet;
  readonly #ownBalancer = new BalancerInUse(this);
  readonly #balancer: LoadBalancer;
  #isDraining = false;
  #isDrained = false;

  constructor(config: ClusterConfig, context: UpstreamContext, owner: WorkerClusterOwner) {
    this.config = config;
    this.written = config;
    this.#owner = owner;
    this.#scope = owner.scope.scope(config.observabilityName);
    this.#stats = new LazyClusterStats(this.#scope);
    this.membership = new MembershipStats(this.#scope);
    this.#lbStats = new LoadBalancerStats(this.#scope);
    this.policies = ClusterPolicies.of(config);
    const { name } = config;
    const breakers = new CircuitBreakers(config, {
      name,
      scope: this.#scope,
      cells: context.cells,
    });
    this.#hostLimits = new HostLimits(config, context.cells);
    const { cells, streaks, healthReports: reports } = context;
    const isChecked = config.healthCheck !== null && reports !== null;
    const checks = isChecked ? new CheckReporter(name, reports) : null;
    const flags = () => owner.flagsOf(name);
    this.#hostWatch = new HostWatch({ config, cells, streaks, checks, flags });
    const transports = new ClusterTransports(config, context.tls, this.#scope);
    this.#resources = new Resources({ config, context, stats: this.#stats, breakers, transports });
    this.#pools = new ClusterPools(this.#resources, this.#hostLimits, this);
    this.#hostSet = new HostSet([]);
    this.#destinations = makeOwnHosts(config, {
      ...{ context, dnsCaches: owner.dnsCaches, owner: this },
    });
    this.#aggregate = this.#makeAggregate();
    this.#balancer = this.#destinations ?? this.#aggregate ?? this.#ownBalancer;
    this.#balanceAnew();
    if (config.discovery === 'static') this.setEndpoints(staticEndpoints(config));
  }

  get stats(): ClusterStats {
    return this.#stats.get();
  }

  /** Hosts as of now. */
  get hostSet(): HostSet {
    // Only who looks from outside needs them sorted: destinations come and go with connections.
    return this.#destinations === null ? this.#hostSet : new HostSet(this.#destinations.hosts());
  }

  peekHost(context: LoadBalancerContext): Host | null {
    if (this.#balancer !== this.#ownBalancer) return null;
    const balancer = this.#ownBalancer.current();
    return balancer instanceof LookaheadBalancer ? balancer.peek(context) : null;
  }

  pickHost(context: LoadBalancerContext): Host | null {
    const wanted = context.overrideHost ?? null;
    if (wanted !== null) {
      const host = overrideHostOf(this.#hostSet, wanted, this.config.overrideHostHealth);
      if (host !== null || wanted.isStrict) return host;
    }
    return this.#balancer.pick(context);
  }

  /** The same for a cluster that this one is a member of. */
  pickMember(context: LoadBalancerContext): Host | null {
    return this.#balancer.pick(context);
  }

  mayConnect(): boolean {
    return this.#resources.breakers.default.connections.canAcquire();
  }

  breakers(priority: RoutingPriority): PriorityBreakers {
    return this.#resources.breakers.of(priority);
  }

  httpPool(
    host: Host,
    downstream: Protocol,
    request: LoadBalancerContext | null = null,
  ): ConnectionPool | null {
    const member = this.#aggregate?.memberOf(host) ?? null;
    if (member !== null) return member.httpPool(host, downstream, request);
    return this.#pools.http(host, downstream, request);
  }

  tunnelPool(host: Host, request: LoadBalancerContext | null = null): ConnectionPool {
    const member = this.#aggregate?.memberOf(host) ?? null;
    if (member !== null) return member.tunnelPool(host, request);
    return this.#pools.tunnel(host, request);
  }

  /** Takes over what was found; hosts that are no longer among it drain. False: the same hosts. */
  setEndpoints(endpoints: readonly ResolvedEndpoint[]): boolean {
    const before = this.#hostSet.hosts;
    const update = updateHosts(this.config, before, endpoints);
    const { added } = update;
    this.#countReports(added);
    this.#hostWatch.follow(update.hosts, added);
    // With none gone and as many as before they are the same: the balancer's turn goes on.
    const isSame = update.removed.length === 0 && update.hosts.length === before.length;
    if (isSame && !update.isRevised) return false;
    this.#resources.transports.count(added.map(({ endpoint }) => endpoint));
    this.#startHealthy(added);
    this.#hostSet = this.#snapshot(update.hosts);
    this.#balanceAnew();
    this.#hostLimits.follow(update.hosts);
    this.membership.countMembers(this.#hostSet, added.length + update.removed.length > 0);
    if (isToldAgain(this.config)) this.membership.countMaxWeight(this.#hostSet);
    for (const host of update.removed) this.#removeHost(host);
    if (this.config.pools.closesOnHostSetChange) this.#pools.refresh();
    return true;
  }

  /** What the source of its endpoints says of them all. */
  setPolicy(policy: EndpointPolicy): void {
    const config = withPolicy(this.written, policy);
    if (config === this.config || isDeepStrictEqual(config, this.config)) return;
    this.config = config;
    this.#balanceAnew();
  }

  /** What the primary found of these hosts, by `ip:port`; those that are not named keep theirs. */
  setHostFlags(flags: ReadonlyMap<string, number>): void {
    const usable = usableFlags(this.config);
    const changed: Host[] = [];
    const recovered: Host[] = [];
    const failed: Host[] = [];
    for (const host of this.#hostSet.hosts) {
      const found = flags.get(host.address.text);
      const before = healthOf(host.healthFlags);
      if (found === undefined || !host.setPrimaryFlags(found & usable)) continue;
      changed.push(host);
      if (before !== 'healthy') recovered.push(host);
      if (before !== 'unhealthy' && healthOf(host.healthFlags) === 'unhealthy') failed.push(host);
    }
    if (changed.length === 0) return;
    this.#startHealthy(recovered);
    this.#hostSet = this.#snapshot(this.#hostSet.hosts);
    this.#balanceAnew();
    this.membership.countHealth(this.#hostSet);
    for (const host of failed) this.#pools.failHost(host);
  }

  /** The cluster was removed or replaced: requests in flight finish, idle connections close. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (const host of this.hostSet.hosts) this.#removeHost(host);
    this.#destinations?.close();
    this.#tellIfDrained();
  }

  /** Cuts every connection. */
  close(): void {
    this.#pools.close();
  }

  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges(): void {
    // Before anybody counts there is no pool.
    this.#stats.peek()?.cxTxBytesBuffered.set(this.#pools.bufferedBytes());
    this.#resources.breakers.refreshGauges();
  }

  /** Gives up its statistics; what is still counted afterwards is not shown. */
  release(): void {
    this.#resources.breakers.close();
    this.#resources.transports.close();
    this.#scope.release();
  }

  onHostsChanged(total: number, removed: readonly Host[]): void {
    this.membership.countDestinations(total);
    for (const host of removed) this.#removeHost(host);
  }

  onPoolsGone(): void {
    this.#tellIfDrained();
  }

  #countReports(hosts: readonly Host[]): void {
    const { reportedMetrics: names } = this.config;
    if (names === undefined) return;
    for (const host of hosts) host.reported = new ReportedMetrics(names);
  }

  #removeHost(host: Host): void {
    host.isRemoved = true;
    this.#hostLimits.forget(host);
    this.#hostWatch.forget(host);
    this.#pools.drainHost(host);
  }

  #makeAggregate(): AggregateBalancer<WorkerCluster> | null {
    const { memberClusters: names, priorities } = this.config;
    if (names === undefined) return null;
    const find = (name: string) => this.#owner.get(name);
    return new AggregateBalancer({
      ...{ names, find, priorities, random: this.#resources.context.random },
    });
  }

  #balanceAnew(): void {
    if (this.#balancer !== this.#ownBalancer) return;
    this.#ownBalancer.renew(!isMadeInNoTime(this.config.loadBalancer, this.#owner.own.isNamed));
  }

  makeBalancer(previous: LoadBalancer | null): LoadBalancer {
    const { clock, random, later } = this.#resources.context;
    const options = {
      config: this.config.loadBalancer,
      priorities: this.config.priorities,
      random,
      nowMs: () => clock.nowMs(),
      stats: this.#lbStats,
      own: this.#owner.own,
      ...(later !== undefined && { later }),
    };
    const made = makeBalancer(this.#hostSet, options, previous);
    const { pools, loadBalancer } = this.config;
    if (pools.predictiveRatio <= 1 || !isPredictable(loadBalancer)) return made;
    // As Envoy: one connection ahead for each healthy host.
    const healthy = this.#hostSet.priorities.reduce((sum, each) => sum + each.healthy.length, 0);
    return new LookaheadBalancer(made, healthy);
  }

  #snapshot(hosts: readonly Host[]): HostSet {
    return new HostSet(hosts, this.config.priorities.ignoresUncheckedHosts);
  }

  /** From now on they count as healthy, which slow start goes by. */
  #startHealthy(hosts: readonly Host[]): void {
    const nowMs = this.#resources.context.clock.nowMs();
    for (const host of hosts) host.healthySinceMs = nowMs;
  }

  #tellIfDrained(): void {
    if (!this.#isDraining || this.#isDrained || this.#pools.size > 0) return;
    this.#isDrained = true;
    this.#owner.onClusterDrained(this);
  }
}

/** Its hosts are looked up, or told by a server, again and again. */
function isToldAgain({ discovery }: ClusterConfig): boolean {
  return discovery === 'strict-dns' || discovery === 'eds';
}
