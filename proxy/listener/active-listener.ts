// A listener at work: builds its filter chains once, gives each accepted connection to one, and
// knows the connections it answers for until they are gone.

import type {
  DownstreamConnection,
  ListenerFacts,
  NetworkFilterDefinition,
  NetworkFilterFactory,
  OverloadState,
  WorkerServices,
} from '../filters/network-filter.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { ExtensionInstance } from '../model/extension.ts';
import type { FilterChainConfig, ListenerConfig } from '../model/listener.ts';
import type { Connection } from '../net/connection.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import { ListenerStats } from './listener-stats.ts';

/** A connection with its filter and the time at which it was accepted. */
interface Tracked {
  readonly filter: DownstreamConnection;
  readonly sinceMs: number;
}

/** What the process decides for all listeners. */
export interface ProcessHealth {
  /** `/healthcheck/fail` was called. */
  readonly isFailed: boolean;
  readonly overload: OverloadState;
}

/** Serves until it is drained; a changed configuration makes another one. */
export class ActiveListener implements ListenerFacts {
  readonly config: ListenerConfig;
  readonly scope: StatsScope;
  readonly bufferLimitBytes: number;
  readonly #services: WorkerServices;
  readonly #budget: ConnectionBudget;
  readonly #health: ProcessHealth;
  readonly #stats: ListenerStats;
  readonly #chain: FilterChainConfig | null;
  readonly #factory: NetworkFilterFactory | null;
  readonly #connections = new Map<Connection, Tracked>();
  readonly #onGone = (connection: Connection): void => this.#forget(connection);
  #isDraining = false;
  /** Called whenever the last connection is gone. */
  onEmpty: (() => void) | null = null;

  constructor(
    config: ListenerConfig,
    services: WorkerServices,
    shared: {
      readonly budget: ConnectionBudget;
      readonly health: ProcessHealth;
      readonly workerIndex: number;
    },
  ) {
    this.config = config;
    this.scope = services.stats.scope(`listener.${config.statPrefix}`);
    this.bufferLimitBytes = config.perConnectionBufferLimitBytes;
    this.#services = services;
    this.#budget = shared.budget;
    this.#health = shared.health;
    this.#stats = new ListenerStats(this.scope, shared.workerIndex);
    this.#chain = config.filterChains[0] ?? config.defaultFilterChain;
    this.#factory = this.#chain === null ? null : this.#build(this.#chain);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Envoy's drainClose decision for the next response. */
  shouldDrainClose(): boolean {
    if (this.#isDraining || this.overload !== 'none') return true;
    return this.#health.isFailed && this.config.drainType === 'default';
  }

  get overload(): OverloadState {
    return this.#health.overload;
  }

  /** False, and counted, when a limit is reached. */
  mayAccept(): boolean {
    if (this.overload === 'refusing') {
      this.#stats.cxOverloadReject.inc();
      return false;
    }
    if (this.#budget.isFull && !this.config.ignoreGlobalConnectionLimit) {
      this.#stats.globalCxOverflow.inc();
      return false;
    }
    const limit = this.config.connectionLimit;
    if (limit !== null && this.#connections.size >= limit) {
      this.#stats.cxOverflow.inc();
      return false;
    }
    return true;
  }

  /** Gives an accepted connection to its filter chain. */
  serve(connection: Connection, start: () => void): void {
    if (this.#factory === null) {
      this.#stats.noFilterChainMatch.inc();
      connection.close('now');
      return;
    }
    this.#stats.acceptedPerEvent.record(1);
    this.#stats.cxTotal.inc();
    this.#stats.cxActive.inc();
    this.#stats.workerCxTotal.inc();
    this.#stats.workerCxActive.inc();
    this.#budget.active += 1;
    connection.onGone = this.#onGone;
    const filter = this.#factory.create(connection, this.#describe(connection));
    this.#connections.set(connection, { filter, sinceMs: this.#services.clock.nowMs() });
    connection.setHandler(filter);
    start();
  }

  /** Ends every connection politely; idle ones after `lingerMs`. */
  drain(lingerMs: number): void {
    this.#isDraining = true;
    for (const tracked of this.#connections.values()) tracked.filter.drain(lingerMs);
  }

  /** From now on every connection ends with its next response. */
  drainClose(): void {
    this.#isDraining = true;
  }

  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges(): void {
    this.#factory?.refreshGauges?.();
  }

  /** Ends connections that carry nothing. */
  closeIdle(): void {
    for (const tracked of [...this.#connections.values()]) tracked.filter.closeIfIdle();
  }

  /** Cuts what is left. */
  closeConnections(): void {
    for (const connection of [...this.#connections.keys()]) connection.close('now');
  }

  #build(chain: FilterChainConfig): NetworkFilterFactory | null {
    const terminal: ExtensionInstance | undefined = chain.filters[chain.filters.length - 1];
    if (terminal === undefined) return null;
    const definition = terminal.definition as NetworkFilterDefinition;
    return definition.factory(terminal.config, this.#services, this);
  }

  #describe(connection: Connection): DownstreamConnectionInfo {
    return {
      id: connection.id,
      directRemoteAddress: connection.remoteAddress,
      localAddress: connection.localAddress,
      directLocalAddress: connection.localAddress,
      remoteAddress: connection.remoteAddress,
      requestedServerName: '',
      filterChainName: this.#chain?.name ?? '',
      isTls: false,
      negotiatedProtocol: '',
      filterState: null,
    };
  }

  #forget(connection: Connection): void {
    const tracked = this.#connections.get(connection);
    if (tracked === undefined) return;
    this.#connections.delete(connection);
    this.#budget.active -= 1;
    this.#stats.cxActive.dec();
    this.#stats.workerCxActive.dec();
    this.#stats.cxDestroy.inc();
    this.#stats.cxLengthMs.record(this.#services.clock.nowMs() - tracked.sinceMs);
    if (this.#connections.size === 0) this.onEmpty?.();
  }
}
