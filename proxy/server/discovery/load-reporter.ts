// Load reports to a server (LRS): which clusters it wants to hear of, how often, and what all
// workers counted of them since the last time.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Node } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { ClusterStats } from '../../api/gen/envoy/config/endpoint/v3/load_report_pb.js';
import {
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../api/gen/envoy/service/load_stats/v3/lrs_pb.js';
import type { Logger } from '../../base/log.ts';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import type { ClusterLoad } from '../../upstream/load-counts.ts';
import type { ReconnectBackOff } from '../../xds/reconnect-back-off.ts';
import type { XdsServer } from '../../xds/xds-server.ts';
import type { PrimaryService } from '../primary-services.ts';
import { clusterStats } from './load-report.ts';
import { ServiceStream, type ServiceStreamUser } from './service-stream.ts';

const METHOD = '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats';
/** A server that asks for more is not heard more often: each report asks every worker. */
const MIN_INTERVAL_MS = 10;

/** What a reporter needs of a cluster in use. */
export interface ReportableCluster {
  readonly name: string;
  /** EdsClusterConfig.service_name; '' : none. */
  readonly serviceName: string;
}

/** What it works with. */
export interface LoadReporterParts {
  /** Closed with the reporter. */
  readonly server: XdsServer;
  readonly node: () => Node;
  readonly backOff: ReconnectBackOff;
  /** The root scope: `load_reporter.*`. */
  readonly stats: StatsScope;
  readonly log: Logger;
  /** Monotonic ms. */
  readonly nowMs: () => number;
  /** Every cluster in use. */
  readonly clusters: () => readonly ReportableCluster[];
  /** What workers counted of these since they were last asked, one after the other. */
  readonly collect: (names: readonly string[]) => Promise<readonly ClusterLoad[]>;
}

/** One per process. */
export class LoadReporter implements PrimaryService, ServiceStreamUser {
  readonly #parts: LoadReporterParts;
  readonly #stream: ServiceStream;
  readonly #requests: Counter;
  readonly #responses: Counter;
  readonly #errors: Counter;
  readonly #retries: Counter;
  /** The last one; it holds when the stream is begun anew, as in Envoy. null: none came yet. */
  #wanted: LoadStatsResponse | null = null;
  /** Since when each cluster is reported, or when it was last. */
  #sinceMs = new Map<string, number>();
  /** What was counted and not sent yet: by workers that are gone, or for a stream that ended. */
  #kept: ClusterLoad[] = [];
  /** What is asked of workers is asked one after the other. */
  #inTurn: Promise<void> = Promise.resolve();

  constructor(parts: LoadReporterParts) {
    this.#parts = parts;
    this.#stream = new ServiceStream({ ...parts, method: METHOD, title: 'StreamLoadStats' }, this);
    const scope = parts.stats.scope('load_reporter');
    this.#requests = scope.counter('requests');
    this.#responses = scope.counter('responses');
    this.#errors = scope.counter('errors');
    this.#retries = scope.counter('retries');
  }

  async behindPrimaryClusters(): Promise<void> {
    this.#stream.start();
  }

  stop(): void {
    this.#stream.stop();
  }

  /** What a worker had counted when it ended. */
  retire(loads: readonly ClusterLoad[]): void {
    if (!this.#stream.isStopped) this.#keep(loads);
  }

  onOpen(): void {
    this.#report();
  }

  onMessage(octets: Uint8Array): void {
    let response: LoadStatsResponse;
    try {
      response = fromBinary(LoadStatsResponseSchema, octets);
    } catch (error) {
      this.#parts.log.log('warning', `a load report request cannot be decoded: ${error}`);
      return;
    }
    this.#wanted = response;
    this.#requests.inc();
    this.#begin();
  }

  onEnd(): void {
    this.#errors.inc();
  }

  onRetry(): void {
    this.#retries.inc();
  }

  /** A period: clusters that are new to it begin at zero. */
  #begin(): void {
    const wanted = this.#wanted;
    if (wanted === null) return;
    const { clusters, collect, nowMs } = this.#parts;
    const names = wanted.sendAllClusters ? clusters().map(({ name }) => name) : wanted.clusters;
    const now = nowMs();
    const fresh = names.filter((name) => !this.#sinceMs.has(name));
    this.#sinceMs = new Map(names.map((name) => [name, this.#sinceMs.get(name) ?? now]));
    if (fresh.length > 0) this.#queue(async () => void (await collect(fresh)));
    const { nanos = 0, seconds = 0n } = wanted.loadReportingInterval ?? {};
    const intervalMs = Number(seconds) * 1000 + nanos / 1e6;
    this.#stream.plan(Math.max(MIN_INTERVAL_MS, intervalMs), () => this.#report());
  }

  #report(): void {
    this.#queue(async () => {
      const { collect, node } = this.#parts;
      const names = [...this.#sinceMs.keys()];
      const counted = names.length === 0 ? [] : await collect(names);
      const loads = [...this.#kept, ...counted];
      this.#kept = [];
      if (!this.#stream.isThere) return this.#keep(loads);
      const request = create(LoadStatsRequestSchema, {
        node: node(),
        clusterStats: this.#statsOf(names, loads),
      });
      this.#stream.send(toBinary(LoadStatsRequestSchema, request));
      this.#responses.inc();
      this.#begin();
    });
  }

  /** Requests that are under way are asked for again. */
  #keep(loads: readonly ClusterLoad[]): void {
    for (const load of loads) {
      const endpoints = load.endpoints.map((endpoint) => ({ ...endpoint, active: 0 }));
      if (this.#sinceMs.has(load.cluster)) this.#kept.push({ ...load, endpoints });
    }
  }

  #statsOf(names: readonly string[], loads: readonly ClusterLoad[]): ClusterStats[] {
    const { clusters, nowMs } = this.#parts;
    const byName = new Map<string, ClusterLoad[]>();
    for (const load of loads) {
      const known = byName.get(load.cluster);
      if (known === undefined) byName.set(load.cluster, [load]);
      else known.push(load);
    }
    const inUse = new Map(clusters().map((cluster) => [cluster.name, cluster]));
    const now = nowMs();
    return names.flatMap((name) => {
      const cluster = inUse.get(name);
      if (cluster === undefined) return [];
      const intervalMs = now - (this.#sinceMs.get(name) ?? now);
      this.#sinceMs.set(name, now);
      const tellsEndpoints = this.#wanted?.reportEndpointGranularity ?? false;
      const own = byName.get(name) ?? [];
      return clusterStats({ ...cluster, loads: own, intervalMs, tellsEndpoints });
    });
  }

  #queue(action: () => Promise<void>): void {
    this.#inTurn = this.#inTurn.then(action).catch((error: unknown) => {
      this.#parts.log.log('error', `a load report failed: ${(error as Error).stack}`);
    });
  }
}
