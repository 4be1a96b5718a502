// A worker's data path, put together: everything that a request touches is made here, once.

import { AccessLogManager } from '../accesslog/access-log-manager.ts';
import type { ClusterStatus } from '../admin/status.ts';
import type { SharedCells } from '../base/cells/shared-cells.ts';
import type { Logger, LogSink } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { liveValue } from '../config/compile/live-value.ts';
import { runtimeInteger } from '../config/compile/runtime-values.ts';
import { DiscoveredHub } from '../filters/discovered-configs.ts';
import type { OverloadState, WorkerServices } from '../filters/network-filter.ts';
import type { CodecServices } from '../http/codec.ts';
import { ConnectionBudget } from '../listener/connection-budget.ts';
import { ListenerManager } from '../listener/listener-manager.ts';
import type { ProcessHealth } from '../listener/surroundings.ts';
import { type BootstrapConfig, DEFAULT_INTERNAL_BUFFER_BYTES } from '../model/bootstrap.ts';
import type { Live, RuntimeValues } from '../model/runtime.ts';
import { type Connector, SocketConnector } from '../net/connector.ts';
import { EventLoop } from '../net/event-loop.ts';
import { type InternalAcceptor, InternalConnector } from '../net/internal-connector.ts';
import type { SocketSource } from '../net/socket-source.ts';
import type { StatsSnapshot } from '../stats/snapshot.ts';
import { StatsStore } from '../stats/store.ts';
import { makeTlsServices } from '../tls/make-tls-services.ts';
import { SecretHub } from '../tls/secret-hub.ts';
import type { TlsServices } from '../tls/tls-services.ts';
import type { HealthReports } from '../upstream/check-reporter.ts';
import { SplitDnsResolver } from '../upstream/dns/split-dns-resolver.ts';
import { type ClusterLoad, LoadCounts } from '../upstream/load-counts.ts';
import type { StreakSink } from '../upstream/outlier/outlier-monitor.ts';
import { CLIENT_CODECS } from '../upstream/pool/client-codecs.ts';
import { WorkerClusters } from '../upstream/worker-clusters.ts';
import { clusterStatus } from './cluster-status.ts';
import { FileWatcher } from './file-watcher.ts';
import { descriptorLimit, localIp } from './host-facts.ts';
import type { WorkerSettings } from './link.ts';
import { OverloadActions } from './overload-actions.ts';
import { heapBytes, MEMORY_STAGES, type MemoryStage, OverloadMonitor } from './overload-monitor.ts';
import { runInSlices } from './run-in-slices.ts';
import { statFilter } from './stats-settings.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** What a runtime is made with. */
export interface WorkerRuntimeParts {
  readonly settings: WorkerSettings;
  readonly bootstrap: BootstrapConfig;
  readonly runtime: RuntimeValues;
  readonly log: LogSink;
  readonly sockets: SocketSource | null;
  /** Cells that all workers share. */
  readonly cells: SharedCells;
  /** Hears of hosts that failed too often in a row. */
  readonly streaks: StreakSink;
  /** To the primary, which makes health checks. */
  readonly healthReports: HealthReports;
}

const CONNECTIONS_KEY = 'overload.global_downstream_max_connections';

/** What follows from memory running short, for the log. */
const OVERLOAD_TEXTS: Readonly<Record<MemoryStage, string>> = {
  none: 'back to normal',
  shedding: 'idle connections are closed',
  refusing: 'new connections and requests are refused',
};

/** One per worker, for its whole life. */
export class WorkerRuntime implements ProcessHealth {
  readonly loop = new EventLoop(SYSTEM_CLOCK);
  readonly stats: StatsStore;
  readonly clusters: WorkerClusters;
  readonly listeners: ListenerManager;
  readonly accessLogs: AccessLogManager;
  readonly secrets = new SecretHub();
  readonly discovered = new DiscoveredHub();
  /** `/healthcheck/fail` was called. */
  isFailed = false;
  /** Its internal listeners by name. */
  readonly #internal = new Map<string, InternalAcceptor>();
  readonly #files: FileWatcher;
  readonly #overload: OverloadMonitor;
  /** null: no overload manager is configured. */
  readonly #actions: OverloadActions | null;
  readonly #flushTimer: NodeJS.Timeout;
  readonly #loads = new LoadCounts();
  #reported: readonly string[] = [];

