// A listener at work: builds its filter chains once, gives each accepted connection to one, and
// knows the connections it answers for until they are gone.
import type { SocketAddress } from '../base/address.ts';
import type { ListenerFilter, ListenerFilterFactory } from '../filters/listener-filter.ts';
import type {
  DownstreamConnection,
  ListenerFacts,
  OverloadState,
  WorkerServices,
} from '../filters/network-filter.ts';
import { ServicesLoan } from '../filters/services-loan.ts';
import { tellDependants } from '../http/stream-info.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { AcceptedConnection } from '../net/acceptor.ts';
import type { Connection } from '../net/connection.ts';
import type { InternalAcceptor } from '../net/internal-connector.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { type BuiltChain, buildChain } from './built-chain.ts';
import { Candidate, type CandidateOwner } from './candidate.ts';
import { type ConnectionBudget, openListenerLimit } from './connection-budget.ts';
import { factsOf } from './connection-facts.ts';
import { describeConnection } from './describe-connection.ts';
import { FilterChainMatcher } from './filter-chain-matcher.ts';
import { ListenerLog, logFailedHandshake, logWithoutChain } from './listener-log.ts';
import { ListenerStats } from './listener-stats.ts';
import { buildListenerFilters } from './told-listener-filters.ts';

/** A connection that has its filter. */
interface Tracked {
  readonly filter: DownstreamConnection;
  readonly candidate: Candidate;
  readonly chain: BuiltChain;
}

/** What the process decides for all listeners. */
export interface ProcessHealth {
  /** `/healthcheck/fail` was called. */
  readonly isFailed: boolean;
  readonly overload: OverloadState;
}

/** What a listener shares with the others of its worker. */
export interface ListenerSurroundings {
  readonly budget: ConnectionBudget;
  readonly health: ProcessHealth;
  readonly workerIndex: number;
  /** Who serves connections to this address by hand-off; null: nobody else. */
  findByAddress(address: SocketAddress): ActiveListener | null;
}

/** Serves until it is drained; a changed configuration makes another one. */
export class ActiveListener implements ListenerFacts, CandidateOwner, InternalAcceptor {
  readonly config: ListenerConfig;
  readonly scope: StatsScope;
  readonly bufferLimitBytes: number;
  /** What is taken of them goes back when it serves no more. */
  readonly services: WorkerServices;
  readonly filtersTimeoutMs: number;
  readonly #loan: ServicesLoan;
  readonly #surroundings: ListenerSurroundings;
  readonly #stats: ListenerStats;
  readonly #filterFactories: readonly ListenerFilterFactory[];
  readonly #chains: readonly BuiltChain[];
  readonly #matcher: FilterChainMatcher<BuiltChain>;
  /** Without a chain yet. */
  readonly #candidates = new Map<Connection, Candidate>();
  readonly #connections = new Map<Connection, Tracked>();
  readonly #log: ListenerLog;
  /** null: it may have as many as all together. */
  readonly #limit: ConnectionBudget | null;
  readonly #onGone = (connection: Connection): void => this.#forget(connection);
  #isDraining = false;
  /** Time for idle connections to end by themselves; null: they need not. */
  #drainLingerMs: number | null = null;
  /** Called whenever the last connection is gone. */
  onEmpty: (() => void) | null = null;

