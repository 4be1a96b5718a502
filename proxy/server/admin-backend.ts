// The proxy as its admin interface reads and commands it.
import { toJson } from '@bufbuild/protobuf';
import type {
  AdminBackend,
  CertificateStatus,
  ConfigDumpData,
  DrainOptions,
  DumpedResource,
  ExplainAnswer,
  ExplainQuestion,
  InitTargets,
  JsonObject,
  MemoryStatus,
  RuntimeStatus,
  ServerInfo,
  ServerState,
  SourceStatus,
  UpgradeAnswer,
  UpgradeQuestion,
} from '../admin/backend.ts';
import type { ClusterStatus, ListenerStatus } from '../admin/status.ts';
import { NodeSchema } from '../api/gen/envoy/config/core/v3/base_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { LogLevel } from '../base/log.ts';
import type { StatsSnapshot } from '../stats/snapshot.ts';
import { configDumpData } from './config-dump-data.ts';
import { dumpedEndpoints } from './dumped-endpoints.ts';
import type { MemoryUsage } from './link.ts';
import type { LiveExplainer } from './live-explainer.ts';
import { mergeClusters, withFindings } from './merge-clusters.ts';
import type { OperatorDesk } from './operator-desk.ts';
import type { ServerOptions } from './options.ts';
import type { Primary } from './primary.ts';
import { certificateReport } from './secrets/certificate-report.ts';
import { contextsInUse } from './secrets/contexts-in-use.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import type { Inheritance } from './upgrade/ancestor.ts';
import { hotRestartVersion } from './upgrade/messages.ts';
import type { AdjustableLog } from './worker.ts';

/** Has a newer process follow this one. */
export type AskForUpgrade = (question: UpgradeQuestion) => Promise<UpgradeAnswer>;

/** What the admin interface may do besides asking the primary. */
export interface AdminBackendParts {
  readonly primary: Primary;
  readonly operators: OperatorDesk;
  readonly options: ServerOptions;
  readonly log: AdjustableLog;
  /** Begins an orderly exit. */
  readonly quit: () => void;
  /** Absent: nobody can follow this process. */
  readonly upgrade?: AskForUpgrade;
  /** Of the process that this one follows; absent: it follows nobody. */
  readonly inheritance?: Inheritance | null;
}

/** One per process. */
export class PrimaryAdminBackend implements AdminBackend {
  readonly #primary: Primary;
  readonly #operators: OperatorDesk;
  readonly #options: ServerOptions;
  readonly #log: AdjustableLog;
  readonly #quit: () => void;
  readonly #upgrade: AskForUpgrade | null;
  /** Wall-clock ms at which the first process of the line started. */
  readonly #firstStartedMs: number;
  /** Loaded with the first question: most proxies are never asked. */
  #explainer: LiveExplainer | null = null;

  constructor(parts: AdminBackendParts) {
    this.#primary = parts.primary;
    this.#operators = parts.operators;
    this.#options = parts.options;
    this.#log = parts.log;
    this.#quit = parts.quit;
    this.#upgrade = parts.options.canBeUpgraded ? (parts.upgrade ?? null) : null;
    this.#firstStartedMs = parts.inheritance?.firstStartedMs ?? SYSTEM_CLOCK.wallMs();
  }

  state(): ServerState {
    return this.#primary.state();
  }

