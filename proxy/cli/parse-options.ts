// Flag values to ServerOptions: everything is checked before the first mistake is reported.
import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { TERMINAL_LOG_FORMAT } from '../server/log-pattern.ts';
import {
  DEFAULT_DRAIN_TIME_S,
  DEFAULT_FILE_FLUSH_INTERVAL_MS,
  DEFAULT_FILE_FLUSH_MIN_KB,
  DEFAULT_PARENT_SHUTDOWN_S,
  DEFAULT_SHUTDOWN_DRAIN_MS,
  type ServerOptions,
} from '../server/options.ts';
import { ENVOY_FLAGS, optionName } from './envoy-flags.ts';

/** What `--mode` may say. */
export type Mode = 'serve' | 'validate' | 'init_only';

/** Flag values as commander gives them: text, true, or a list of texts. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What the values depend on besides themselves. */
export interface ParseEnvironment {
  readonly defaultConcurrency: () => number;
  readonly isTerminal: boolean;
  readonly version: string;
}

/** The outcome: options, or every mistake. */
export type ParsedOptions =
  | { readonly ok: true; readonly options: ServerOptions; readonly mode: Mode }
  | { readonly ok: false; readonly errors: readonly string[] };

const UINT32_MAX = 2 ** 32 - 1;

/** Reads flag values one by one and remembers what is wrong. */
class FlagReader {
  readonly errors: string[] = [];
  readonly #values: FlagValues;

  constructor(values: FlagValues) {
    this.#values = values;
  }

  text(name: string): string {
    const value = this.#values[name];
    return typeof value === 'string' ? value : '';
  }

  isSet(name: string): boolean {
    return this.#values[name] === true;
  }

  /** null when the flag was not given. */
  uint32(name: string, flag: string): number | null {
    const value = this.#values[name];
    if (typeof value !== 'string') return null;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number <= UINT32_MAX) return number;
    this.errors.push(`${flag}: '${value}' is not a whole number from 0 to ${UINT32_MAX}`);
    return null;
  }

  oneOf<T extends string>(name: string, flag: string, choices: readonly T[]): T {
    const value = this.text(name);
    if (value === '') return choices[0] as T;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.errors.push(`${flag}: unknown value '${value}', expected one of ${choices.join(', ')}`);
    return choices[0] as T;
  }

  level(value: string, flag: string): LogLevel {
    const level = value === 'warn' ? 'warning' : value;
    const found = LOG_LEVELS.find((known) => known === level);
    if (found !== undefined) return found;
    this.errors.push(`${flag}: unknown level '${value}', expected one of ${LOG_LEVELS.join(', ')}`);
    return 'info';
  }

  /** `--stats-tag a:b --stats-tag c:d`; a tag's name ends at the first colon. */
  statsTags(): ServerOptions['statsTags'] {
    const given = this.#values['statsTag'];
    const tags: { name: string; fixedValue: string }[] = [];
    for (const item of Array.isArray(given) ? (given as readonly string[]) : []) {
      const colon = item.indexOf(':');
      const name = item.slice(0, colon);
      if (colon <= 0 || !/^[\w.]+$/.test(name)) {
        this.errors.push(
          `--stats-tag: '${item}' is not <tag>:<value> with letters, digits, _ and .`,
        );
      } else {
        tags.push({ name, fixedValue: item.slice(colon + 1) });
      }
    }
    return tags;
  }

  componentLevels(): Record<string, LogLevel> {
    const levels: Record<string, LogLevel> = {};
    for (const item of this.text('componentLogLevel').split(',')) {
      if (item === '') continue;
      const colon = item.indexOf(':');
      if (colon <= 0) {
        this.errors.push(`--component-log-level: '${item}' is not <component>:<level>`);
      } else {
        levels[item.slice(0, colon)] = this.level(item.slice(colon + 1), '--component-log-level');
      }
    }
    return levels;
  }
}

/** Checks the values of Envoy's flags. */
export function parseOptions(values: FlagValues, environment: ParseEnvironment): ParsedOptions {
  const reader = new FlagReader(values);
  const mode = reader.oneOf<Mode>('mode', '--mode', ['serve', 'validate', 'init_only']);
  const configPath = reader.text('configPath');
  const configYaml = reader.text('configYaml');
  if (configPath === '' && configYaml === '') {
    reader.errors.push(
      'no configuration: give a file with -c FILE, or text with --config-yaml TEXT',
    );
  }
  const options = readOptions(reader, values, environment);
  for (const { flags, hasEffect } of ENVOY_FLAGS) {
    const isNumber = /<(number|seconds)>/.test(flags);
    if (!hasEffect && isNumber) reader.uint32(optionName(flags), longName(flags));
  }
  const errors = reader.errors;
  return errors.length > 0 ? { ok: false, errors } : { ok: true, options, mode };
}