  constructor(config: ListenerConfig, worker: WorkerServices, surroundings: ListenerSurroundings) {
    this.config = config;
    this.#loan = new ServicesLoan(worker);
    const { services } = this.#loan;
    this.services = services;
    this.scope = services.stats.scope(`listener.${config.statPrefix}`);
    this.bufferLimitBytes = config.perConnectionBufferLimitBytes;
    this.filtersTimeoutMs = config.listenerFiltersTimeoutMs;
    this.#surroundings = surroundings;
    this.#stats = new ListenerStats(this.scope, surroundings.workerIndex);
    this.#log = new ListenerLog(config.accessLogs, services);
    this.#limit = openListenerLimit(config, services.cells);
    this.#filterFactories = buildListenerFilters(config.listenerFilters, services, this.scope);
    const chains = config.filterChains.map((chain) => buildChain(chain, services, this));
    const { defaultFilterChain: last } = config;
    const fallback = last === null ? null : buildChain(last, services, this);
    this.#chains = fallback === null ? chains : [...chains, fallback];
    this.#matcher = new FilterChainMatcher(
      chains.map((chain, index) => ({ chain, match: config.filterChains[index]!.match })),
      fallback,
    );
  }

  get connectionCount(): number {
    return this.#connections.size + this.#candidates.size;
  }

  /** Envoy's drainClose decision for the next response. */
  shouldDrainClose(): boolean {
    const { isFailed } = this.#surroundings.health;
    return this.#isDraining || (isFailed && this.config.drainType === 'default');
  }

  isHealthCheckFailed(): boolean {
    return this.#surroundings.health.isFailed;
  }

  get overload(): OverloadState {
    return this.#surroundings.health.overload;
  }

  /** False, and counted, when a limit is reached. */
  mayAccept(): boolean {
    if (this.overload.refusesConnections) {
      this.#stats.cxOverloadReject.inc();
      return false;
    }
    if (!this.#surroundings.budget.hasRoom && !this.config.ignoreGlobalConnectionLimit) {
      this.#stats.globalCxOverflow.inc();
      return false;
    }
    if (this.#limit?.hasRoom === false) {
      this.#stats.cxOverflow.inc();
      return false;
    }
    return true;
  }

  /** Gives an accepted connection to its filter chain. */
  serve(accepted: AcceptedConnection): void {
    this.#stats.acceptedPerEvent.record(1);
    if (this.#takePlace()) this.#inspect(new Candidate(accepted, this));
    else accepted.connection.close('now');
  }

  /** Takes a connection from another listener, which counted it already. */
  adopt(candidate: Candidate): void {
    this.#surroundings.budget.take();
    this.#limit?.take();
    this.#inspect(candidate);
  }

  /** It serves no more, and its last connection is gone. */
  dispose(): void {
    for (const chain of this.#chains) chain.tls?.close();
    this.#loan.giveBack();
  }

  /** False, and counted: another worker took the last one since `mayAccept` was asked. */
  #takePlace(): boolean {
    const { budget } = this.#surroundings;
    if (this.config.ignoreGlobalConnectionLimit) {
      budget.take();
    } else if (!budget.tryTake()) {
      this.#stats.globalCxOverflow.inc();
      return false;
    }
    if (this.#limit === null || this.#limit.tryTake()) return true;
    budget.giveBack();
    this.#stats.cxOverflow.inc();
    return false;
  }

  #inspect(candidate: Candidate): void {
    this.#candidates.set(candidate.connection, candidate);
    this.#stats.preCxActive.set(this.#candidates.size);
    candidate.connection.onGone = this.#onGone;
    candidate.inspectFor(this);
  }

  makeFilters(): readonly ListenerFilter[] {
    return this.#filterFactories.map((factory) => factory.create());
  }

  onInspected(candidate: Candidate): void {
    const other = this.#handOff(candidate);
    if (other !== null) {
      this.#release(candidate);
      candidate.wasHandedOn = true;
      other.adopt(candidate);
      return;
    }
    const chain = this.#matcher.find(factsOf(candidate));
    if (chain === null || chain.terminal === null) {
      if (chain === null) this.#endWithoutChain(candidate);
      candidate.refuse();
      return;
    }
    // As Envoy: a connection counts from its chain on, whatever its filters think of it.
    this.#count(candidate);
    const info = describeConnection(candidate, this.config, chain);
    const gates = chain.gates.map((factory) => factory.createGate());
    candidate.passGates(info, gates, () => this.#onPassed(candidate, chain));
  }

  /** As Envoy: who is not let in costs no handshake; gates that ask who it is look after octets. */
  #onPassed(candidate: Candidate, chain: BuiltChain): void {
    if (chain.tls === null) {
      candidate.deliver(this.#admit(candidate, chain));
      return;
    }
    candidate.secure(chain.tls, chain.transportTimeoutMs, (tls) => {
      candidate.info.tls = tls;
      candidate.deliver(this.#admit(candidate, chain));
    });
  }

  onHandshakeTimeout(): void {
    this.#stats.cxTransportSocketConnectTimeout.inc();
  }

  onHandshakeFailed(candidate: Candidate): void {
    logFailedHandshake(this.services.log, this.config.name, candidate);
  }

  onFiltersTimeout(): boolean {
    this.#stats.preCxTimeout.inc();
    return !this.config.continueOnListenerFiltersTimeout;
  }

  onRefused(candidate: Candidate): void {
    this.#forget(candidate.connection);
  }

  onLost(): void {
    this.#stats.listenerFilterRemoteClose.inc();
  }

  /** Ends every connection politely; idle ones after `lingerMs`. */
  drain(lingerMs: number): void {
    this.#isDraining = true;
    this.#drainLingerMs = lingerMs;
    for (const tracked of this.#connections.values()) tracked.filter.drain(lingerMs);
  }

  /** The same for chains that are not among these; connections of the others go on. */
  drainAllBut(kept: ReadonlySet<string>, lingerMs: number): void {
    for (const { fingerprint, facts } of this.#chains) {
      if (!kept.has(fingerprint)) facts.drainLingerMs ??= lingerMs;
    }
    for (const { filter, chain } of this.#connections.values()) {
      if (chain.facts.drainLingerMs !== null) filter.drain(lingerMs);
    }
  }

  /** From now on every connection ends with its next response. */
  drainClose(): void {
    this.#isDraining = true;
  }

  /** Of what is not counted as it happens. */
  refreshGauges(): void {
    for (const chain of this.#chains) chain.terminal?.refreshGauges?.();
  }

  /** Those that are there now, however many of them `act` ends. */
  forEachConnection(act: (connection: DownstreamConnection) => void): void {
    for (const { filter } of [...this.#connections.values()]) act(filter);
  }

  /** Cuts what is left. */
  closeConnections(): void {
    for (const connection of [...this.#candidates.keys(), ...this.#connections.keys()])
      connection.close('now');
  }

  /** use_original_dst: who serves the address that the client meant. */
  #handOff(candidate: Candidate): ActiveListener | null {
    const mayHandOff = this.config.useOriginalDst && !candidate.wasHandedOn;
    if (!mayHandOff || !candidate.isLocalAddressRestored) return null;
    const other = this.#surroundings.findByAddress(candidate.localAddress);
    return other === this ? null : other;
  }

  #admit(candidate: Candidate, chain: BuiltChain): DownstreamConnection {
    const { connection } = candidate;
    this.#candidates.delete(connection);
    this.#stats.preCxActive.set(this.#candidates.size);
    const filter = (chain.terminal as NonNullable<BuiltChain['terminal']>).create(
      connection,
      candidate.info,
    );
    this.#connections.set(connection, { filter, candidate, chain });
    const lingerMs = this.#drainLingerMs ?? chain.facts.drainLingerMs;
    if (lingerMs !== null) filter.drain(lingerMs);
    return filter;
  }

  /** It has a filter chain. */
  #count(candidate: Candidate): void {
    candidate.countedMs = this.services.clock.nowMs();
    this.#stats.opened();
  }

  /** Another listener answers for it now. */
  #release(candidate: Candidate): void {
    this.#candidates.delete(candidate.connection);
    this.#stats.preCxActive.set(this.#candidates.size);
    this.#giveBackPlace();
  }

  #giveBackPlace(): void {
    this.#surroundings.budget.giveBack();
    this.#limit?.giveBack();
  }

  #endWithoutChain(candidate: Candidate): void {
    this.#stats.noFilterChainMatch.inc();
    logWithoutChain(this.services.log, this.config.name, { candidate, matcher: this.#matcher });
    this.#forget(candidate.connection, true);
  }

  #writeLog(
    candidate: Candidate,
    filter: DownstreamConnection | null,
    isWithoutChain: boolean,
  ): void {
    const info = candidate.hasInfo
      ? candidate.info
      : describeConnection(candidate, this.config, null);
    this.#log.write({ candidate, info, filter, isWithoutChain });
  }

  #forget(connection: Connection, isWithoutChain = false): void {
    const tracked = this.#connections.get(connection);
    const candidate = tracked?.candidate ?? this.#candidates.get(connection);
    if (candidate === undefined) return;
    candidate.closeGates();
    if (candidate.hasInfo) tellDependants(candidate.info);
    if (this.#log.isWanted) this.#writeLog(candidate, tracked?.filter ?? null, isWithoutChain);
    if (tracked === undefined) {
      this.#release(candidate);
    } else {
      this.#connections.delete(connection);
      this.#giveBackPlace();
    }
    const { isCounted, countedMs } = candidate;
    if (isCounted) this.#stats.closed(this.services.clock.nowMs() - countedMs);
    if (this.connectionCount === 0) this.onEmpty?.();
  }
}
