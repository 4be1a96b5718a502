// The connections of one worker to one host, of one protocol. The one that became ready last is
// used next, until it is full, so that surplus ones age out; waiting requests are served first
// come, first served, by whichever connection is free first.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { PriorityBreakers } from '../circuit-breakers.ts';
import type { OwnedPool, PoolOwner, StreamWaiter } from '../conn-pool.ts';
import type { Host } from '../host.ts';
import { healthOf } from '../host-health.ts';
import type { HostLimit } from '../host-limits.ts';
import type { ClusterResources, PoolSetup } from '../upstream-context.ts';
import { type ConnectFailure, GIVEN_UP } from './connect-failure.ts';
import type { ConnectionClaim, ConnectionPlace } from './connection-books.ts';
import type { ConnectionState } from './connection-state.ts';
import { PendingQueue } from './pending-queue.ts';
import { mostStreams } from './pool-setup.ts';
import { PooledConnection, type PooledConnectionOwner } from './pooled-connection.ts';

/** Connections begun at once for one reason, as in Envoy: a host is not to be overrun. */
const MAX_CONNECTS_AT_ONCE = 3;

/** There may be no more connections. */
const NO_PLACE: ConnectFailure = { reason: 'overflow', detail: '' };

/** What a pool belongs to. */
export interface HttpPoolPlace extends Omit<ConnectionPlace, 'setup'> {
  readonly owner: PoolOwner;
}

/** See ConnectionPool. Bounded by its cluster's circuit breakers. */
export class HttpPool implements OwnedPool, PooledConnectionOwner {
  readonly resources: ClusterResources;
  readonly host: Host;
  readonly setup: PoolSetup;
  readonly breakers: PriorityBreakers;
  readonly hostLimit: HostLimit | null;
  readonly claim: ConnectionClaim | null;
  readonly #owner: PoolOwner;
  readonly #connections = new Set<PooledConnection>();
  /** Those that can take a stream; the one that is used next at the end. */
  readonly #ready: PooledConnection[] = [];
  readonly #pending = new PendingQueue();
  /** Streams to be ready for, for each that there is; 1: those there are. */
  readonly #preconnectRatio: number;
  /** Streams that a new connection is expected to take. */
  #streamsPerConnection: number;
  /** Streams that those are expected to take that connect. */
  #connectingCapacity = 0;
  #isServing = false;
  #isDraining = false;
  #isDrained = false;
  /** `closeUnneeded` is running: each connection that it closes calls it again. */
  #isSweeping = false;

  constructor(place: HttpPoolPlace, setup: PoolSetup) {
    this.resources = place.resources;
    this.host = place.host;
    this.setup = setup;
    this.breakers = place.breakers;
    this.hostLimit = place.hostLimit;
    this.claim = place.claim ?? null;
    this.#owner = place.owner;
    this.#preconnectRatio = place.resources.config.pools.preconnectRatio;
    this.#streamsPerConnection = mostStreams(setup);
  }

