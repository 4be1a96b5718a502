// The HTTP/1.1 connections of one worker to one host. Idle ones are used most recently used first,
// so that surplus ones age out; waiting requests are served first come, first served, by whichever
// connection is free first.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { OwnedPool, PoolOwner, StreamWaiter } from '../conn-pool.ts';
import type { Host } from '../host.ts';
import type { ClusterResources } from '../upstream-context.ts';
import { type ConnectFailure, GIVEN_UP } from './connect-failure.ts';
import { H1Connection, type H1ConnectionOwner, type H1ConnectionState } from './h1-connection.ts';
import { PendingQueue } from './pending-queue.ts';

/** See ConnectionPool. Bounded by its cluster's circuit breakers. */
export class H1Pool implements OwnedPool, H1ConnectionOwner {
  readonly resources: ClusterResources;
  readonly host: Host;
  readonly #owner: PoolOwner;
  readonly #connections = new Set<H1Connection>();
  /** Ready connections, the one used last at the end. */
  readonly #idle: H1Connection[] = [];
  readonly #pending = new PendingQueue();
  #connectingCount = 0;
  #isDraining = false;
  #isDrained = false;
  /** `closeUnneeded` is running: each connection that it closes calls it again. */
  #isSweeping = false;

  constructor(resources: ClusterResources, host: Host, owner: PoolOwner) {
    this.resources = resources;
    this.host = host;
    this.#owner = owner;
  }

  acquire(waiter: StreamWaiter): void {
    if (this.#idle.length > 0) {
      this.#startOnIdle(waiter);
      return;
    }
    const { breakers, stats } = this.resources;
    if (!breakers.pendingRequests.canAcquire()) {
      stats.rqPendingOverflow.inc();
      waiter.onPoolFailure('overflow', '');
      return;
    }
    breakers.pendingRequests.acquire();
    stats.rqPendingTotal.inc();
    stats.rqPendingActive.inc();
    this.#pending.push(waiter);
    this.#connectIfNeeded();
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

  bufferedBytes(): number {
    let sum = 0;
    for (const connection of this.#connections) sum += connection.bufferedBytes;
    return sum;
  }

  onConnectionOpen(): void {
    this.#connectingCount -= 1;
  }

  onConnectionReady(connection: H1Connection): void {
    this.#idle.push(connection);
    if (this.#pending.size > 0) this.#servePending();
    if (this.#isDraining) this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  onConnectionClosed(connection: H1Connection, was: H1ConnectionState): void {
    this.#connections.delete(connection);
    if (was === 'connecting') this.#connectingCount -= 1;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (INVARIANTS) this.checkInvariants();
  }

  onConnectionSettled(failure: ConnectFailure | null): void {
    // A host that refuses one connection is not asked again for those who wait already: each of
    // them may be better off with another host.
    if (failure !== null) this.#failPending(failure);
    this.#connectIfNeeded();
    this.#closeUnneeded();
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const connections = [...this.#connections];
    const inState = (state: H1ConnectionState): number =>
      connections.filter((connection) => connection.state === state).length;
    const { breakers, stats } = this.resources;
    const idle = new Set(this.#idle);
    invariant(idle.size === this.#idle.length, 'h1 pool: a connection is idle once');
    for (const connection of idle) {
      const isOurs = this.#connections.has(connection) && connection.state === 'ready';
      invariant(isOurs, 'h1 pool: an idle connection is one of ours, and ready');
    }
    invariant(
      inState('connecting') === this.#connectingCount,
      'h1 pool: connecting ones are counted',
    );
    invariant(inState('closed') === 0, 'h1 pool: it forgets who is closed');
    const { cxActive, rqActive } = this.host.stats;
    invariant(cxActive === connections.length, 'h1 pool: its host counts its connections');
    invariant(rqActive === inState('busy'), 'h1 pool: its host counts its requests');
    const queued = breakers.pendingRequests.taken;
    invariant(queued >= this.#pending.size, 'h1 pool: the breaker knows who is queued');
    invariant(stats.rqPendingActive.value >= queued, 'h1 pool: the gauge knows who is queued');
    const isOver = connections.length === 0 && this.#pending.size === 0;
    invariant(!this.#isDrained || isOver, 'h1 pool: a drained one has nothing left');
  }

  #servePending(): void {
    while (this.#idle.length > 0) {
      const waiter = this.#pending.shift();
      if (waiter === null) return;
      this.#releasePending();
      this.#startOnIdle(waiter);
    }
  }

  #startOnIdle(waiter: StreamWaiter): void {
    const { breakers, stats } = this.resources;
    if (!breakers.requests.canAcquire()) {
      stats.rqPendingOverflow.inc();
      waiter.onPoolFailure('overflow', '');
      return;
    }
    (this.#idle.pop() as H1Connection).start(waiter);
  }

  #connectIfNeeded(): void {
    if (this.#pending.size <= this.#connectingCount) return;
    const { breakers, stats } = this.resources;
    if (!breakers.connections.canAcquire()) {
      stats.cxOverflow.inc();
      // With none at all nobody would ever come to serve the queue: one is opened past the limit.
      if (this.#connections.size > 0) return;
    }
    this.#connectingCount += 1;
    this.#connections.add(new H1Connection(this));
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

  #failPending(failure: ConnectFailure): void {
    const waiters: StreamWaiter[] = [];
    for (let waiter = this.#pending.shift(); waiter !== null; waiter = this.#pending.shift()) {
      this.#releasePending();
      this.resources.stats.rqPendingFailureEject.inc();
      waiters.push(waiter);
    }
    // Told from a list of its own: who asks again at once waits for the next connection.
    for (const waiter of waiters) waiter.onPoolFailure(failure.reason, failure.detail);
  }

  #releasePending(): void {
    this.resources.breakers.pendingRequests.release();
    this.resources.stats.rqPendingActive.dec();
  }
}
