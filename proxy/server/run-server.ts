// `outrigger run`: the life of a process, from its options to its exit status.
import { BootstrapSource, reportOf } from './bootstrap-source.ts';
import type { GoodBootstrap } from './configuration.ts';
import { loadInThread } from './load-in-thread.ts';
import { allowYoungHeapToGrow } from './loading-phase.ts';
import { PinoLogSink } from './log-sink.ts';
import type { ServerOptions } from './options.ts';
import { ProcessSignals, type SignalHandler } from './signals.ts';
import { type StartedProxy, startProxy } from './start-proxy.ts';
import { endOnUnhandledError } from './unhandled-error.ts';

/** Exit status of a proxy that could not start. */
const EXIT_FAILURE = 1;
/** Beyond the drain time, the process takes this long at most to end. */
const EXIT_GRACE_MS = 900;

/** Serves until it is told to end; resolves with the exit status. */
export async function runServer(options: ServerOptions): Promise<number> {
  const log = new PinoLogSink({ ...options.log, worker: -1 });
  endOnUnhandledError(log, () => log.flush());
  const source = new BootstrapSource(options);
  const loaded = source.load();
  if (!loaded.ok) {
    const report = reportOf(loaded, { colour: process.stderr.isTTY, warnings: false });
    log.flush();
    process.stderr.write(`${report}error initializing configuration '${source.name}'\n`);
    return EXIT_FAILURE;
  }
  const server = new RunningServer({ options, log, loaded });
  const status = await server.run();
  log.flush();
  return status;
}

/** What a process is made of before it runs. */
interface ServerParts {
  readonly options: ServerOptions;
  readonly log: PinoLogSink;
  readonly loaded: GoodBootstrap;
}

/** Follows signals from its start to its end. */
class RunningServer implements SignalHandler {
  readonly #parts: ServerParts;
  #started: Extract<StartedProxy, { readonly ok: true }> | null = null;
  #isEnding = false;
  #end: (status: number) => void = () => undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  async run(): Promise<number> {
    const { options, log, loaded } = this.#parts;
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    const signals = new ProcessSignals(this);
    this.#sayWarnings();
    const starting = startProxy({
      options,
      log,
      loaded,
      load: () => loadInThread(options),
      quit: () => this.onTerminate('SIGTERM'),
    });
    // A signal may end the process before it ever served.
    const started = await Promise.race([starting, ended]);
    if (typeof started === 'number') return started;
    if (!started.ok) {
      for (const error of started.errors) log.logger('main').log('critical', error);
      signals.stop();
      return EXIT_FAILURE;
    }
    this.#started = started;
    allowYoungHeapToGrow();
    this.#sayStarted();
    return ended;
  }

  onTerminate(signal: NodeJS.Signals): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#parts.log
      .logger('main')
      .log('info', `${signal}: ending when requests in flight are done`, {
        drainMs: this.#parts.options.drain.shutdownMs,
      });
    // Whatever hangs, the process does not outlive its drain time by more than a second.
    const { shutdownMs } = this.#parts.options.drain;
    setTimeout(() => this.#end(0), shutdownMs + EXIT_GRACE_MS).unref();
    if (this.#started !== null) void this.#shutDown();
    else this.#end(0);
  }

  onTerminateAgain(signal: NodeJS.Signals): void {
    const { log } = this.#parts;
    log.logger('main').log('warning', `${signal} again: ending now`);
    log.flush();
    this.#started?.primary.close();
    process.exit(0);
  }

  onReload(): void {
    void this.#started?.primary.reload();
  }

  onReopenLogs(): void {
    this.#parts.log.reopen();
    this.#started?.primary.reopenLogs();
  }

  onReplaceWorkers(): void {
    const { options, log } = this.#parts;
    const logger = log.logger('main');
    if (options.concurrency === 1 || this.#started === null) {
      logger.log('warning', 'SIGUSR2: the only worker lives in this process, nothing is replaced');
      return;
    }
    logger.log('info', 'SIGUSR2: replacing the workers one by one');
    void this.#started.primary.workforce.replaceAll(options.drain.shutdownMs).then(() => {
      logger.log('info', 'every worker was replaced');
    });
  }

  async #shutDown(): Promise<void> {
    const started = this.#started;
    if (started === null) return;
    await started.primary.shutdown(this.#parts.options.drain.shutdownMs);
    await started.closeAdmin();
    this.#end(0);
  }

  #sayWarnings(): void {
    const { log, loaded, options } = this.#parts;
    const logger = log.logger('config');
    for (const { file, line, column, path, reason } of loaded.problems) {
      logger.log('warning', `${file}:${line}:${column}: ${path}: ${reason}`);
    }
    for (const flag of options.unusedFlags) {
      log.logger('main').log('debug', `${flag} is accepted and has no effect`);
    }
  }

  #sayStarted(): void {
    const started = this.#started;
    if (started === null) return;
    const logger = this.#parts.log.logger('main');
    const { adminAddress, primary } = started;
    if (adminAddress !== null) logger.log('info', `admin address: ${adminAddress.text}`);
    for (const { name, addresses } of primary.workforce.listeners) {
      if (addresses.length > 0) logger.log('info', `listener '${name}' on ${addresses.join(', ')}`);
    }
    logger.log('info', 'all listeners are bound, serving', {
      version: this.#parts.options.version,
      workers: this.#parts.options.concurrency,
      startMs: Math.round(performance.now()),
    });
  }
}
