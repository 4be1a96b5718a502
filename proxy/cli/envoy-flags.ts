// Envoy's command line: every flag of Envoy 1.40 under its own name, so that a command line written
// for Envoy starts this proxy unchanged.
import type { Command } from 'commander';

/** One flag as the table lists it. */
export interface EnvoyFlag {
  /** commander's notation. */
  readonly flags: string;
  readonly description: string;
  /** False: accepted, and nothing changes. */
  readonly hasEffect: boolean;
}

/** All of them, in the order in which help prints them. */
export const ENVOY_FLAGS: readonly EnvoyFlag[] = [
  on('-c, --config-path <path>', 'path of the configuration file (YAML or JSON)'),
  on('--config-yaml <text>', 'configuration as YAML text, merged over the file'),
  on('--mode <mode>', 'serve (default), validate (check the configuration and exit) or init_only'),
  on('--concurrency <count>', 'number of workers; default: the CPUs this container may use'),
  on('-l, --log-level <level>', 'trace, debug, info (default), warning, error, critical or off'),
  on('--component-log-level <list>', 'levels of components: upstream:debug,config:trace'),
  on('--log-path <path>', 'file for diagnostics instead of stderr'),
  on('--log-format <pattern>', 'spdlog pattern; default: readable on a terminal, JSON otherwise'),
  on('--log-format-escaped', 'escape line breaks in diagnostics'),
  on('--service-cluster <name>', "overrides the bootstrap's node.cluster"),
  on('--service-node <name>', "overrides the bootstrap's node.id"),
  on('--service-zone <name>', "overrides the bootstrap's node.locality.zone"),
  on('--admin-address-path <path>', 'file that receives the bound admin address'),
  on('--drain-time-s <seconds>', 'drain time of listeners (600), and of SIGTERM when given (5)'),
  on('--drain-strategy <strategy>', 'gradual (default): over the drain time; or immediate'),
  on('--file-flush-interval-msec <ms>', 'longest time an access log line is buffered (10000)'),
  on('--file-flush-min-size-kb <kb>', 'access log buffer that is written at once (64)'),
  on('--allow-unknown-static-fields', 'accept unknown fields in the configuration'),
  on('--allow-unknown-fields', 'the same, under its deprecated name'),
  on('--restart-epoch <number>', 'hot restart epoch, shown in statistics; upgrade counts it'),
  on('--hot-restart-version', 'print the hot restart version and exit'),
  on('--stats-tag <tag:value>', 'universal tag of all statistics (repeatable)'),
  on('--parent-shutdown-time-s <seconds>', 'upgrade: life time of the old process (900)'),
  off('--base-id <number>', 'hot restart: shared memory of several proxies on a host'),
  off('--use-dynamic-base-id', 'hot restart: choose a base id'),
  off('--base-id-path <path>', 'hot restart: file for the base id'),
  on('--disable-hot-restart', 'refuse upgrades of the running process'),
  off('--skip-hot-restart-on-no-parent', 'hot restart'),
  off('--skip-hot-restart-parent-stats', 'hot restart'),
  off('--socket-path <path>', 'hot restart: domain socket'),
  off('--socket-mode <mode>', 'hot restart: mode of the domain socket'),
  on('--local-address-ip-version <version>', 'v4 (default) or v6: family of the local address'),
  off('--reject-unknown-dynamic-fields', 'refuse unknown fields in dynamic configuration'),
  off('--ignore-unknown-dynamic-fields', 'ignore unknown fields in dynamic configuration'),
  off('--skip-deprecated-logs', 'do not warn of deprecated fields'),
  off('--disable-extensions <list>', 'extensions to leave out'),
  off('--cpuset-threads', 'the affinity mask always counts'),
  off('--enable-fine-grain-logging', 'levels by source file'),
  off('--log-stacktrace-single-entry', 'stack traces are single entries always'),
  off('--enable-mutex-tracing', 'there are no mutexes'),
  off('--enable-core-dump', 'core dumps are the shell’s business'),
];

function on(flags: string, description: string): EnvoyFlag {
  return { flags, description, hasEffect: true };
}

function off(flags: string, description: string): EnvoyFlag {
  return { flags, description: `${description} (accepted, no effect)`, hasEffect: false };
}

/** Teaches a command Envoy's flags. Values stay text: they are checked all together later. */
export function addEnvoyFlags(command: Command): void {
  for (const { flags, description } of ENVOY_FLAGS) {
    if (flags.startsWith('--stats-tag')) command.option(flags, description, collect, []);
    else command.option(flags, description);
  }
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** commander's name of each flag: `--drain-time-s <seconds>` gives `drainTimeS`. */
export function optionName(flags: string): string {
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? '';
  return long.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