  constructor(parts: WorkerRuntimeParts) {
    const { settings, bootstrap, log } = parts;
    this.stats = new StatsStore(statFilter(bootstrap.stats));
    const random = new SystemRandom();
    const tls = makeTlsServices({
      secrets: this.secrets,
      clock: this.loop,
      log: log.logger('tls'),
      ticketSecret: Buffer.from(settings.ticketSecret, 'base64'),
    });
    this.clusters = new WorkerClusters({
      clock: this.loop,
      timers: this.loop.timers,
      random,
      connector: this.#makeConnector(bootstrap),
      codecs: CLIENT_CODECS,
      codecServices: codecServices(this.loop, random),
      stats: this.stats,
      cells: parts.cells,
      secrets: this.secrets,
      resolver: new SplitDnsResolver(),
      tls,
      streaks: parts.streaks,
      healthReports: parts.healthReports,
      place: { locality: bootstrap.node.locality, clusterName: bootstrap.localClusterName },
      later: setImmediate,
      log: log.logger('upstream'),
    });
    this.accessLogs = new AccessLogManager(this.stats, {
      minBytes: settings.accessLogFlushBytes,
      intervalMs: settings.accessLogFlushIntervalMs,
    });
    this.#files = new FileWatcher(log.logger('config'));
    this.listeners = this.#makeListeners(parts, random, tls);
    this.#overload = this.#watchMemory(log.logger('main'));
    this.#actions = this.#openActions(parts, random);
    this.#flushTimer = setInterval(
      () => void runInSlices(this.stats.flushInterval()),
      bootstrap.statsFlushIntervalMs,
    );
    this.#flushTimer.unref();
  }

  get overload(): OverloadState {
    const memory = MEMORY_STAGES[this.#overload.state];
    // Short memory ends and refuses all that actions can end and refuse.
    if (this.#actions === null || memory.refusesRequests) return memory;
    const { state } = this.#actions;
    state.isShortOfMemory = memory.endsConnections;
    return state;
  }

  /** Every cell as it is now, measured ones included. */
  statsSnapshot(): StatsSnapshot {
    this.clusters.refreshGauges();
    this.listeners.refreshGauges();
    return this.stats.compactSnapshot();
  }

  /** Every cluster as the admin interface shows it. */
  clusterStatuses(): readonly ClusterStatus[] {
    return [...this.clusters.clusters()].map(clusterStatus);
  }

  /** For load reports: of these clusters, or (null) of those that were asked for last. */
  takeLoads(names: readonly string[] | null): readonly ClusterLoad[] {
    this.#reported = names ?? this.#reported;
    return this.#reported.flatMap((name) => {
      const cluster = this.clusters.get(name);
      return cluster === null ? [] : [this.#loads.take(cluster)];
    });
  }

  /** Cuts every connection, writes what logs hold, stops all timers. */
  async close(): Promise<void> {
    clearInterval(this.#flushTimer);
    this.#overload.close();
    this.#actions?.close();
    this.listeners.close();
    this.clusters.close();
    this.loop.close();
    this.#files.close();
    await this.accessLogs.close();
  }

  #makeListeners(parts: WorkerRuntimeParts, random: Random, tls: TlsServices): ListenerManager {
    const { settings, bootstrap, log, sockets, cells } = parts;
    const services: WorkerServices = {
      clock: this.loop,
      random,
      codecServices: codecServices(this.loop, random),
      timers: this.loop.timers,
      clusters: this.clusters,
      stats: this.stats,
      cells,
      log: log.logger('http'),
      node: bootstrap.node,
      localIp: localIp(settings.localAddressFamily),
      secrets: this.secrets,
      tls,
      discovered: this.discovered,
      files: this.#files,
      openAccessLog: (config) => this.accessLogs.open(config),
    };
    return new ListenerManager({
      loop: this.loop,
      services,
      budget: connectionBudget(globalLimit(parts), settings, cells),
      health: this,
      workerIndex: settings.index,
      drain: { timeMs: settings.drainTimeS * 1000, strategy: settings.drainStrategy },
      sockets,
      internal: this.#internal,
    });
  }

  #makeConnector(bootstrap: BootstrapConfig): Connector {
    const bufferSizeBytes = bootstrap.internalBufferBytes ?? DEFAULT_INTERNAL_BUFFER_BYTES;
    const inside = { listeners: this.#internal, bufferSizeBytes };
    return new InternalConnector(this.loop, inside, new SocketConnector(this.loop));
  }

  #openActions(
    { bootstrap, settings, cells }: WorkerRuntimeParts,
    random: Random,
  ): OverloadActions | null {
    if (bootstrap.overload === null) return null;
    const { index } = settings;
    const workerCount = Math.max(settings.workerCount, index + 1);
    return new OverloadActions(bootstrap.overload, {
      ...{ cells, index, workerCount, heapBytes, random, stats: this.stats },
      nowMs: () => this.loop.nowMs(),
      onTimeoutsScaled: () => this.listeners.onTimeoutsScaled(),
    });
  }

  #watchMemory(log: Logger): OverloadMonitor {
    return new OverloadMonitor((state, pressure) => {
      const percent = Math.round(pressure * 100);
      log.log('warning', `memory is ${percent} % used: ${OVERLOAD_TEXTS[state]}`);
      if (state !== 'none') this.listeners.closeIdle();
    });
  }
}

/** Of this process half of the descriptors, so that upstream connections and files find some. */
function connectionBudget(
  limit: Live<number | null>,
  { workerCount }: WorkerSettings,
  cells: SharedCells,
): ConnectionBudget {
  const half = Math.floor(descriptorLimit() / 2);
  if (cells.isShared) {
    const counter = cells.counter('downstream/connections');
    return new ConnectionBudget(half, { limit, counter });
  }
  if (limit.value === null) return new ConnectionBudget(half, null);
  return new ConnectionBudget(Math.min(half, Math.ceil(limit.value / workerCount)), null);
}

/** As in Envoy, the overload manager's monitor goes before the runtime key. */
function globalLimit({ bootstrap, runtime }: WorkerRuntimeParts): Live<number | null> {
  const { globalConnectionLimit: limit } = bootstrap;
  if (limit !== null) return { value: limit };
  return liveValue(runtime, () => runtimeInteger(runtime, CONNECTIONS_KEY, null));
}

function codecServices(loop: EventLoop, random: Random): CodecServices {
  return {
    nowMs: () => loop.nowMs(),
    timers: loop.timers,
    random,
    flushLater: (target) => loop.flushLater(target),
  };
}
