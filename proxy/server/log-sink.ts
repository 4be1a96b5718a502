// Diagnostics by pino: one line of JSON each, or laid out by a pattern (terminals, --log-format).
// Gives up lines rather than time: a full or slow target drops them and counts.
import { writeSync } from 'node:fs';
import pino from 'pino';
import sonicBoom, { type SonicBoom } from 'sonic-boom';
import type { LogFields, Logger, LogLevel, LogSink } from '../base/log.ts';
import { compileLogPattern, type LogPattern } from './log-pattern.ts';

/** How diagnostics are written. */
export interface LogSinkOptions {
  readonly level: LogLevel;
  /** Levels of single components; they win over `level`. */
  readonly componentLevels: Readonly<Record<string, LogLevel>>;
  /** '' for stderr. */
  readonly path: string;
  /** An spdlog pattern; '' for lines of JSON. */
  readonly pattern: string;
  /** Number of the worker; -1 in the primary. */
  readonly worker: number;
}

/** Octets that may wait for a slow target; what comes beyond is dropped. */
const MAX_QUEUED_BYTES = 1024 * 1024;

const LEVEL_VALUES = {
  trace: 10,
  debug: 20,
  info: 30,
  warning: 40,
  error: 50,
  critical: 60,
} as const;
type WrittenLevel = keyof typeof LEVEL_VALUES;
type Pino = pino.Logger<WrittenLevel>;

/** Components that can be set by name before they log for the first time. */
const KNOWN_COMPONENTS = [
  'access_log',
  'admin',
  'config',
  'dns',
  'filter',
  'http',
  'listener',
  'main',
  'upstream',
];

/** Loggers by component over one target. Levels change at run time. */
export class PinoLogSink implements LogSink {
  readonly #root: Pino;
  readonly #target: SonicBoom;
  readonly #loggers = new Map<string, ComponentLogger>();
  readonly #path: string;
  #level: LogLevel;
  readonly #componentLevels = new Map<string, LogLevel>();
  #dropped = 0;

  constructor(options: LogSinkOptions) {
    this.#path = options.path;
    this.#level = options.level;
    for (const [name, level] of Object.entries(options.componentLevels)) {
      this.#componentLevels.set(name, level);
    }
    this.#target = openTarget(options.path);
    this.#target.on('drop', () => {
      this.#dropped += 1;
    });
    // A target that is gone (EPIPE, ENOSPC) costs lines, never the process.
    this.#target.on('error', () => {
      this.#dropped += 1;
    });
    this.#root = makePino(options, this.#target);
    for (const component of KNOWN_COMPONENTS) this.logger(component);
  }

  /** Lines lost because the target was slow, full or gone. */
  get dropped(): number {
    return this.#dropped;
  }

  logger(component: string): Logger {
    let logger = this.#loggers.get(component);
    if (logger === undefined) {
      const level = this.#componentLevels.get(component) ?? this.#level;
      logger = new ComponentLogger(this.#root.child({ component }), level);
      this.#loggers.set(component, logger);
    }
    return logger;
  }

  /** Every component's level by name, sorted: what `/logging` prints. */
  levels(): Readonly<Record<string, LogLevel>> {
    const names = [...this.#loggers.keys()].sort();
    return Object.fromEntries(names.map((name) => [name, this.#loggers.get(name)?.level ?? 'off']));
  }

  /** Sets levels by component; the name '' stands for all of them, present and future. */
  setLevels(levels: Readonly<Record<string, LogLevel>>): void {
    const all = levels[''];
    if (all !== undefined) {
      this.#level = all;
      this.#componentLevels.clear();
      for (const logger of this.#loggers.values()) logger.level = all;
    }
    for (const [name, level] of Object.entries(levels)) {
      if (name === '') continue;
      this.#componentLevels.set(name, level);
      const logger = this.#loggers.get(name);
      if (logger !== undefined) logger.level = level;
    }
  }

  /** Opens the log file anew: it was rotated. Nothing happens on stderr. */
  reopen(): void {
    if (this.#path !== '') this.#target.reopen();
  }

  /** Writes what is queued before it returns; what cannot be written is lost. */
  flush(): void {
    try {
      writeRest(this.#target as unknown as SonicQueue);
    } catch {
      // The target is gone or was never opened: there is nobody left to tell.
    }
  }
}

/** One component's logger: a level check in front of a pino child. */
class ComponentLogger implements Logger {
  readonly #pino: Pino;
  #level: LogLevel;
  #threshold: number;

  constructor(child: Pino, level: LogLevel) {
    this.#pino = child;
    this.#level = level;
    this.#threshold = thresholdOf(level);
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#threshold = thresholdOf(level);
  }

  enabled(level: LogLevel): boolean {
    return level !== 'off' && LEVEL_VALUES[level] >= this.#threshold;
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (level === 'off' || LEVEL_VALUES[level] < this.#threshold) return;
    if (fields === undefined) this.#pino[level](message);
    else this.#pino[level](fields, message);
  }
}

function thresholdOf(level: LogLevel): number {
  return level === 'off' ? Number.POSITIVE_INFINITY : LEVEL_VALUES[level];
}

function openTarget(path: string): SonicBoom {
  const target = path === '' ? { fd: 2 } : { dest: path, append: true };
  return new sonicBoom.SonicBoom({ ...target, sync: false, maxLength: MAX_QUEUED_BYTES });
}

/**
 * What SonicBoom has not written. The fields are undocumented and touched here only: its own
 * `flushSync` tries for ever when the target is gone (EPIPE) or full (ENOSPC).
 */
interface SonicQueue {
  readonly fd: number;
  /** `_writingBuf` is on its way, and ends by itself. */
  readonly _writing: boolean;
  _writingBuf: string;
  readonly _bufs: string[];
}

function writeRest(queue: SonicQueue): void {
  let text = queue._bufs.splice(0).join('');
  if (!queue._writing) {
    text = queue._writingBuf + text;
    queue._writingBuf = '';
  }
  const rest = Buffer.from(text);
  for (let at = 0; at < rest.length; ) at += writeSync(queue.fd, rest, at);
}

function makePino(options: LogSinkOptions, target: SonicBoom): Pino {
  const base =
    options.worker < 0 ? { pid: process.pid } : { pid: process.pid, worker: options.worker };
  const stream =
    options.pattern === '' ? target : new PatternStream(compileLogPattern(options.pattern), target);
  return pino<WrittenLevel>(
    {
      base,
      // Components do the level check themselves: theirs change at run time.
      level: 'trace',
      customLevels: LEVEL_VALUES,
      useOnlyCustomLevels: true,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  ) as Pino;
}

/** Turns pino's lines into the pattern's; fields follow the message as `key=value`. */
class PatternStream {
  readonly #pattern: LogPattern;
  readonly #target: SonicBoom;

  constructor(pattern: LogPattern, target: SonicBoom) {
    this.#pattern = pattern;
    this.#target = target;
  }

  write(line: string): void {
    const { level, time, pid, worker, component, msg, ...fields } = JSON.parse(line) as Record<
      string,
      unknown
    >;
    let message = String(msg ?? '');
    for (const [name, value] of Object.entries(fields)) message += ` ${name}=${String(value)}`;
    const text = this.#pattern({
      level: String(level),
      wallMs: Date.parse(String(time)),
      component: String(component),
      message,
      pid: Number(pid),
      worker: typeof worker === 'number' ? worker : -1,
    });
    this.#target.write(`${text}\n`);
  }
}