  acquire(waiter: StreamWaiter): void {
    const connection = this.#nextReady();
    if (connection !== null) {
      this.#start(connection, waiter);
      if (this.#preconnectRatio > 1) this.#connectIfNeeded();
      return;
    }
    const { stats } = this.resources;
    if (!this.breakers.pendingRequests.tryAcquire()) {
      stats.rqPendingOverflow.inc();
      waiter.onPoolFailure('overflow', '');
      return;
    }
    stats.rqPendingTotal.inc();
    stats.rqPendingActive.inc();
    this.host.stats.rqPendingActive += 1;
    this.#pending.push(waiter);
    this.#connectIfNeeded();
    this.#failIfStuck();
    if (INVARIANTS) this.checkInvariants();
  }

  cancel(waiter: StreamWaiter): void {
    if (!this.#pending.remove(waiter)) return;
    this.#releasePending();
    this.resources.stats.rqCancelled.inc();
    this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  drain(): void {
    this.#isDraining = true;
    this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  refresh(): void {
    for (const connection of [...this.#connections]) connection.drain();
    if (INVARIANTS) this.checkInvariants();
  }

  preconnect(ratio: number): boolean {
    const isWanted = this.#mayPreconnect() ? this.#isShort(ratio, 1) : this.#hasUnserved();
    return isWanted && this.#openConnection();
  }

  spareStreams(): number {
    let spare = this.#connectingCapacity;
    for (const connection of this.#ready) spare += connection.freeStreams();
    return spare;
  }

  /** Drains from its first request on: its host was removed before the pool was made. */
  drainWhenUsed(): void {
    this.#isDraining = true;
  }

  close(): void {
    this.#isDraining = true;
    this.#failPending(GIVEN_UP);
    for (const connection of [...this.#connections]) connection.close();
    this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  get hasRequests(): boolean {
    if (this.#pending.size > 0) return true;
    for (const { openStreams } of this.#connections) if (openStreams > 0) return true;
    return false;
  }

  bufferedBytes(): number {
    let sum = 0;
    for (const connection of this.#connections) sum += connection.bufferedBytes;
    return sum;
  }

  onConnectionOpen(connection: PooledConnection): void {
    this.#connectingCapacity -= connection.expectedStreams;
  }

  onConnectionReady(connection: PooledConnection): void {
    this.#ready.push(connection);
    this.#servePending();
    if (this.#isDraining) this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  onConnectionUnready(connection: PooledConnection): void {
    // Nobody waits: while one was ready, it was used.
    this.#forgetReady(connection);
    if (INVARIANTS) this.checkInvariants();
  }

  onStreamLimit(limit: number): void {
    this.#streamsPerConnection = Math.max(1, Math.min(limit, mostStreams(this.setup)));
  }

  onConnectionClosed(connection: PooledConnection, was: ConnectionState): void {
    this.#connections.delete(connection);
    if (was === 'connecting') this.#connectingCapacity -= connection.expectedStreams;
    if (was === 'ready') this.#forgetReady(connection);
    if (INVARIANTS) this.checkInvariants();
  }

  onConnectionSettled(failure: ConnectFailure | null): void {
    // A host that refuses one connection is not asked again for those who wait already: each of
    // them may be better off with another host.
    if (failure !== null) this.#failPending(failure);
    if (this.#pending.size > 0) this.#connectIfNeeded();
    this.#failIfStuck();
    this.#closeUnneeded();
    const isIdle = this.#connections.size === 0 && this.#pending.size === 0;
    if (isIdle && !this.#isDraining) this.#owner.onPoolIdle(this);
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const connections = [...this.#connections];
    const inState = (state: ConnectionState): PooledConnection[] =>
      connections.filter((connection) => connection.state === state);
    const sum = (of: (connection: PooledConnection) => number): number =>
      connections.reduce((total, connection) => total + of(connection), 0);
    const { breakers } = this;
    const { stats } = this.resources;
    const ready = new Set(this.#ready);
    invariant(ready.size === this.#ready.length, 'http pool: a connection is ready once');
    const areOurs = inState('ready').filter((connection) => ready.has(connection));
    invariant(areOurs.length === ready.size, 'http pool: who is called ready is ours and is so');
    const capacity = sum(({ state, expectedStreams }) =>
      state === 'connecting' ? expectedStreams : 0,
    );
    invariant(capacity === this.#connectingCapacity, 'http pool: connecting ones are counted');
    invariant(inState('closed').length === 0, 'http pool: it forgets who is closed');
    const { cxActive, rqActive } = this.host.stats;
    invariant(cxActive >= connections.length, 'http pool: its host counts its connections');
    const open = sum(({ openStreams }) => openStreams);
    invariant(rqActive >= open, 'http pool: its host counts its requests');
    const queued = breakers.pendingRequests.taken;
    invariant(queued >= this.#pending.size, 'http pool: the breaker knows who is queued');
    const isCounted = stats.rqPendingActive.value >= this.#pending.size;
    invariant(isCounted, 'http pool: the gauge knows who is queued');
    const isOver = connections.length === 0 && this.#pending.size === 0;
    invariant(!this.#isDrained || isOver, 'http pool: a drained one has nothing left');
  }

  /** The connection that takes the next stream; null when none can. */
  #nextReady(): PooledConnection | null {
    const ready = this.#ready;
    while (ready.length > 0) {
      const connection = ready[ready.length - 1] as PooledConnection;
      if (connection.confirmReady()) return connection;
      ready.pop();
    }
    return null;
  }

  #forgetReady(connection: PooledConnection): void {
    const index = this.#ready.lastIndexOf(connection);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  /** Who waits for longest goes first; what is left when all are full needs more connections. */
  #servePending(): void {
    if (this.#isServing || this.#pending.size === 0) return;
    this.#isServing = true;
    while (this.#pending.size > 0) {
      const connection = this.#nextReady();
      if (connection === null) break;
      const waiter = this.#pending.shift() as StreamWaiter;
      this.#releasePending();
      this.#start(connection, waiter);
    }
    this.#isServing = false;
    if (this.#pending.size > 0) this.#connectIfNeeded();
  }

  /** `connection` is the last one of those that are ready. */
  #start(connection: PooledConnection, waiter: StreamWaiter): void {
    if (this.setup.protocol !== 'tunnel' && !this.breakers.requests.tryAcquire()) {
      this.resources.stats.rqActiveOverflow.inc();
      waiter.onPoolFailure('overflow', '');
      return;
    }
    const sender = connection.openStream(waiter);
    if (connection.state !== 'ready') this.#ready.pop();
    waiter.onPoolReady(sender, connection);
  }

  #connectIfNeeded(): void {
    for (let count = 0; count < MAX_CONNECTS_AT_ONCE; count += 1) {
      if (!this.#needsConnection() || !this.#openConnection()) return;
    }
  }

  #needsConnection(): boolean {
    if (this.#preconnectRatio <= 1 || !this.#mayPreconnect()) return this.#hasUnserved();
    return this.#isShort(this.#preconnectRatio, 0);
  }

  /** Requests wait for which no connection is on its way. */
  #hasUnserved(): boolean {
    return this.#pending.size > this.#connectingCapacity;
  }

  /** As Envoy, hosts that are not well get no connection that nobody needs. */
  #mayPreconnect(): boolean {
    return !this.#isDraining && healthOf(this.host.healthFlags) === 'healthy';
  }

  /** Envoy's ConnPoolImplBase::shouldConnect: `anticipated` streams are about to come. */
  #isShort(ratio: number, anticipated: number): boolean {
    let active = 0;
    for (const { openStreams } of this.#connections) active += openStreams;
    const streams = this.#pending.size + active + anticipated;
    return streams * ratio > this.spareStreams() + active;
  }

  /** False: the limit is reached; the only connection of an HTTP pool is opened past it. */
  #openConnection(): boolean {
    const isAllowed = this.#mayConnect();
    if (!isAllowed) {
      this.resources.stats.cxOverflow.inc();
      // With none at all nobody would ever come to serve the queue: one is opened past the limit.
      if (this.#connections.size > 0 || this.setup.protocol === 'tunnel') return false;
      this.hostLimit?.acquire();
      this.breakers.connections.acquire();
    }
    const connection = new PooledConnection(this, this.#streamsPerConnection);
    this.#connectingCapacity += connection.expectedStreams;
    this.#connections.add(connection);
    return isAllowed;
  }

  /** Takes a place for one connection, if there is one. */
  #mayConnect(): boolean {
    const { hostLimit, breakers } = this;
    if (hostLimit !== null && !hostLimit.tryAcquire(breakers.maxConnectionsPerHost)) return false;
    if (breakers.connections.tryAcquire()) return true;
    hostLimit?.release();
    return false;
  }

  /** In a pool that drains: closes what no request needs, and tells when nothing is left. */
  #closeUnneeded(): void {
    if (!this.#isDraining || this.#isSweeping || this.#pending.size > 0) return;
    this.#isSweeping = true;
    for (const connection of [...this.#connections]) connection.drain();
    this.#isSweeping = false;
    if (this.#connections.size > 0 || this.#isDrained) return;
    this.#isDrained = true;
    this.#owner.onPoolDrained(this);
  }

  /** Sessions of plain TCP do not outlive their connections: limits hold to the last one. */
  #failIfStuck(): void {
    if (this.#connections.size === 0 && this.#pending.size > 0) this.#failPending(NO_PLACE);
  }

  #failPending(failure: ConnectFailure): void {
    const waiters: StreamWaiter[] = [];
    for (let waiter = this.#pending.shift(); waiter !== null; waiter = this.#pending.shift()) {
      this.#releasePending();
      if (failure !== NO_PLACE) this.resources.stats.rqPendingFailureEject.inc();
      waiters.push(waiter);
    }
    // Told from a list of its own: who asks again at once waits for the next connection.
    for (const waiter of waiters) waiter.onPoolFailure(failure.reason, failure.detail);
  }

  #releasePending(): void {
    this.breakers.pendingRequests.release();
    this.resources.stats.rqPendingActive.dec();
    this.host.stats.rqPendingActive -= 1;
  }
}
