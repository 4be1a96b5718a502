// What workers are told when they begin, and what they tell, by way of the primary's parts.
import { randomBytes } from 'node:crypto';
import type { EndpointPolicy } from '../model/cluster.ts';
import type { Resource } from '../model/resource.ts';
import type { HealthChecks } from '../upstream/health/health-checks.ts';
import type { AddressFlags, HostFlags } from '../upstream/host-flags.ts';
import type { Streak } from '../upstream/outlier/host-counts.ts';
import type { OutlierClusters } from '../upstream/outlier/outlier-clusters.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { Configuration } from './configuration.ts';
import type { LoadReporter } from './discovery/load-reporter.ts';
import type { PrimaryDiscovery } from './discovery/primary-discovery.ts';
import type { Health } from './health.ts';
import type { WorkerSettings } from './link.ts';
import type { ServerOptions } from './options.ts';
import type { Publisher } from './publisher.ts';
import type { ServerStats } from './server-stats.ts';
import type { StatsCollector } from './stats-collector.ts';
import type { WorkerPeer } from './worker-peer.ts';
import type { WorkforceSource } from './workforce.ts';

/** Of what keys of session tickets are derived from: more than any of them has. */
const TICKET_SECRET_BYTES = 64;

/** The primary's parts that know. */
export interface PrimarySourceParts {
  readonly configuration: Configuration;
  readonly options: ServerOptions;
  readonly discovery: PrimaryDiscovery;
  readonly checks: HealthChecks;
  readonly hostFlags: HostFlags;
  readonly outliers: OutlierClusters;
  readonly health: Health;
  readonly serverStats: ServerStats;
  readonly collector: StatsCollector;
  readonly publisher: Publisher;
  /** null: load is not reported. */
  readonly loadReporter: LoadReporter | null;
  collectStats(): Promise<unknown>;
}

/** One per process. */
export class PrimarySource implements WorkforceSource {
  /** Made with it: read when they are all there. */
  readonly #primary: PrimarySourceParts;
  /** Base64: sessions of TLS clients go on in every worker, and in the process after this one. */
  readonly ticketSecret: string;

  /** `ticketSecret` null: this process is the first that has one. */
  constructor(primary: PrimarySourceParts, ticketSecret: string | null) {
    this.#primary = primary;
    this.ticketSecret = ticketSecret ?? randomBytes(TICKET_SECRET_BYTES).toString('base64');
  }

  settings(index: number): Omit<WorkerSettings, 'cells'> {
    const { configuration, options } = this.#primary;
    return {
      index,
      bootstrap: configuration.bootstrapResource(),
      runtime: configuration.runtime.settings(),
      accessLogFlushBytes: options.fileFlushMinBytes,
      accessLogFlushIntervalMs: options.fileFlushIntervalMs,
      drainTimeS: options.drain.timeS,
      drainStrategy: options.drain.strategy,
      workerCount: options.concurrency,
      localAddressFamily: options.localAddressFamily,
      ticketSecret: this.ticketSecret,
    };
  }

  resources(): readonly Resource[] {
    return this.#primary.configuration.store.all();
  }

  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]> {
    return this.#primary.checks.withKept(this.#primary.discovery.endpoints());
  }

  endpointPolicies(): ReadonlyMap<string, EndpointPolicy> {
    return this.#primary.discovery.eds.policies();
  }

  allHostFlags(): Iterable<readonly [cluster: string, flags: readonly AddressFlags[]]> {
    return this.#primary.hostFlags.all();
  }

  warmClusters(): readonly string[] {
    return this.#primary.checks.warm();
  }

  isHealthFailed(): boolean {
    return this.#primary.health.isFailed;
  }

  onClusterTraffic(cluster: string): void {
    this.#primary.checks.onTraffic(cluster);
  }

  onHostFailed(cluster: string, address: string): void {
    this.#primary.checks.onImmediateFailure(cluster, address);
  }

  onStreak(cluster: string, address: string, streak: Streak): void {
    this.#primary.outliers.onStreak(cluster, address, streak);
  }

  onWorkerReplaced(peer: WorkerPeer): void {
    this.#primary.collector.onReplaced(peer);
    // What it missed is found out now: later it would be mixed with what it counts itself.
    void this.#primary.collectStats();
  }

  onWorkerRetired(peer: WorkerPeer): void {
    this.#primary.collector.retire(peer);
    this.#primary.loadReporter?.retire(peer.lastLoads);
  }

  onBlamed(blamed: readonly Resource[]): void {
    this.#primary.publisher.rollBack(blamed);
  }

  hasPrevious(resource: Resource): boolean {
    const stored = this.#primary.configuration.store.get(resource.kind, resource.name);
    return stored?.resource === resource && stored.previous !== null;
  }

  onWorkerDied(peer: WorkerPeer): void {
    const { collector, health, serverStats } = this.#primary;
    collector.retire(peer);
    if (!health.isShuttingDown) serverStats.workerDeaths.inc();
  }
}
