// How the process was asked to run: the command line, read once, complete.
import type { LogLevel } from '../base/log.ts';

/** Everything that the command line says; defaults filled in. */
export interface ServerOptions {
  /** '' when everything is in `configYaml`. */
  readonly configPath: string;
  /** Merged over the file; '' for none. */
  readonly configYaml: string;
  /** `--config-watch`: `configPath` is read again when it changes, not only at SIGHUP. */
  readonly watchesConfig: boolean;
  /** `--state-dir`: where what servers told is kept; '' : nowhere. */
  readonly stateDir: string;
  /** Workers; 1 runs the only one inside the primary. */
  readonly concurrency: number;
  /** Empty texts leave what the bootstrap's node says. */
  readonly serviceCluster: string;
  readonly serviceNode: string;
  readonly serviceZone: string;
  readonly drain: DrainSettings;
  /** File that receives the admin interface's bound address; '' for none. */
  readonly adminAddressPath: string;
  readonly log: LogSettings;
  readonly fileFlushIntervalMs: number;
  readonly fileFlushMinBytes: number;
  readonly allowUnknownStaticFields: boolean;
  readonly skipDeprecatedLogs: boolean;
  /** `--stats-tag`: on every metric, before the bootstrap's own. */
  readonly statsTags: readonly { readonly name: string; readonly fixedValue: string }[];
  readonly restartEpoch: number;
  /** False: `--disable-hot-restart`, no newer process takes over from this one. */
  readonly canBeUpgraded: boolean;
  /** Family of the address that stands for this host in X-Forwarded-For. */
  readonly localAddressFamily: 'IPv4' | 'IPv6';
  /** Flags that were given and mean nothing here: said at debug level. */
  readonly unusedFlags: readonly string[];
  /** admin.v3.CommandLineOptions in ProtoJSON, for `/server_info`. */
  readonly commandLine: Readonly<Record<string, string | number | boolean>>;
  /** Envoy's `<revision>/<version>/<state>/<build>/<ssl library>`. */
  readonly version: string;
}

/** Times and manner of draining. */
export interface DrainSettings {
  /** `--drain-time-s`: over how long removed and drained listeners end their connections. */
  readonly timeS: number;
  readonly strategy: 'gradual' | 'immediate';
  /** How long requests in flight may take to finish after SIGTERM. */
  readonly shutdownMs: number;
  /** `--parent-shutdown-time-s`: how long this process may live once a newer one serves. */
  readonly parentShutdownMs: number;
}

/** Where diagnostics go and which. */
export interface LogSettings {
  readonly level: LogLevel;
  readonly componentLevels: Readonly<Record<string, LogLevel>>;
  /** '' for stderr. */
  readonly path: string;
  /** An spdlog pattern; '' for lines of JSON. */
  readonly pattern: string;
}

/** Envoy's `--drain-time-s`. */
export const DEFAULT_DRAIN_TIME_S = 600;
/** Envoy's `--parent-shutdown-time-s`. */
export const DEFAULT_PARENT_SHUTDOWN_S = 900;
/**
 * Drain time after SIGTERM unless `--drain-time-s` was given. Envoy exits at once and loses what is
 * in flight; 600 s would outlast every supervisor's patience (Kubernetes kills after 30 s).
 */
export const DEFAULT_SHUTDOWN_DRAIN_MS = 5_000;
/** Envoy's `--file-flush-interval-msec`. */
export const DEFAULT_FILE_FLUSH_INTERVAL_MS = 10_000;
/** Envoy's `--file-flush-min-size-kb`. */
export const DEFAULT_FILE_FLUSH_MIN_KB = 64;

/** The options of a process that nobody asked anything of: tests change what they need. */
export const DEFAULT_SERVER_OPTIONS: ServerOptions = Object.freeze<ServerOptions>({
  configPath: '',
  configYaml: '',
  watchesConfig: true,
  stateDir: '',
  concurrency: 1,
  serviceCluster: '',
  serviceNode: '',
  serviceZone: '',
  drain: {
    timeS: DEFAULT_DRAIN_TIME_S,
    strategy: 'gradual',
    shutdownMs: DEFAULT_SHUTDOWN_DRAIN_MS,
    parentShutdownMs: DEFAULT_PARENT_SHUTDOWN_S * 1000,
  },
  adminAddressPath: '',
  log: { level: 'info', componentLevels: {}, path: '', pattern: '' },
  fileFlushIntervalMs: DEFAULT_FILE_FLUSH_INTERVAL_MS,
  fileFlushMinBytes: DEFAULT_FILE_FLUSH_MIN_KB * 1024,
  allowUnknownStaticFields: false,
  skipDeprecatedLogs: false,
  statsTags: [],
  restartEpoch: 0,
  canBeUpgraded: true,
  localAddressFamily: 'IPv4',
  unusedFlags: [],
  commandLine: {},
  version: '',
});
