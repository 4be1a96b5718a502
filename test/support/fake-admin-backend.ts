// An admin backend with fixed answers that writes down what it is told to do.
import type {
  AdminBackend,
  CertificateStatus,
  ConfigDumpData,
  DrainOptions,
  DumpedResource,
  ExplainAnswer,
  ExplainQuestion,
  InitTargets,
  MemoryStatus,
  RuntimeStatus,
  ServerInfo,
  ServerState,
  SourceStatus,
  UpgradeAnswer,
  UpgradeQuestion,
} from '../../proxy/admin/backend.ts';
import type { ClusterStatus, ListenerStatus } from '../../proxy/admin/status.ts';
import type { LogLevel } from '../../proxy/base/log.ts';
import type { StatsSnapshot } from '../../proxy/stats/snapshot.ts';
import { HEALTH_FLAG } from '../../proxy/upstream/host-health.ts';
import { sampleSnapshot } from './stats-sample.ts';

/** A configuration of nothing. */
export const EMPTY_DUMP: ConfigDumpData = {
  bootstrap: null,
  clusters: [],
  listeners: [],
  routes: [],
  secrets: [],
  clustersVersion: '',
  listenersVersion: '',
};

const HOST = {
  address: '127.0.0.1:9000',
  hostname: '',
  weight: 1,
  priority: 0,
  isCanary: false,
  healthFlags: 0,
  successRate: -1,
  localOriginSuccessRate: -1,
  locality: { region: 'r1', zone: '', subZone: '' },
  cxActive: 1,
  cxConnectFail: 0,
  cxTotal: 2,
  rqActive: 0,
  rqError: 0,
  rqPendingActive: 0,
  rqSuccess: 4,
  rqTimeout: 0,
  rqTotal: 4,
} as const;

/** Answers from its fields, which tests may replace. */
export class FakeAdminBackend implements AdminBackend {
  sources: readonly SourceStatus[] = [];
  /** What was commanded, in order. */
  readonly commands: unknown[] = [];
  serverState: ServerState = 'LIVE';
  hasAdminLayer = true;
  levels: Record<string, LogLevel> = { admin: 'info', http: 'info' };
  dump: ConfigDumpData = EMPTY_DUMP;
  assignments: readonly DumpedResource[] = [];
  certificates: readonly CertificateStatus[] = [];
  initTargets: readonly InitTargets[] = [];
  stats: () => Promise<StatsSnapshot> = () => Promise.resolve(sampleSnapshot());

  async explain(question: ExplainQuestion): Promise<ExplainAnswer> {
    this.commands.push(question);
    if (question.url === 'bad') return { ok: false, errors: ['no URL', 'no luck'] };
    return { ok: true, text: 'text\n', json: '{}\n' };
  }

  state(): ServerState {
    return this.serverState;
  }

  serverInfo(): ServerInfo {
    return {
      version: 'sha/1.0.0/Clean/RELEASE/OpenSSL',
      uptimeCurrentEpochS: 2.7,
      uptimeAllEpochsS: 3,
      hotRestartVersion: 'disabled',
      commandLineOptions: { concurrency: 1 },
      node: { id: 'n1' },
    };
  }

  getStats(): Promise<StatsSnapshot> {
    return this.stats();
  }

  clusters(): Promise<readonly ClusterStatus[]> {
    const limits = { maxConnections: 5, maxPendingRequests: 6, maxRequests: 7, maxRetries: 8 };
    const highPriorityLimits = {
      ...{ maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
    };
    const common = {
      ...{ observabilityName: 'alt', addedViaApi: false, limits, highPriorityLimits },
      outlier: null,
    };
    const other = {
      ...HOST,
      address: '[::1]:9001',
      isCanary: true,
      healthFlags: HEALTH_FLAG.failedEds | HEALTH_FLAG.failedOutlierCheck,
      successRate: 12.5,
      hostname: 'h2',
      priority: 1,
    } as const;
    return Promise.resolve([
      {
        name: 'c1',
        ...common,
        outlier: {
          ...{ successRateAverage: 60, successRateThreshold: 40.5 },
          localOriginAverage: -1,
          localOriginThreshold: -1,
        },
        hosts: [HOST, other],
      },
      { name: 'c2', ...common, addedViaApi: true, hosts: [] },
    ]);
  }

  modifyRuntime(changes: readonly (readonly [string, string])[]): boolean {
    this.commands.push(['modifyRuntime', ...changes]);
    return this.hasAdminLayer;
  }

  async upgrade(question: UpgradeQuestion): Promise<UpgradeAnswer> {
    this.commands.push(question);
    return { ok: question.requestPath === '', text: 'how it went' };
  }

  listeners(): Promise<readonly ListenerStatus[]> {
    return Promise.resolve([
      { name: 'l1', addresses: ['127.0.0.1:80', '[::1]:81'], error: '' },
      { name: 'broken', addresses: [], error: 'EADDRINUSE' },
      { name: 'pipe', addresses: ['/tmp/p.sock'], error: '' },
    ]);
  }

  discoveryStatus(): readonly SourceStatus[] {
    return this.sources;
  }

  configDump(): ConfigDumpData {
    return this.dump;
  }

  endpoints(): Promise<readonly DumpedResource[]> {
    return Promise.resolve(this.assignments);
  }

  memory(): Promise<MemoryStatus> {
    return Promise.resolve({
      allocated: 1,
      heapSize: 2,
      pageheapUnmapped: 3,
      pageheapFree: 4,
      totalThreadCache: 5,
      totalPhysicalBytes: 6,
    });
  }

  certs(): readonly CertificateStatus[] {
    return this.certificates;
  }

  runtime(): RuntimeStatus {
    return {
      layers: ['static_layer_0', 'admin'],
      entries: { 'foo.bar': { finalValue: '1', layerValues: ['1', ''] } },
    };
  }

  unreadyTargets(): readonly InitTargets[] {
    return this.initTargets;
  }

  setHealth(failed: boolean): void {
    this.serverState = failed ? 'DRAINING' : 'LIVE';
  }

  drainListeners(options: DrainOptions): Promise<void> {
    this.commands.push(['drain', options]);
    return Promise.resolve();
  }

  quit(): void {
    this.commands.push('quit');
  }

  resetCounters(): Promise<void> {
    this.commands.push('reset');
    return Promise.resolve();
  }

  logLevels(): Readonly<Record<string, LogLevel>> {
    return this.levels;
  }

  setLogLevels(levels: Readonly<Record<string, LogLevel>>): void {
    this.levels = { ...this.levels, ...levels };
  }

  reopenLogs(): void {
    this.commands.push('reopen');
  }
}
