// The part of the proxy that exists once: configuration, resource store, DNS, health, and the
// workers. It accepts no traffic and outlives every worker.
import { AccessLogManager } from '../accesslog/access-log-manager.ts';
import type { ServerState } from '../admin/backend.ts';
import type { CellRegistry } from '../base/cells/cell-registry.ts';
import type { Logger } from '../base/log.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource } from '../model/resource.ts';
import { type StatsSnapshot, withUntouched } from '../stats/snapshot.ts';
import { StatsStore } from '../stats/store.ts';
import { SecretHub } from '../tls/secret-hub.ts';
import type { HealthChecks } from '../upstream/health/health-checks.ts';
import { HostFlags } from '../upstream/host-flags.ts';
import type { OutlierClusters } from '../upstream/outlier/outlier-clusters.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import { atMost } from './at-most.ts';
import { BootstrapSource } from './bootstrap-source.ts';
import { CellDesk } from './cell-desk.ts';
import type { Configuration } from './configuration.ts';
import { DynamicResources } from './discovery/dynamic-resources.ts';
import type { LoadReporter } from './discovery/load-reporter.ts';
import type { NameTables } from './discovery/name-tables.ts';
import {
  type DiscoveryMakers,
  PrimaryDiscovery,
  type RememberServer,
} from './discovery/primary-discovery.ts';
import { loadReporter, nameTables, serverServices } from './discovery/server-services.ts';
import type { ListenerDrain } from './drained-listeners.ts';
import { Health } from './health.ts';
import type { HealthCheckOutputs } from './health-checking.ts';
import type { DrainManner } from './link.ts';
import type { ServerOptions } from './options.ts';
import { outlierClusters } from './outlier-clusters.ts';
import { PrimaryServices } from './primary-services.ts';
import { PrimarySource } from './primary-source.ts';
import { type AppliedUpdate, Publisher } from './publisher.ts';
import { Reloads } from './reloads.ts';
import { runInSlices } from './run-in-slices.ts';
import { RuntimeDesk } from './runtime-desk.ts';
import { measureExpiry } from './secrets/expiry-gauges.ts';
import { serveSecrets } from './secrets/serve-secrets.ts';
import { ServerStats } from './server-stats.ts';
import { StateDirectory } from './state/state-directory.ts';
import { StatsCollector } from './stats-collector.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import type { Inheritance } from './upgrade/ancestor.ts';
import type { SpawnWorker } from './worker-pool.ts';
import { Workforce } from './workforce.ts';

/** What a primary is made with. */
export interface PrimaryParts extends DiscoveryMakers {
  readonly options: ServerOptions;
  readonly log: Logger;
  readonly spawn: SpawnWorker;
  /** The region that all workers share; null: each counts for itself. */
  readonly registry: CellRegistry | null;
  /** Loaded once already: a proxy that never had a good configuration does not start. */
  readonly configuration: Configuration;
  readonly makeHealthChecks: (outputs: HealthCheckOutputs) => HealthChecks;
  /** Of the process that this one follows; null: it follows nobody. */
  readonly inheritance: Inheritance | null;
}

/** How long workers may take beyond the drain time to end; then they are ended. */
const STOP_GRACE_MS = 500;

/** See the file's head. */
export class Primary {
  readonly health = new Health();
  readonly stats: StatsStore;
  readonly serverStats: ServerStats;
  readonly workforce: Workforce;
  readonly discovery: PrimaryDiscovery;
  readonly dynamic: DynamicResources;
  readonly outliers: OutlierClusters;
  /** Logs that exist once: the admin interface's, and that of ejections. */
  readonly accessLogs: AccessLogManager;
  /** Cells that it shares with all workers. */
  readonly cells: CellDesk;
  /** What was found out about the health of hosts. */
  readonly hostFlags: HostFlags;
  readonly checks: HealthChecks;
  readonly configuration: Configuration;
  readonly publisher: Publisher;
  /** What it does beside serving resources. */
  readonly services = new PrimaryServices();
  /** For whoever wants to know names of services. */
  readonly nameTables: NameTables;
  /** null: load is not reported. */
  readonly loadReporter: LoadReporter | null;
  /** For what the primary itself connects to. */
  readonly secrets = new SecretHub();
  readonly makeHealthChecks: PrimaryParts['makeHealthChecks'];
  readonly log: Logger;
  readonly startedMs = performance.now();
  readonly source: PrimarySource;
  readonly options: ServerOptions;
  /** Of what workers count. */
  readonly collector = new StatsCollector();
  readonly runtime: RuntimeDesk;
  readonly #reloads: Reloads;

