// The connection pools of one cluster of a worker: who is served by which, and how many there are.
import type { Protocol } from '../http/message.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { RoutingPriority } from './circuit-breakers.ts';
import type { LoadBalancerContext } from './cluster-manager.ts';
import type { OwnedPool, PoolOwner } from './conn-pool.ts';
import { DownstreamPools } from './downstream-pools.ts';
import { type Host, HostPools } from './host.ts';
import type { HostLimit, HostLimits } from './host-limits.ts';
import type { ConnectionClaim } from './pool/connection-books.ts';
import { HttpPool } from './pool/http-pool.ts';
import { type HttpPoolProtocol, poolProtocol, poolSetup } from './pool/pool-setup.ts';
import { type HostPicks, PredictedConnects } from './predicted-connects.ts';
import type { RequestNames } from './transport/request-names.ts';
import type { ClusterResources, PoolSetup } from './upstream-context.ts';

type PoolProtocol = PoolSetup['protocol'];

/** The cluster. */
export interface ClusterPoolsOwner extends HostPicks {
  /** The last pool is gone. */
  onPoolsGone(): void;
}

/** Where a pool is kept, and whom it serves. */
interface HostSlot extends ConnectionClaim {
  readonly host: Host;
  readonly pools: HostPools;
  readonly priority: RoutingPriority;
}

/** What a pool gives back at its end. */
interface PoolPlace extends HostSlot {
  readonly hostLimit: HostLimit | null;
  readonly protocol: PoolProtocol;
}

/** See the file's head. */
export class ClusterPools implements PoolOwner {
  readonly #resources: ClusterResources;
  readonly #hostLimits: HostLimits;
  readonly #owner: ClusterPoolsOwner;
  readonly #places = new Map<OwnedPool, PoolPlace>();
  /** connection_pool_per_downstream_connection; null: pools serve all clients. */
  readonly #downstream: DownstreamPools | null;
  /** predictive_preconnect_ratio above 1; null: connections are made for requests that are there. */
  readonly #predicted: PredictedConnects | null;

  constructor(resources: ClusterResources, hostLimits: HostLimits, owner: ClusterPoolsOwner) {
    const { pools } = resources.config;
    this.#resources = resources;
    this.#hostLimits = hostLimits;
    this.#owner = owner;
    this.#downstream =
      pools.isPerDownstream || resources.transports.isPerClient ? new DownstreamPools() : null;
    this.#predicted =
      pools.predictiveRatio > 1
        ? new PredictedConnects(pools.predictiveRatio, {
            stats: resources.stats,
            pools: this,
            owner,
          })
        : null;
  }

  /** How many there are. */
  get size(): number {
    return this.#places.size;
  }

