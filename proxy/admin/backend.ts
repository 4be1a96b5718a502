// What the admin interface needs of the process it speaks for. The implementation knows the workers
// and the configuration; the interface knows HTTP and Envoy's output. Nothing here is on the data path.
import type { Message } from '@bufbuild/protobuf';
import type { LogLevel } from '../base/log.ts';
import type { StatsSnapshot } from '../stats/snapshot.ts';
import type { ClusterStatus, ListenerStatus } from './status.ts';

/** The proxy as the admin interface reads and commands it. */
export interface AdminBackend {
  /** `/ready` and server_info.state. */
  state(): ServerState;
  serverInfo(): ServerInfo;
  /** Statistics of the primary and all workers, summed. */
  getStats(): Promise<StatsSnapshot>;
  /** In order of name; numbers summed over workers. */
  clusters(): Promise<readonly ClusterStatus[]>;
  listeners(): Promise<readonly ListenerStatus[]>;
  configDump(): ConfigDumpData;
  /** ClusterLoadAssignments of what is in use, one for each cluster. */
  endpoints(): Promise<readonly DumpedResource[]>;
  /** Every source of resources that is in use; those that nobody asked have none. */
  discoveryStatus(): readonly SourceStatus[];
  memory(): Promise<MemoryStatus>;
  certs(): readonly CertificateStatus[];
  runtime(): RuntimeStatus;
  /** What initialisation waits for; empty once the proxy is live. */
  unreadyTargets(): readonly InitTargets[];

  /** What would become of a request now. */
  explain(question: ExplainQuestion): Promise<ExplainAnswer>;

  /** Makes health-check filters and `/ready` fail, or succeed again. */
  setHealth(failed: boolean): void;
  /** Stops accepting; resolves once draining has begun, not when it has ended. */
  drainListeners(options: DrainOptions): Promise<void>;
  /** Starts a newer process on the same sockets; resolves when it serves, or does not. */
  upgrade(question: UpgradeQuestion): Promise<UpgradeAnswer>;
  /** Begins an orderly exit of the process; called after the answer was sent. */
  quit(): void;
  resetCounters(): Promise<void>;
  /** Level of every component there is. */
  logLevels(): Readonly<Record<string, LogLevel>>;
  /** Changes the named components, here and in the workers; each name is one of `logLevels`. */
  setLogLevels(levels: Readonly<Record<string, LogLevel>>): void;
  reopenLogs(): void;
  /** Sets runtime keys, or removes those with empty texts; false: no layer takes them. */
  modifyRuntime(changes: readonly (readonly [key: string, text: string])[]): boolean;
}

/** How an upgrade is asked for. */
export interface UpgradeQuestion {
  /** A file that names the program; '' for the same command again. */
  readonly requestPath: string;
  /** The newer process has to serve within this time. */
  readonly deadlineMs: number;
}

/** How it went: a sentence. */
export interface UpgradeAnswer {
  readonly ok: boolean;
  readonly text: string;
}

/** admin.v3.ServerInfo.State */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** admin.v3.ServerInfo, without its state. */
export interface ServerInfo {
  /** `<revision>/<version>/<Clean|Modified>/<RELEASE|DEBUG>/<ssl library>`. */
  readonly version: string;
  readonly uptimeCurrentEpochS: number;
  readonly uptimeAllEpochsS: number;
  /** `disabled` without hot restart. */
  readonly hotRestartVersion: string;
  /** admin.v3.CommandLineOptions in ProtoJSON with proto field names. */
  readonly commandLineOptions: JsonObject;
  /** config.core.v3.Node in ProtoJSON with proto field names. */
  readonly node: JsonObject;
}

/** What `/explain` is asked. */
export interface ExplainQuestion {
  readonly method: string;
  readonly url: string;
  /** `name: value` each. */
  readonly headers: readonly string[];
  /** '' to choose by the URL. */
  readonly listener: string;
  readonly isHttp2: boolean;
  /** Numeric address of the client. */
  readonly client: string;
  /** 0 to 2^32 - 1 */
  readonly random: number;
}

/** The explanation in both forms, or what is wrong with the question. */
export type ExplainAnswer =
  | { readonly ok: true; readonly text: string; readonly json: string }
  | { readonly ok: false; readonly errors: readonly string[] };