  constructor(parts: PrimaryParts) {
    const { options, log, spawn, configuration } = parts;
    this.options = options;
    this.makeHealthChecks = parts.makeHealthChecks;
    this.log = log;
    this.configuration = configuration;
    this.stats = new StatsStore(configuration.acceptsStat);
    this.serverStats = new ServerStats(this.stats, options.concurrency, options.restartEpoch);
    this.runtime = new RuntimeDesk({
      ...{ runtime: configuration.runtime, stats: this.stats, log },
      tell: (values) => this.workforce.broadcast({ kind: 'runtime', values }),
    });
    this.cells = new CellDesk(parts.registry, log);
    const { concurrency: count } = options;
    const { inheritance } = parts;
    this.source = new PrimarySource(this, inheritance?.ticketSecret ?? null);
    this.workforce = new Workforce({ count, spawn, source: this.source, cells: this.cells, log });
    for (const [key, socket] of inheritance?.sockets ?? []) {
      this.workforce.sockets.inherit(key, socket);
    }
    configuration.store.isProven = (resource) => this.workforce.isProven(resource);
    this.discovery = new PrimaryDiscovery({
      ...{ ...parts, stats: this.stats, secrets: this.secrets },
      remember: this.#openState(),
      sink: (cluster, endpoints) => this.checks.setEndpoints(cluster, endpoints),
      onPolicy: (cluster, policy) => this.workforce.endpoints.setPolicy(cluster, policy),
    });
    this.publisher = new Publisher({
      configuration,
      stats: this.stats,
      log,
      sourceOf: this.discovery.sourceOf,
      send: (update) => this.workforce.update(update),
      onTakenBack: (resource, reason) => this.#onTakenBack(resource, reason),
      onServing: (applied) => runInSlices(this.#follow(applied)),
    });
    this.#reloads = new Reloads({
      ...{ configuration, publisher: this.publisher, stats: this.serverStats, log },
      sourceVersion: () => new BootstrapSource(options).version(),
      onReloaded: () => this.workforce.keepSockets(configuration.listeners()),
    });
    this.hostFlags = new HostFlags({
      sink: (cluster, flags) => this.workforce.broadcast({ kind: 'host-flags', cluster, flags }),
      later: queueMicrotask,
    });
    this.accessLogs = new AccessLogManager(this.stats, {
      minBytes: options.fileFlushMinBytes,
      intervalMs: options.fileFlushIntervalMs,
    });
    this.outliers = this.#makeOutliers();
    this.checks = parts.makeHealthChecks({
      stats: this.stats,
      flags: this.hostFlags,
      secrets: this.secrets,
      sendEndpoints: (cluster, endpoints) => this.#onEndpoints(cluster, endpoints),
      sendWarm: (cluster) => this.workforce.broadcast({ kind: 'cluster-warm', cluster }),
      writeEvent: (path, line) => this.accessLogs.openFile(path).append(line),
    });
    this.checks.whenHealthy = (cluster, address) => this.outliers.onCheckPassed(cluster, address);
    this.dynamic = new DynamicResources({
      ...{ configuration, publisher: this.publisher, stats: this.stats, log },
      sources: this.discovery.sources,
      whenClustersWarm: () => this.whenClustersWarm(),
    });
    this.nameTables = nameTables(this);
    this.loadReporter = loadReporter(this);
    this.services.add(...serverServices(this), this.nameTables);
  }

  state(): ServerState {
    return this.health.state();
  }

  /** Reads the configuration again; false when it is refused and the last good one stays. */
  reload(): Promise<boolean> {
    if (this.health.isShuttingDown) return Promise.resolve(false);
    return this.#reloads.run();
  }

  /** The same, unless it says what it said when it was read last. */
  reloadIfChanged(): Promise<boolean> {
    if (this.health.isShuttingDown) return Promise.resolve(false);
    return this.#reloads.runIfChanged();
  }

  /** Statistics of the whole proxy. */
  async collectStats(): Promise<StatsSnapshot> {
    this.services.beforeStats();
    this.serverStats.refresh({
      state: this.state(),
      uptimeMs: performance.now() - this.startedMs,
      parentConnections: this.collector.elderConnections(),
      daysUntilExpiry: measureExpiry(this.configuration, this.stats),
    });
    const all = await this.collector.collect(this.stats.snapshot(), this.workforce.counting());
    const accepts = this.configuration.acceptsStat;
    // Workers leave it to whoever shows them which of the cells nobody counts in are kept.
    return accepts === null ? all : withUntouched(all, accepts);
  }

  /** The same without processes that served before this one: what the one after it counts on from. */
  ownStats(): Promise<StatsSnapshot> {
    return this.collector.ofThisProcess(this.stats.snapshot(), this.workforce.counting());
  }

  resetCounters(): void {
    this.stats.resetCounters();
    this.collector.resetCounters(this.workforce.counting());
    this.workforce.broadcast({ kind: 'reset-counters' });
  }

  /** SIGUSR1 and POST /reopen_logs, for every log of exchanges and events. */
  reopenLogs(): void {
    this.accessLogs.reopen();
    this.workforce.broadcast({ kind: 'reopen-logs' });
  }

  /** `/drain_listeners`: ends connections politely or stops accepting; the process lives on. */
  drainListeners(drain: ListenerDrain): void {
    this.workforce.drainListeners(drain);
    if (drain.keepsListening) return;
    const stays = ({ trafficDirection }: ListenerConfig) =>
      drain.inboundOnly && trafficDirection !== 'inbound';
    const letGo = async () => {
      const listeners = this.configuration.listeners();
      const staying = listeners.filter(stays);
      this.workforce.keepSockets(staying);
      // Who answers has heard what it was told before.
      await Promise.all(this.workforce.living().map((peer) => peer.ask('listeners')));
      this.publisher.counts.onStopped(listeners.length - staying.length);
    };
    setTimeout(() => void letGo(), drain.afterMs).unref();
  }

  /** Fails readiness, lets requests finish for up to `drainMs`, and ends every worker. */
  async shutdown(drainMs: number): Promise<void> {
    await this.#endWorkers(drainMs, 'now');
    this.close();
  }

  /**
   * A newer process accepts on the same sockets: lets connections end over the drain time, for up to
   * `lifeMs`, and ends every worker. What they counted is known then.
   */
  async retire(lifeMs: number): Promise<void> {
    this.workforce.sockets.giveAway();
    await this.#endWorkers(lifeMs, 'over-drain-time');
  }

  /** Ends everything now. */
  close(): void {
    this.health.beginShutdown();
    this.services.stop();
    this.dynamic.stop();
    this.publisher.stop();
    this.discovery.stop();
    this.outliers.stop();
    this.checks.stop();
    this.runtime.close();
    this.workforce.kill();
  }

  async #endWorkers(drainMs: number, manner: DrainManner): Promise<void> {
    this.health.beginShutdown();
    await atMost(this.workforce.drain(drainMs, manner), drainMs + STOP_GRACE_MS / 2);
    await atMost(this.workforce.stop(), STOP_GRACE_MS / 2);
  }

  *#follow({ clusters, update }: AppliedUpdate): Generator<void, void> {
    serveSecrets(this.secrets, this.configuration, update);
    if ([...update.upserted, ...update.removed].some(({ kind }) => kind === 'listener')) {
      // Workers have closed theirs: nobody must wait in the queue of what nobody serves.
      this.workforce.keepSockets(this.configuration.listeners());
    }
    for (const { kind, name } of update.removed) {
      if (kind !== 'cluster') continue;
      this.discovery.forget(name);
      this.outliers.forget(name);
      this.checks.forget(name);
    }
    for (const cluster of clusters) {
      this.outliers.follow(cluster);
      this.checks.follow(cluster);
      this.discovery.follow(cluster);
      yield;
    }
  }

  /** `--state-dir`; null: nothing is kept. */
  #openState(): RememberServer | null {
    const { stateDir: path } = this.options;
    if (path === '') return null;
    const { id = '', cluster = '' } = this.configuration.message().node ?? {};
    const { log, stats } = this;
    const { wallMs } = SYSTEM_CLOCK;
    const state = new StateDirectory({ path, node: { id, cluster }, stats, log, wallMs });
    this.services.add(state);
    return (server, identity) => state.remember(server, identity);
  }

  /** It was accepted and is of no use after all: whoever told it hears of it. */
  #onTakenBack(resource: Resource, reason: string): void {
    const { kind, name, isDynamic } = resource;
    this.serverStats.resourcesTakenBack.inc();
    if (isDynamic === true) this.dynamic.refuse(kind, name, reason);
    else this.configuration.refuse(`${kind} '${name}': ${reason}`);
  }

  #onEndpoints(cluster: string, endpoints: readonly ResolvedEndpoint[]): void {
    this.workforce.endpoints.set(cluster, endpoints);
    this.outliers.setEndpoints(cluster, endpoints);
  }

  /** Resolves when every cluster that was accepted by now may be used. */
  async whenClustersWarm(): Promise<void> {
    await this.publisher.settled(['cluster']);
    await this.discovery.settled();
    await this.checks.settled();
  }

  #makeOutliers(): OutlierClusters {
    const { stats, hostFlags: flags, accessLogs } = this;
    const { outlierLogPath } = this.configuration.bootstrap;
    return outlierClusters({
      ...{ stats, flags },
      cells: this.cells.cells,
      log: outlierLogPath === '' ? null : accessLogs.openFile(outlierLogPath),
    });
  }
}
