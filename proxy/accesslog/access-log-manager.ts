// Opens access logs and keeps their files: one per path, shared by all that name it.
import type { AccessLog } from '../formatter/access-log.ts';
import type { FormatContext } from '../formatter/formatter.ts';
import type { AccessLogConfig, AccessLogSinkConfig } from '../model/access-log.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { type FlushPolicy, LogFile, type LogFileTarget } from './log-file.ts';
import { LogFileStats } from './log-file-stats.ts';

/** Envoy's --file-flush-interval-msec. Longer risks more lines in a crash, shorter costs writes. */
export const DEFAULT_FLUSH_INTERVAL_MS = 10_000;
/** Envoy's --file-flush-min-size-kb, in octets. */
export const DEFAULT_FLUSH_MIN_BYTES = 64 * 1024;
/** Somebody may be looking at a standard stream: a line is at most this old when it appears. */
export const STREAM_FLUSH_INTERVAL_MS = 500;

const STREAM_DESCRIPTORS = { stdout: 1, stderr: 2 } as const;
/** Paths that name a stream; opening them anew fails where the stream is a socket. */
const STREAM_PATHS: ReadonlyMap<string, 'stdout' | 'stderr'> = new Map([
  ['/dev/stdout', 'stdout'],
  ['/proc/self/fd/1', 'stdout'],
  ['/dev/fd/1', 'stdout'],
  ['/dev/stderr', 'stderr'],
  ['/proc/self/fd/2', 'stderr'],
  ['/dev/fd/2', 'stderr'],
]);

/** Access logs of one process. */
export class AccessLogManager {
  readonly #policy: FlushPolicy;
  readonly #stats: LogFileStats;
  /** By path, or by the name of a stream. */
  readonly #files = new Map<string, LogFile>();

  /** `root` is the scope without prefix; an absent policy is Envoy's. */
  constructor(root: StatsScope, policy: Partial<FlushPolicy> = {}) {
    this.#stats = new LogFileStats(root);
    this.#policy = {
      intervalMs: policy.intervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
      streamIntervalMs: policy.streamIntervalMs ?? STREAM_FLUSH_INTERVAL_MS,
      minBytes: policy.minBytes ?? DEFAULT_FLUSH_MIN_BYTES,
    };
  }

  /**
   * An open log. Never fails: where the file cannot be opened now, it is tried again whenever the
   * buffer is to be written, and lines beyond the buffer are dropped and counted.
   */
  open(config: AccessLogConfig): AccessLog {
    const file = this.#file(config.sink);
    file.open();
    return new OpenAccessLog(config, file);
  }

  /** The file of a path, for whoever makes lines of another kind: byte strings with their newline. */
  openFile(path: string): LogFile {
    const file = this.#file({ kind: 'file', path });
    file.open();
    return file;
  }

  /** SIGUSR1 and POST /reopen_logs: opens every path anew. */
  reopen(): void {
    for (const file of this.#files.values()) file.reopen();
  }

  /** Writes every buffer now. */
  flush(): void {
    for (const file of this.#files.values()) file.flush();
  }

  /** Writes and closes everything; later lines are dropped. */
  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
    this.#files.clear();
  }

  #file(sink: AccessLogSinkConfig): LogFile {
    const { key, target } = locate(sink);
    let file = this.#files.get(key);
    if (file === undefined) {
      file = new LogFile(target, this.#policy, this.#stats);
      this.#files.set(key, file);
    }
    return file;
  }
}

function locate(sink: AccessLogSinkConfig): {
  readonly key: string;
  readonly target: LogFileTarget;
} {
  const stream = sink.kind === 'file' ? STREAM_PATHS.get(sink.path) : sink.kind;
  if (stream !== undefined) {
    const descriptor = STREAM_DESCRIPTORS[stream];
    return { key: `<${stream}>`, target: { kind: 'descriptor', descriptor } };
  }
  const { path } = sink as { readonly path: string };
  return { key: path, target: { kind: 'path', path } };
}

/** Filter, formatter and file of one configured log. */
class OpenAccessLog implements AccessLog {
  readonly #config: AccessLogConfig;
  readonly #file: LogFile;

  constructor(config: AccessLogConfig, file: LogFile) {
    this.#config = config;
    this.#file = file;
  }

  write(context: FormatContext): void {
    const { filter, formatter } = this.#config;
    if (filter !== null && !filter.accepts(context)) return;
    this.#file.append(formatter.format(context));
  }
}