  /** See Cluster.httpPool. */
  http(host: Host, downstream: Protocol, request: LoadBalancerContext | null): OwnedPool | null {
    const protocol = poolProtocol(this.#resources.config.http.protocol, downstream);
    const pool = this.httpOf(host, protocol, request);
    if (this.#predicted !== null && request !== null && pool !== null) {
      this.#predicted.prepare(request, protocol);
    }
    return pool;
  }

  /** See Cluster.tunnelPool. */
  tunnel(host: Host, request: LoadBalancerContext | null): OwnedPool {
    const pool = this.tunnelOf(host, request);
    if (this.#predicted !== null && request !== null) this.#predicted.prepare(request, 'tunnel');
    return pool;
  }

  /** The pool of a host for that protocol; null, and counted: there may be no more. */
  httpOf(
    host: Host,
    protocol: HttpPoolProtocol,
    request: LoadBalancerContext | null,
  ): OwnedPool | null {
    const priority = request?.priority ?? 'default';
    const pools = this.#poolsOf(host, priority, request);
    const names = this.#namesOf(host, request);
    const own = names === null ? pools : pools.find(names.key);
    const pool = own?.[protocol] ?? null;
    if (pool !== null) return pool;
    if (!this.#takePool(pools, priority)) return null;
    return this.#make({ host, pools, priority, client: this.#clientOf(request), names }, protocol);
  }

  /** The same for plain TCP, whose pools are not limited. */
  tunnelOf(host: Host, request: LoadBalancerContext | null): OwnedPool {
    const priority = request?.priority ?? 'default';
    // Their connections serve one client each anyway, but not all of them are alike.
    const client = this.#clientOf(request);
    const pools = this.#poolsOf(host, priority, client === null ? null : request);
    const names = this.#namesOf(host, request);
    const own = names === null ? pools : pools.find(names.key);
    return own?.tunnel ?? this.#make({ host, pools, priority, client, names }, 'tunnel');
  }

  /** Streams that could begin at once, or once what connects is connected; counting ends at `most`. */
  spareStreams(most: number): number {
    let sum = 0;
    for (const pool of this.#places.keys()) {
      sum += pool.spareStreams();
      if (sum >= most) break;
    }
    return sum;
  }

  /** The host is gone. */
  drainHost(host: Host): void {
    for (const pool of this.#poolsAt(host)) pool.drain();
    this.#downstream?.forget(host);
  }

  /** As Envoy: connections for HTTP are renewed; what is relayed as it is, only where asked for. */
  failHost(host: Host): void {
    const { closesOnHealthFailure } = this.#resources.config;
    for (const pool of this.#poolsAt(host)) {
      if (this.#places.get(pool)?.protocol !== 'tunnel') pool.refresh();
      else if (closesOnHealthFailure) pool.close();
    }
  }

  /** Present connections end behind their requests. */
  refresh(): void {
    for (const pool of [...this.#places.keys()]) pool.refresh();
  }

  /** Cuts every connection. */
  close(): void {
    for (const pool of [...this.#places.keys()]) pool.close();
  }

  /** Octets that wait to leave. */
  bufferedBytes(): number {
    let sum = 0;
    for (const pool of this.#places.keys()) sum += pool.bufferedBytes();
    return sum;
  }

  onPoolIdle(pool: OwnedPool): void {
    // As Envoy, a pool without connections is none; where nobody counts them it waits for its next.
    const { priority = 'default', names = null } = this.#places.get(pool) ?? {};
    const isCounted = this.#resources.breakers.of(priority).pools.isLimited;
    if (isCounted || this.#downstream !== null || names !== null) pool.drain();
  }

  onPoolDrained(pool: OwnedPool): void {
    const place = this.#places.get(pool);
    this.#places.delete(pool);
    if (place !== undefined) this.#giveBack(pool, place);
    if (this.#places.size === 0) this.#owner.onPoolsGone();
  }

  #giveBack(pool: OwnedPool, { pools, names, priority, hostLimit, protocol }: PoolPlace): void {
    if (names === null) pools.forget(pool);
    else pools.forgetNamed(names.key, pool);
    if (protocol !== 'tunnel') this.#resources.breakers.of(priority).pools.release();
    if (hostLimit !== null) this.#hostLimits.release(hostLimit);
  }

  #poolsOf(host: Host, priority: RoutingPriority, request: LoadBalancerContext | null): HostPools {
    if (this.#downstream !== null && request !== null) {
      return this.#downstream.of(request.info.downstream, host, priority);
    }
    if (priority === 'default') return host.pools;
    host.highPools ??= new HostPools();
    return host.highPools;
  }

  /** Whom connections must be with; null: as the cluster says. Clear text has no use for protocols. */
  #namesOf({ endpoint }: Host, request: LoadBalancerContext | null): RequestNames | null {
    const names = request?.names ?? null;
    if (names === null || names.applicationProtocols.length === 0 || names.source !== null) {
      return names;
    }
    const isPlain = this.#resources.transports.of(endpoint) === null;
    return isPlain && names.serverName === '' && names.expectedName === '' ? null : names;
  }

  /** Who connections are told to be for; null: nobody, so that they may serve others too. */
  #clientOf(request: LoadBalancerContext | null): DownstreamConnectionInfo | null {
    const { isPerClient } = this.#resources.transports;
    return isPerClient ? (request?.info.downstream ?? null) : null;
  }

  #poolsAt(host: Host): readonly OwnedPool[] {
    if (this.#downstream === null) return host.allPools();
    return [...this.#places].filter(([, place]) => place.host === host).map(([pool]) => pool);
  }

  /** Counts one more HTTP pool; false: there may be no more. */
  #takePool(pools: HostPools, priority: RoutingPriority): boolean {
    const { pools: breaker } = this.#resources.breakers.of(priority);
    if (breaker.tryAcquire()) return true;
    // As Envoy: one of the host's own pools that nobody uses makes room.
    const unused = pools
      .all()
      .find((pool) => this.#places.get(pool)?.protocol !== 'tunnel' && !pool.hasRequests);
    if (unused !== undefined) {
      unused.close();
      if (breaker.tryAcquire()) return true;
    }
    this.#resources.stats.cxPoolOverflow.inc();
    return false;
  }

  #make(slot: HostSlot, protocol: PoolProtocol): OwnedPool {
    const { host, priority, client, names } = slot;
    const hostLimit = this.#hostLimits.hold(host);
    const breakers = this.#resources.breakers.of(priority);
    const claim = client === null && names === null ? null : { client, names };
    const place = { resources: this.#resources, host, owner: this, breakers, hostLimit, claim };
    const pool = new HttpPool(place, poolSetup(protocol, this.#resources));
    const pools = names === null ? slot.pools : slot.pools.named(names.key);
    pools[protocol] = pool;
    this.#places.set(pool, { ...slot, hostLimit, protocol });
    // A request that picked its host before the host went away.
    if (host.isRemoved) pool.drainWhenUsed();
    return pool;
  }
}
