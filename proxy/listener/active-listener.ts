// A listener at work: builds its filter chains once, gives each accepted connection to one, and
// knows the connections it answers for until they are gone.
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
import { DrainSequence } from './drain-sequence.ts';
import { FilterChainMatcher } from './filter-chain-matcher.ts';
import { ListenerLog, logFailedHandshake, logWithoutChain } from './listener-log.ts';
import { ListenerStats } from './listener-stats.ts';
import type { Adopter, ListenerSurroundings } from './surroundings.ts';
import { buildListenerFilters } from './told-listener-filters.ts';

/** A connection that has its filter. */
interface Tracked {
  readonly filter: DownstreamConnection;
  readonly candidate: Candidate;
  readonly chain: BuiltChain;
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
  readonly #drains: DrainSequence;
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
    this.#drains = new DrainSequence(surroundings.drains.parts);
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
    const { health, drains } = this.#surroundings;
    if (health.isFailed && this.config.drainType === 'default') return true;
    if (this.#drainLingerMs !== null) return true;
    return this.#drains.shouldClose() || drains.shouldClose(this.config);
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

  /** From now on more and more connections end with a response. */
  beginDrain(): void {
    this.#drains.begin();
  }

  /**
   * Connections of chains that are not among these end with their next response, those of the
   * others go on. Answers the chains that begin to drain by that.
   */
  drainAllBut(kept: ReadonlySet<string>): ReadonlySet<BuiltChain> {
    const ending = this.#chains.filter(
      ({ fingerprint, facts }) => !facts.isDraining && !kept.has(fingerprint),
    );
    for (const { facts } of ending) facts.isDraining = true;
    return new Set(ending);
  }

  /** Ends every connection politely, idle ones after `lingerMs`; null: those of all chains. */
  endIdle(chains: ReadonlySet<BuiltChain> | null, lingerMs: number): void {
    if (chains === null) this.#drainLingerMs = lingerMs;
    for (const { facts } of chains ?? []) facts.drainLingerMs = lingerMs;
    for (const { filter, chain } of this.#connections.values()) {
      if (chains?.has(chain) !== false) filter.drain(lingerMs);
    }
  }

  /** How many of its chains have nothing left but to end. */
  drainingChainCount(): number {
    const chains = [...this.#connections.values()].map(({ chain }) => chain);
    return new Set(chains.filter(({ facts }) => facts.isDraining)).size;
  }

  /** Of what is not counted as it happens. */
  refreshGauges(): void {
    for (const chain of this.#chains) chain.terminal?.refreshGauges?.();
  }

  /** Those that are there now, however many of them `act` ends. */
  forEachConnection(act: (connection: DownstreamConnection) => void): void {
    for (const { filter } of [...this.#connections.values()]) act(filter);
  }

  /** Cuts what is left; of these chains only, unless it is null. */
  closeConnections(chains: ReadonlySet<BuiltChain> | null = null): void {
    const candidates = chains === null ? [...this.#candidates.keys()] : [];
    for (const connection of candidates) connection.close('now');
    for (const [connection, { chain }] of [...this.#connections]) {
      if (chains?.has(chain) !== false) connection.close('now');
    }
  }

  /** use_original_dst: who serves the address that the client meant. */
  #handOff(candidate: Candidate): Adopter | null {
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
