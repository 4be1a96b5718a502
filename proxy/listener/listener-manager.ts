// The listeners of a worker: adds, replaces and removes them without refusing a connection.
import { isInternalAddress, type SocketAddress } from '../base/address.ts';
import type { DownstreamConnection, WorkerServices } from '../filters/network-filter.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { EventLoop } from '../net/event-loop.ts';
import type { InternalAcceptor } from '../net/internal-connector.ts';
import type { SocketSource } from '../net/socket-source.ts';
import type { Counter, Gauge } from '../stats/metrics.ts';
import { ActiveListener } from './active-listener.ts';
import { BoundAddress } from './bound-address.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import { type DrainSettings, ServerDrains } from './drain-sequence.ts';
import { keptChains } from './in-place-update.ts';
import { ListenersByAddress } from './listeners-by-address.ts';
import { type Retirement, Retirements } from './retirement.ts';
import type { ProcessHealth } from './surroundings.ts';

/** A listener's addresses as bound, for the admin interface and the primary. */
export interface ListenerState {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Why an address could not be bound, '' if all were. */
  readonly error: string;
}

interface Entry {
  readonly active: ActiveListener;
  readonly bound: BoundAddress[];
  error: string;
}

/** What the manager is made with. */
export interface ListenerManagerOptions {
  readonly loop: EventLoop;
  readonly services: WorkerServices;
  readonly budget: ConnectionBudget;
  readonly health: ProcessHealth;
  /** From 0. */
  readonly workerIndex: number;
  /** How connections of a replaced or removed listener end, and when at the latest. */
  readonly drain: DrainSettings;
  /** Where sockets come from that outlive this process; null: each binds its own. */
  readonly sockets: SocketSource | null;
  /** Where connections within the worker find its internal listeners. */
  readonly internal: Map<string, InternalAcceptor>;
}