/** How `/drain_listeners` asks to drain. */
export interface DrainOptions {
  /** Let the drain time pass before listeners close; false: they close at once. */
  readonly graceful: boolean;
  /** Only listeners whose traffic_direction is INBOUND. */
  readonly inboundOnly: boolean;
  /** Drain connections, but keep the listeners open. */
  readonly skipExit: boolean;
}

/** admin.v3.Memory; bytes, summed over the processes. */
export interface MemoryStatus {
  readonly allocated: number;
  readonly heapSize: number;
  readonly pageheapUnmapped: number;
  readonly pageheapFree: number;
  readonly totalThreadCache: number;
  readonly totalPhysicalBytes: number;
}

/** The CA certificates and the chain of one TLS context, admin.v3.Certificate. */
export interface CertificateStatus {
  readonly caCert: readonly CertificateDetails[];
  readonly certChain: readonly CertificateDetails[];
}

/** admin.v3.CertificateDetails */
export interface CertificateDetails {
  /** `<inline>` where the certificate came in the configuration. */
  readonly path: string;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  readonly subjectAltNames: readonly {
    readonly kind: 'uri' | 'dns' | 'ip_address';
    readonly value: string;
  }[];
  readonly validFromMs: number;
  readonly expirationMs: number;
  readonly daysUntilExpiration: number;
}

/** The runtime: each layer's value of each key, '' where the layer has none. */
export interface RuntimeStatus {
  readonly layers: readonly string[];
  readonly entries: Readonly<Record<string, RuntimeEntry>>;
}

/** One runtime key; `layerValues` is as long as the list of layers. */
export interface RuntimeEntry {
  readonly finalValue: string;
  readonly layerValues: readonly string[];
}

/** Unready targets of one init manager, admin.v3.UnreadyTargetsDumps. */
export interface InitTargets {
  readonly name: string;
  readonly targetNames: readonly string[];
}

/** One source of resources, `/discovery_status`. */
export interface SourceStatus {
  /** The server's cluster or target, or the file. */
  readonly server: string;
  /** It carries every type (ADS). */
  readonly isAggregated: boolean;
  readonly variant: 'sotw' | 'delta' | 'rest' | 'file';
  readonly isConnected: boolean;
  /** What the server says it is; '' : nothing. */
  readonly controlPlane: string;
  readonly types: readonly SourceTypeStatus[];
}

/** One type of a source. */
export interface SourceTypeStatus {
  readonly typeUrl: string;
  /** Accepted last; '' : none. */
  readonly version: string;
  /** `*` for everything. */
  readonly names: readonly string[];
  /** What came last; null: nothing. `error` is '' where it was accepted. */
  readonly received: {
    readonly version: string;
    readonly nonce: string;
    readonly error: string;
  } | null;
  /** The server was told what became of it. */
  readonly isAnswered: boolean;
}

/** Everything that `/config_dump` prints, as the messages that configured the proxy. */
export interface ConfigDumpData {
  /** config.bootstrap.v3.Bootstrap; null before one is loaded. */
  readonly bootstrap: DumpedResource | null;
  readonly clusters: readonly DumpedResource[];
  readonly listeners: readonly DumpedResource[];
  readonly routes: readonly DumpedResource[];
  readonly secrets: readonly DumpedResource[];
  /** ScopedRouteConfigurationsLists by the name of their scoped_routes; absent: there are none. */
  readonly scopes?: readonly DumpedResource[];
  /** Filters that are told what to do, by sort of filter; absent: there are none of that sort. */
  readonly filters?: readonly (readonly DumpedResource[])[];
  /** Version of the last accepted set from a dynamic source, '' without one. */
  readonly clustersVersion: string;
  readonly listenersVersion: string;
}

/** A resource with what the dump says of it. Secrets in it are hidden by the printer. */
export interface DumpedResource {
  readonly name: string;
  readonly message: Message;
  /**
   * `static`: from the bootstrap; the others are states of dynamic resources; `refused`: there never
   * was a good version.
   */
  readonly state: 'static' | 'active' | 'warming' | 'draining' | 'refused';
  /** '' for static resources. */
  readonly version: string;
  /** Wall-clock ms since the Unix epoch; null: it was not told, but found. */
  readonly lastUpdatedMs: number | null;
  /** Why the last update was refused while this version stays in use. */
  readonly error: DumpedError | null;
}

/** admin.v3.UpdateFailureState */
export interface DumpedError {
  readonly details: string;
  readonly version: string;
  readonly lastAttemptMs: number;
  /** What was refused; null: it is not to be had. */
  readonly message: Message | null;
}