function readOptions(
  reader: FlagReader,
  values: FlagValues,
  environment: ParseEnvironment,
): ServerOptions {
  const concurrency = reader.uint32('concurrency', '--concurrency');
  const drainTimeS = reader.uint32('drainTimeS', '--drain-time-s');
  const parentShutdownS = reader.uint32('parentShutdownTimeS', '--parent-shutdown-time-s');
  return {
    configPath: reader.text('configPath'),
    configYaml: reader.text('configYaml'),
    stateDir: reader.text('stateDir'),
    watchesConfig: reader.oneOf('configWatch', '--config-watch', ['on', 'off']) === 'on',
    // Envoy runs one worker when it is asked for none.
    concurrency: Math.max(1, concurrency ?? environment.defaultConcurrency()),
    serviceCluster: reader.text('serviceCluster'),
    serviceNode: reader.text('serviceNode'),
    serviceZone: reader.text('serviceZone'),
    drain: {
      timeS: drainTimeS ?? DEFAULT_DRAIN_TIME_S,
      strategy: reader.oneOf('drainStrategy', '--drain-strategy', ['gradual', 'immediate']),
      shutdownMs: drainTimeS === null ? DEFAULT_SHUTDOWN_DRAIN_MS : drainTimeS * 1000,
      parentShutdownMs: (parentShutdownS ?? DEFAULT_PARENT_SHUTDOWN_S) * 1000,
    },
    adminAddressPath: reader.text('adminAddressPath'),
    log: readLogSettings(reader, environment),
    ...readFlushSettings(reader),
    allowUnknownStaticFields:
      reader.isSet('allowUnknownStaticFields') || reader.isSet('allowUnknownFields'),
    skipDeprecatedLogs: reader.isSet('skipDeprecatedLogs'),
    statsTags: reader.statsTags(),
    restartEpoch: reader.uint32('restartEpoch', '--restart-epoch') ?? 0,
    canBeUpgraded: !reader.isSet('disableHotRestart'),
    localAddressFamily: readLocalFamily(reader),
    unusedFlags: unusedFlags(values),
    commandLine: commandLine(values),
    version: environment.version,
  };
}

function readFlushSettings(
  reader: FlagReader,
): Pick<ServerOptions, 'fileFlushIntervalMs' | 'fileFlushMinBytes'> {
  const intervalMs = reader.uint32('fileFlushIntervalMsec', '--file-flush-interval-msec');
  const minKb = reader.uint32('fileFlushMinSizeKb', '--file-flush-min-size-kb');
  return {
    fileFlushIntervalMs: intervalMs ?? DEFAULT_FILE_FLUSH_INTERVAL_MS,
    fileFlushMinBytes: (minKb ?? DEFAULT_FILE_FLUSH_MIN_KB) * 1024,
  };
}

function readLocalFamily(reader: FlagReader): ServerOptions['localAddressFamily'] {
  const version = reader.oneOf('localAddressIpVersion', '--local-address-ip-version', ['v4', 'v6']);
  return version === 'v6' ? 'IPv6' : 'IPv4';
}

function readLogSettings(reader: FlagReader, environment: ParseEnvironment): ServerOptions['log'] {
  const path = reader.text('logPath');
  const isTerminal = environment.isTerminal && path === '';
  const pattern = reader.text('logFormat') || (isTerminal ? TERMINAL_LOG_FORMAT : '');
  const level = reader.text('logLevel');
  return {
    level: level === '' ? 'info' : reader.level(level, '--log-level'),
    componentLevels: reader.componentLevels(),
    path,
    // %_ is the message with its line breaks escaped.
    pattern: reader.isSet('logFormatEscaped') ? pattern.replaceAll('%v', '%_') : pattern,
  };
}

function unusedFlags(values: FlagValues): readonly string[] {
  return ENVOY_FLAGS.filter(({ flags, hasEffect }) => {
    const value = values[optionName(flags)];
    return !hasEffect && value !== undefined && !(Array.isArray(value) && value.length === 0);
  }).map(({ flags }) => longName(flags));
}

/** admin.v3.CommandLineOptions: what was given, under the proto's names. */
function commandLine(values: FlagValues): Record<string, string | number | boolean> {
  const given: Record<string, string | number | boolean> = {};
  for (const { flags } of ENVOY_FLAGS) {
    const value = values[optionName(flags)];
    if (typeof value !== 'string' && value !== true) continue;
    const name = longName(flags).slice(2).replaceAll('-', '_');
    given[name] =
      typeof value === 'string' && /<(number|count|kb)>/.test(flags) ? Number(value) : value;
  }
  return given;
}

function longName(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}