/** One per worker. */
export class ListenerManager {
  readonly #options: ListenerManagerOptions;
  readonly #entries = new Map<string, Entry>();
  /** Replaced or removed, with connections that are still ending. */
  readonly #draining = new Set<ActiveListener>();
  /** Replaced in place, with connections of chains that are still the same. */
  readonly #kept = new Set<ActiveListener>();
  /** Drains that end by themselves, by what drains. */
  readonly #retirements: Retirements;
  readonly #drains: ServerDrains;
  /** Of the whole worker; null: it does not end. */
  #ownRetirement: Retirement | null = null;
  readonly #inPlaceUpdated: Counter;
  readonly #createSuccess: Counter;
  readonly #totalActive: Gauge;
  readonly #totalDraining: Gauge;
  readonly #chainsDraining: Gauge;
  readonly #workersStarted: Gauge;
  /** `server.total_connections`: of all workers together. */
  readonly #serverConnections: Gauge;
  #byAddress = new ListenersByAddress<ActiveListener>([]);
  #isStarted = false;
  /** Listeners that accept no more; those that come later do not begin to, as in Envoy. */
  #stopped: 'none' | 'inbound' | 'all' = 'none';
  /** Called when the last connection of all listeners is gone. */
  onEmpty: (() => void) | null = null;

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
    const { clock, random } = options.services;
    this.#retirements = new Retirements(options.loop, options.drain.timeMs);
    this.#drains = new ServerDrains({ settings: options.drain, clock, random });
    const scope = options.services.stats.scope('listener_manager');
    this.#createSuccess = scope.counter('listener_create_success');
    this.#totalActive = scope.gauge('total_listeners_active');
    this.#totalDraining = scope.gauge('total_listeners_draining');
    this.#workersStarted = scope.gauge('workers_started');
    this.#serverConnections = options.services.stats.gauge('server.total_connections');
    scope.gauge('workers_pinned');
    scope.gauge('total_listeners_warming');
    this.#chainsDraining = scope.gauge('total_filter_chains_draining');
    this.#inPlaceUpdated = scope.counter('listener_in_place_updated');
  }

  /** Connections of all listeners, draining ones included. */
  get connectionCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) count += entry.active.connectionCount;
    for (const listener of this.#former()) count += listener.connectionCount;
    return count;
  }

  /**
   * Adds a listener, or replaces the one of this name; resolves when it is bound (if started). One
   * that cannot be bound leaves everything as it was: its state says why.
   */
  async apply(config: ListenerConfig): Promise<ListenerState> {
    const previous = this.#entries.get(config.name) ?? null;
    const { services, budget, health, workerIndex } = this.#options;
    const findByAddress = (address: SocketAddress): ActiveListener | null =>
      this.#byAddress.find(address);
    const surroundings = { budget, health, drains: this.#drains, workerIndex, findByAddress };
    const active = new ActiveListener(config, services, surroundings);
    active.onEmpty = () => this.#onListenerEmpty(active);
    const entry: Entry = { active, bound: [], error: '' };
    this.#entries.set(config.name, entry);
    this.#onEntriesChanged();
    if (this.#isStarted) await this.#bind(entry, previous);
    const state = this.#stateOf(config.name, entry);
    if (entry.error !== '') this.#giveUp(entry, previous);
    else if (previous !== null) this.#supersede(entry, previous);
    return state;
  }

  /** Back to the listener that served before, if there was one. */
  #giveUp(entry: Entry, previous: Entry | null): void {
    const { name } = entry.active.config;
    for (const bound of entry.bound) {
      if (previous?.bound.includes(bound) === true) bound.serveBy(previous.active);
      else bound.close();
    }
    if (previous === null) this.#entries.delete(name);
    else this.#entries.set(name, previous);
    entry.active.dispose();
    this.#onEntriesChanged();
  }

  #onEntriesChanged(): void {
    this.#totalActive.set(this.#entries.size);
    const listeners = [...this.#entries.values()].map(({ active }) => active);
    this.#byAddress = new ListenersByAddress(listeners);
  }

  #supersede(entry: Entry, previous: Entry): void {
    for (const bound of previous.bound) if (!entry.bound.includes(bound)) bound.close();
    this.#forgetInternal(previous.active);
    const chains = this.#isStarted ? keptChains(previous.active.config, entry.active.config) : null;
    if (chains === null) {
      this.#retire(previous);
      return;
    }
    this.#inPlaceUpdated.inc();
    this.#kept.add(previous.active);
    for (const listener of this.#keptOf(previous)) {
      this.#retirements.plan(listener, listener.drainAllBut(chains));
      if (listener.connectionCount === 0) this.#onListenerEmpty(listener);
    }
  }

  /** Those before it of which some connections go on, and itself when it is one of them. */
  #keptOf({ active }: Entry): readonly ActiveListener[] {
    return [...this.#kept].filter(({ config }) => config.name === active.config.name);
  }

  /** Removes a listener; its connections end politely. */
  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#onEntriesChanged();
    for (const bound of entry.bound) bound.close();
    this.#forgetInternal(entry.active);
    this.#retire(entry);
  }

  /** Binds everything that was applied so far. */
  async start(): Promise<readonly ListenerState[]> {
    this.#isStarted = true;
    await Promise.all([...this.#entries.values()].map((entry) => this.#bind(entry, null)));
    this.#workersStarted.set(1);
    return this.states();
  }

  /**
   * Stops accepting and ends connections politely. Internal listeners go on: the last requests of
   * connections that are ending pass through them.
   */
  drain(lingerMs: number): void {
    this.stopAccepting(false);
    for (const { active } of this.#entries.values()) active.endIdle(null, lingerMs);
    for (const listener of this.#former()) listener.endIdle(null, lingerMs);
    if (this.connectionCount === 0) this.onEmpty?.();
  }

  /**
   * Stops accepting and ends connections over the drain time; those that are not idle then may go
   * on.
   */
  drainOverTime(): void {
    this.stopAccepting(false);
    this.#drains.begin(false);
    this.#ownRetirement = this.#retirements.begin({
      endIdle: (lingerMs) => this.drain(lingerMs),
      cut: () => undefined,
    });
    if (this.connectionCount === 0) this.onEmpty?.();
  }

  /** Connections end with a response sooner or later, new ones too; the sockets stay open. */
  beginDrain(inboundOnly: boolean): void {
    this.#drains.begin(inboundOnly);
  }

  /** Stops accepting; connections go on as if nothing had happened. */
  stopAccepting(inboundOnly: boolean): void {
    if (!inboundOnly) this.#stopped = 'all';
    else if (this.#stopped === 'none') this.#stopped = 'inbound';
    for (const entry of this.#matching(inboundOnly)) this.#closeSockets(entry);
  }

  /** Ends connections that carry nothing, of all listeners. */
  closeIdle(): void {
    this.#forEachConnection((connection) => connection.closeIfIdle());
  }

  /** Timeouts are scaled otherwise than before, of all listeners. */
  onTimeoutsScaled(): void {
    this.#forEachConnection((connection) => connection.onTimeoutsScaled?.());
  }

  /** Brings those gauges up to date that are not kept as things happen: before statistics are read. */
  refreshGauges(): void {
    this.#serverConnections.set(this.connectionCount);
    let draining = 0;
    for (const listener of this.#kept) draining += listener.drainingChainCount();
    this.#chainsDraining.set(draining);
    for (const entry of this.#entries.values()) entry.active.refreshGauges();
  }

  /** Closes everything now. */
  close(): void {
    for (const entry of this.#entries.values()) {
      this.#closeSockets(entry);
      this.#forgetInternal(entry.active);
      entry.active.closeConnections();
    }
    for (const listener of this.#former()) listener.closeConnections();
    this.#ownRetirement?.cancel();
  }

  states(): readonly ListenerState[] {
    return [...this.#entries].map(([name, entry]) => this.#stateOf(name, entry));
  }

  #forEachConnection(act: (connection: DownstreamConnection) => void): void {
    for (const entry of this.#entries.values()) entry.active.forEachConnection(act);
    for (const listener of this.#former()) listener.forEachConnection(act);
  }

  /** Those that were replaced or removed, and still have connections. */
  #former(): readonly ActiveListener[] {
    return [...this.#draining, ...this.#kept];
  }

  #matching(inboundOnly: boolean): Entry[] {
    return [...this.#entries.values()].filter(
      (entry) => !inboundOnly || entry.active.config.trafficDirection === 'inbound',
    );
  }

  /** Binds addresses, taking over those that the previous version holds. */
  async #bind(entry: Entry, previous: Entry | null): Promise<void> {
    if (entry.active.config.isInternal) {
      this.#serveInternal(entry.active);
      return;
    }
    const { addresses, bindToPort } = entry.active.config;
    if (this.#isStopped(entry)) return;
    for (const address of bindToPort ? addresses : []) {
      const held = previous?.bound.find((bound) => bound.wanted.text === address.text) ?? null;
      if (held !== null) {
        held.serveBy(entry.active);
        entry.bound.push(held);
        continue;
      }
      const { loop, services } = this.#options;
      const bound = new BoundAddress(loop, services.log, { address, listener: entry.active });
      const error = await bound.listen(this.#options.sockets);
      if (error === '') entry.bound.push(bound);
      else entry.error = `cannot bind '${address.text}': ${error}`;
    }
    if (entry.error === '') this.#createSuccess.inc();
  }

  #isStopped({ active }: Entry): boolean {
    if (this.#stopped !== 'inbound') return this.#stopped === 'all';
    return active.config.trafficDirection === 'inbound';
  }

  #serveInternal(listener: ActiveListener): void {
    const [address] = listener.config.addresses;
    if (address === undefined || !isInternalAddress(address)) return;
    this.#options.internal.set(address.listenerName, listener);
    this.#createSuccess.inc();
  }

  /** A newer one that serves the name meanwhile stays. */
  #forgetInternal(listener: ActiveListener): void {
    for (const [name, current] of this.#options.internal) {
      if (current === listener) this.#options.internal.delete(name);
    }
  }

  #retire(entry: Entry): void {
    for (const listener of [entry.active, ...this.#keptOf(entry)]) {
      this.#kept.delete(listener);
      this.#draining.add(listener);
      this.#totalDraining.set(this.#draining.size);
      listener.beginDrain();
      this.#retirements.plan(listener, null);
      if (listener.connectionCount === 0) this.#onListenerEmpty(listener);
    }
  }

  #closeSockets(entry: Entry): void {
    for (const bound of entry.bound) bound.close();
    entry.bound.length = 0;
  }

  #onListenerEmpty(listener: ActiveListener): void {
    if (this.#kept.has(listener) || this.#draining.has(listener)) {
      this.#retirements.forget(listener);
    }
    if (this.#kept.delete(listener)) listener.dispose();
    if (this.#draining.delete(listener)) {
      this.#totalDraining.set(this.#draining.size);
      listener.dispose();
    }
    if (this.connectionCount === 0) this.onEmpty?.();
  }

  #stateOf(name: string, entry: Entry): ListenerState {
    const { config } = entry.active;
    const addresses = config.isInternal
      ? config.addresses.map(({ text }) => text)
      : entry.bound.map((bound) => (bound.bound ?? bound.wanted).text);
    return { name, addresses, error: entry.error };
  }
}