  serverInfo(): ServerInfo {
    const uptimeS = Math.floor((performance.now() - this.#primary.startedMs) / 1000);
    const node = this.#primary.configuration.message().node;
    return {
      version: this.#options.version,
      uptimeCurrentEpochS: uptimeS,
      uptimeAllEpochsS: Math.floor((SYSTEM_CLOCK.wallMs() - this.#firstStartedMs) / 1000),
      hotRestartVersion: hotRestartVersion(this.#options.canBeUpgraded),
      commandLineOptions: this.#options.commandLine,
      node: node === undefined ? {} : nodeJson(node),
    };
  }

  getStats(): Promise<StatsSnapshot> {
    return this.#primary.collectStats();
  }

  async clusters(): Promise<readonly ClusterStatus[]> {
    const peers = this.#primary.workforce.living();
    const lists = await Promise.all(peers.map((peer) => peer.ask('clusters')));
    const { outliers } = this.#primary;
    const { configuration } = this.#primary;
    return mergeClusters(lists.filter((list) => list !== null)).map((cluster) => ({
      ...withFindings(cluster, outliers.findings(cluster.name)),
      addedViaApi: !configuration.isStatic('cluster', cluster.name),
    }));
  }

  async listeners(): Promise<readonly ListenerStatus[]> {
    return this.#primary.workforce.listeners;
  }

  discoveryStatus(): readonly SourceStatus[] {
    return this.#primary.discovery.sources.reports();
  }

  configDump(): ConfigDumpData {
    return configDumpData(this.#primary);
  }

  async endpoints(): Promise<readonly DumpedResource[]> {
    return dumpedEndpoints(this.#primary, await this.clusters());
  }

  async memory(): Promise<MemoryStatus> {
    const usages: MemoryUsage[] = [process.memoryUsage()];
    if (this.#options.concurrency > 1) {
      const peers = this.#primary.workforce.living();
      const answers = await Promise.all(peers.map((peer) => peer.ask('memory')));
      usages.push(...answers.filter((answer) => answer !== null));
    }
    const sum = (field: (usage: MemoryUsage) => number) =>
      usages.reduce((total, usage) => total + field(usage), 0);
    return {
      allocated: sum((usage) => usage.heapUsed + usage.external),
      heapSize: sum((usage) => usage.heapTotal + usage.external),
      pageheapUnmapped: 0,
      pageheapFree: sum((usage) => usage.heapTotal - usage.heapUsed),
      totalThreadCache: 0,
      totalPhysicalBytes: sum((usage) => usage.rss),
    };
  }

  certs(): readonly CertificateStatus[] {
    return certificateReport(contextsInUse(this.#primary.configuration), SYSTEM_CLOCK.wallMs());
  }

  runtime(): RuntimeStatus {
    return this.#primary.configuration.runtime.status();
  }

  modifyRuntime(changes: readonly (readonly [key: string, text: string])[]): boolean {
    return this.#operators.modifyRuntime(changes);
  }

  unreadyTargets(): readonly InitTargets[] {
    const { discovery, checks } = this.#primary;
    const waiting = new Set([...discovery.unresolved(), ...checks.waiting()]);
    const targetNames = [...waiting].map((name) => `Cluster ${name}`);
    return targetNames.length === 0 ? [] : [{ name: 'init manager Server', targetNames }];
  }

  async explain(question: ExplainQuestion): Promise<ExplainAnswer> {
    if (this.#explainer === null) {
      const { LiveExplainer } = await import('./live-explainer.ts');
      this.#explainer ??= new LiveExplainer(this.#primary, this.#options.localAddressFamily);
    }
    return this.#explainer.explain(question, await this.clusters());
  }

  setHealth(failed: boolean): void {
    this.#operators.setHealthFailed(failed);
  }

  async drainListeners(options: DrainOptions): Promise<void> {
    const { inboundOnly, graceful, skipExit } = options;
    const drainMs = this.#options.drain.timeS * 1000;
    this.#primary.drainListeners({
      inboundOnly,
      afterMs: graceful || skipExit ? drainMs : 0,
      keepsListening: skipExit,
    });
  }

  upgrade(question: UpgradeQuestion): Promise<UpgradeAnswer> {
    const text = 'this process cannot be upgraded: it was started with --disable-hot-restart';
    return this.#upgrade?.(question) ?? Promise.resolve({ ok: false, text });
  }

  quit(): void {
    this.#quit();
  }

  async resetCounters(): Promise<void> {
    this.#primary.resetCounters();
  }

  logLevels(): Readonly<Record<string, LogLevel>> {
    return this.#log.levels();
  }

  setLogLevels(levels: Readonly<Record<string, LogLevel>>): void {
    this.#operators.setLogLevels(levels);
  }

  reopenLogs(): void {
    this.#log.reopen();
    this.#primary.reopenLogs();
  }
}

function nodeJson(node: Parameters<typeof toJson<typeof NodeSchema>>[1]): JsonObject {
  const json = toJson(NodeSchema, node, { registry: apiRegistry, useProtoFieldName: true });
  return json as unknown as JsonObject;
}
