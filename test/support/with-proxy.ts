// The whole proxy inside a test: one worker in this process, started from a bootstrap as text or as
// an object. Listeners and the admin interface should ask for port 0.
import { writeFileSync } from 'node:fs';
import { LOG_LEVELS, type Logger, type LogLevel } from '../../proxy/base/log.ts';
import { BootstrapSource, reportOf } from '../../proxy/server/bootstrap-source.ts';
import type { OperatorDesk } from '../../proxy/server/operator-desk.ts';
import { DEFAULT_SERVER_OPTIONS, type ServerOptions } from '../../proxy/server/options.ts';
import type { Primary } from '../../proxy/server/primary.ts';
import { startProxy } from '../../proxy/server/start-proxy.ts';
import type { Inheritance } from '../../proxy/server/upgrade/ancestor.ts';
import type { AdjustableLog } from '../../proxy/server/worker.ts';
import type { StatsSnapshot } from '../../proxy/stats/snapshot.ts';

/** A bootstrap: YAML or JSON text, or what JSON.stringify makes such a text of. */
export type BootstrapLike = string | object;

/** A proxy that serves. */
export interface TestProxy {
  /** Bound port of the first address of each listener, by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Bound port of the only listener, or of the first. */
  readonly port: number;
  /** `ip:port`, null without an admin interface. */
  readonly adminAddress: string | null;
  readonly primary: Primary;
  readonly operators: OperatorDesk;
  /** What it logged at level info and above, as `level component message`. */
  readonly log: readonly string[];
  /** Statistics of the whole proxy by full name. */
  stats(): Promise<StatsSnapshot>;
  /** A counter or gauge; 0 when there is none of that name. */
  stat(name: string): Promise<number>;
  /** Swaps in another configuration; false when it is refused. */
  reload(bootstrap: BootstrapLike): Promise<boolean>;
  /** Ends it; connections are cut. Harmless when called again. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy; throws the report when the bootstrap is refused or a port cannot be had. With
 * `configPath` the bootstrap is written there, and read from there ever after.
 */
export async function withProxy(
  bootstrap: BootstrapLike,
  options: Partial<ServerOptions> = {},
  inheritance: Inheritance | null = null,
): Promise<TestProxy> {
  const log = new RecordingLog();
  const { configPath = '' } = options;
  if (configPath !== '') writeFileSync(configPath, textOf(bootstrap));
  let current = configPath === '' ? sourceOf(bootstrap) : fileSource(configPath);
  const loaded = current.load();
  if (!loaded.ok) throw new Error(reportOf(loaded, { colour: false, warnings: false }));
  const started = await startProxy({
    options: { ...DEFAULT_SERVER_OPTIONS, ...options, concurrency: 1 },
    ...{ log, loaded, inheritance },
    load: () => current.load(),
    quit: () => log.lines.push('quit'),
  });
  if (!started.ok) throw new Error(started.errors.join('\n'));
  const { primary, operators, adminAddress } = started;
  const ports: Record<string, number> = {};
  for (const { name, addresses } of primary.workforce.listeners) {
    ports[name] = Number(addresses[0]?.split(':').at(-1) ?? 0);
  }
  return {
    ports,
    port: Object.values(ports)[0] ?? 0,
    adminAddress: adminAddress === null ? null : adminAddress.text,
    primary,
    operators,
    log: log.lines,
    stats: () => primary.collectStats(),
    stat: async (name) => {
      const { counters, gauges } = await primary.collectStats();
      return counters[name] ?? gauges[name] ?? 0;
    },
    reload: (next) => {
      current = sourceOf(next);
      return primary.reload();
    },
    stop: async () => {
      primary.close();
      await started.closeAdmin();
    },
  };
}

function sourceOf(bootstrap: BootstrapLike): BootstrapSource {
  return new BootstrapSource({ ...DEFAULT_SERVER_OPTIONS, configYaml: textOf(bootstrap) });
}

function fileSource(configPath: string): BootstrapSource {
  return new BootstrapSource({ ...DEFAULT_SERVER_OPTIONS, configPath });
}

function textOf(bootstrap: BootstrapLike): string {
  return typeof bootstrap === 'string' ? bootstrap : JSON.stringify(bootstrap);
}

/** Keeps lines for assertions instead of writing them. */
class RecordingLog implements AdjustableLog {
  readonly lines: string[] = [];
  #level: LogLevel = 'info';

  logger(component: string): Logger {
    const enabled = (level: LogLevel) =>
      LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#level);
    return {
      enabled,
      log: (level, message) => {
        if (enabled(level)) this.lines.push(`${level} ${component} ${message}`);
      },
    };
  }

  levels(): Readonly<Record<string, LogLevel>> {
    return { main: this.#level };
  }

  setLevels(levels: Readonly<Record<string, LogLevel>>): void {
    this.#level = levels['main'] ?? levels[''] ?? this.#level;
  }

  reopen(): void {
    this.lines.push('reopen');
  }
}
