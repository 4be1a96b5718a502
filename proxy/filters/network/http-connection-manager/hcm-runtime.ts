// What all connections and streams of one connection manager share: everything that can be made
// once is made here, when its filter chain is built.
import type { AccessLog } from '../../../formatter/access-log.ts';
import type { FormatContext } from '../../../formatter/formatter.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';
import type { Connection } from '../../../net/connection.ts';
import type { RouteTable } from '../../../routing/route-table.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { HttpFilterPlan } from '../../http-filter-plan.ts';
import type { ListenerFacts, WorkerServices } from '../../network-filter.ts';
import { codecKinds } from './codec-kinds.ts';
import { CurrentRoutes } from './current-routes.ts';
import { HcmStats } from './hcm-stats.ts';
import { LocalReplyRewriter } from './local-reply-rewriter.ts';
import type { CodecChoice } from './pending-codec.ts';
import { RequestConditioner } from './request-conditioner.ts';
import { ResponseConditioner } from './response-conditioner.ts';
import type { RoutesInUse } from './routes-in-use.ts';

/** Immutable but for its counters; a worker never watches routes. */
export class HcmRuntime {
  readonly config: HttpConnectionManagerConfig;
  readonly services: WorkerServices;
  readonly filterServices: HttpFilterServices;
  readonly listener: ListenerFacts;
  readonly stats: HcmStats;
  /** Those that are open. */
  readonly connections = new Set<Connection>();
  readonly requests: RequestConditioner;
  readonly responses: ResponseConditioner;
  /** null: replies stay as they are. */
  readonly localReplies: LocalReplyRewriter | null;
  readonly codecs: CodecChoice;
  readonly #accessLogs: readonly AccessLog[];
  /** Some time limit of a stream is on. */
  readonly hasStreamTimers: boolean;
  /** The first time at which a new stream may have been quiet for too long; 0: never. */
  readonly shortestQuietMs: number;
  /** Paths are changed or refused by an option. */
  readonly needsPathWork: boolean;
  /** A connection may go on behind a request that was answered with a 400. */
  readonly outlivesBadRequests: boolean;
  readonly #routes: CurrentRoutes;

  constructor(
    config: HttpConnectionManagerConfig,
    services: WorkerServices,
    listener: ListenerFacts,
  ) {
    this.config = config;
    this.services = services;
    this.listener = listener;
    const scope = services.stats.scope(`http.${config.statPrefix}`);
    this.stats = new HcmStats(scope, listener.scope.scope(`http.${config.statPrefix}`));
    this.requests = new RequestConditioner(config, services);
    this.responses = new ResponseConditioner(config);
    this.#accessLogs = config.accessLogs.map((log) => services.openAccessLog(log));
    const { localReply } = config;
    this.localReplies = localReply === null ? null : new LocalReplyRewriter(localReply);
    this.codecs = {
      kinds: codecKinds(config, services, this.stats),
      codecType: config.codecType,
      timers: services.timers,
    };
    this.hasStreamTimers = config.requestTimeoutMs + config.maxStreamDurationMs > 0;
    this.shortestQuietMs = shortest(config.streamIdleTimeoutMs, config.requestHeadersTimeoutMs);
    this.outlivesBadRequests = config.http1.streamErrorOnInvalidHttpMessage;
    this.needsPathWork =
      config.normalizePath || config.mergeSlashes || config.escapedSlashes !== 'keep';
    this.filterServices = this.#filterServices(services);
    this.#routes = new CurrentRoutes({
      ...{ config, services, ownServices: this.filterServices },
      filterServices: (lent) => this.#filterServices(lent),
      onInternalOnly: (names) => this.requests.setInternalOnly(names),
    });
  }

  /** What new streams use. */
  get routes(): RoutesInUse {
    return this.#routes.inUse;
  }

  get routeTable(): RouteTable {
    return this.routes.table;
  }

  get filterPlan(): HttpFilterPlan {
    return this.routes.filterPlan;
  }

  /** Puts somebody between the streams and the table who sees every look-up: for explanations. */
  watchRoutes(watch: (table: RouteTable) => RouteTable): void {
    this.routes.table = watch(this.routes.table);
  }

  /** How long a connection may be without streams now; 0: for ever. */
  get idleTimeoutMs(): number {
    const { timeouts } = this.listener.overload;
    return timeouts.scaled('connection-idle', this.config.idleTimeoutMs);
  }

  /** Writes the lines of an exchange that is over. */
  log(stream: FormatContext): void {
    const logs = this.#accessLogs;
    for (let index = 0; index < logs.length; index += 1) logs[index]?.write(stream);
  }

  #filterServices(services: WorkerServices): HttpFilterServices {
    const { listener, config } = this;
    return {
      clock: services.clock,
      random: services.random,
      timers: services.timers,
      clusters: services.clusters,
      cells: services.cells,
      log: services.log,
      localIp: services.localIp,
      scope: services.stats.scope(`http.${config.statPrefix}`),
      root: services.stats,
      serviceCluster: services.node.cluster,
      isHealthCheckFailed: () => listener.isHealthCheckFailed(),
    };
  }

  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges(): void {
    let buffered = 0;
    for (const connection of this.connections) buffered += connection.bufferedBytes;
    this.stats.cxTxBytesBuffered.set(buffered);
    const { filterPlan } = this;
    for (const { factories } of [filterPlan, ...(filterPlan.upgrades?.values() ?? [])]) {
      for (const factory of factories) factory.refreshGauges?.();
    }
  }
}

/** The shorter of two timeouts of which 0 means «off». */
function shortest(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  return Math.min(a, b);
}
