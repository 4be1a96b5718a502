// `outrigger run`: the life of a process, from its options to its exit status.
import { BootstrapSource, reportOf } from './bootstrap-source.ts';
import type { GoodBootstrap } from './configuration.ts';
import { ThreadLoader } from './load-in-thread.ts';
import { allowYoungHeapToGrow, giveMemoryBack } from './loading-phase.ts';
import { PinoLogSink } from './log-sink.ts';
import type { ServerOptions } from './options.ts';
import { ProcessSignals, type SignalHandler } from './signals.ts';
import { type StartedProxy, startProxy } from './start-proxy.ts';
import { endOnUnhandledError } from './unhandled-error.ts';
import { type LineHandler, type ServingProxy, Succession } from './upgrade/succession.ts';
import type { OwnCommand } from './upgrade/upgrade-request.ts';

/** Exit status of a proxy that could not start. */
const EXIT_FAILURE = 1;
/** Beyond the drain time, the process takes this long at most to end. */
const EXIT_GRACE_MS = 900;

/** An heir that is told to end with the rest of its line may take longer by this. */
const LINE_GRACE_MS = 500;

/** Serves until it is told to end; resolves with the exit status. `own` started this process. */
export async function runServer(options: ServerOptions, own: OwnCommand): Promise<number> {
  const log = new PinoLogSink({ ...options.log, worker: -1 });
  endOnUnhandledError(log, () => log.flush());
  const server = new RunningServer({ options, log, own });
  const status = await loadAndRun(server, new BootstrapSource(options), log);
  log.flush();
  return status;
}

/** Not async: whoever waits for the end would hold the configuration of the start until then. */
function loadAndRun(
  server: RunningServer,
  source: BootstrapSource,
  log: PinoLogSink,
): Promise<number> {
  const loaded = source.load();
  if (loaded.ok) return server.run(loaded);
  const report = reportOf(loaded, { colour: process.stderr.isTTY, warnings: false });
  log.flush();
  process.stderr.write(`${report}error initializing configuration '${source.name}'\n`);
  const reason = `error initializing configuration '${source.name}'\n${report.trimEnd()}`;
  return server.fail(reason).then(() => EXIT_FAILURE);
}

/** What a process is made of before it runs. */
interface ServerParts {
  readonly options: ServerOptions;
  readonly log: PinoLogSink;
  readonly own: OwnCommand;
}

/** Follows signals from its start to its end. */
class RunningServer implements SignalHandler, LineHandler {
  readonly #parts: ServerParts;
  readonly #succession: Succession;
  #started: ServingProxy | null = null;
  #isEnding = false;
  #isReplacing = false;
  /** Of the process of the line that served last; null: it lives, or there is none. */
  #lineStatus: number | null = null;
  #end: (status: number) => void = () => undefined;
  /** Called by an end that comes before it serves; null: it serves. */
  #giveUp: (() => void) | null = null;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { options, own, log } = parts;
    this.#succession = new Succession({
      ...{ options, own, log: log.logger('main') },
      onRetired: () => this.#onRetired(),
    });
  }

  /** It will not serve; resolves when whoever waits for it knows. */
  fail(reason: string): Promise<void> {
    return this.#succession.onFailed(reason);
  }

  async run(loaded: GoodBootstrap): Promise<number> {
    const { options, log } = this.#parts;
    const ended = new Promise<number>((resolve) => {
      this.#end = (status) => {
        resolve(status);
        this.#giveUp?.();
      };
    });
    const signals = new ProcessSignals(this);
    this.#succession.listen(this);
    this.#sayWarnings(loaded);
    const started = await this.#startUnlessEnded(loaded);
    if (started === null) return ended;
    if (!started.ok) {
      for (const error of started.errors) log.logger('main').log('critical', error);
      signals.stop();
      await this.fail(started.errors.join('; '));
      return EXIT_FAILURE;
    }
    this.#started = started;
    this.#succession.onServing(started);
    allowYoungHeapToGrow();
    this.#sayStarted(started, options);
    return ended;
  }

  /**
   * null: a signal ended the process before it ever served. No race with the end: that would hold
   * what was started until then.
   */
  #startUnlessEnded(loaded: GoodBootstrap): Promise<StartedProxy | null> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(null);
      const settle = (): void => {
        this.#giveUp = null;
      };
      this.#start(loaded).finally(settle).then(resolve, reject);
    });
  }

  async #start(loaded: GoodBootstrap): Promise<StartedProxy> {
    const { options, log } = this.#parts;
    const inheritance = await this.#succession.inherit();
    if (typeof inheritance === 'string') return { ok: false, errors: [inheritance] };
    const loader = new ThreadLoader(options);
    return startProxy({
      ...{ options, log, loaded, inheritance },
      load: () => loader.load(),
      quit: () => this.onTerminate('SIGTERM'),
      upgrade: (question) => this.#succession.upgrade(question),
      beforeAdmin: (primary) => this.#succession.catchUp(primary),
    });
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
    const { hasChildren, hasHandedOver } = this.#succession;
    const graceMs = EXIT_GRACE_MS + (hasChildren ? LINE_GRACE_MS : 0);
    setTimeout(() => this.#end(0), shutdownMs + graceMs).unref();
    this.#succession.onEnding();
    this.#succession.passOn('SIGTERM', true);
    if (this.#started !== null) void this.#shutDown();
    // Whose children serve ends as they end.
    else if (!(hasHandedOver && hasChildren)) this.#end(0);
  }

  onTerminateAgain(signal: NodeJS.Signals): void {
    const { log } = this.#parts;
    log.logger('main').log('warning', `${signal} again: ending now`);
    log.flush();
    this.#succession.passOn('SIGTERM', true);
    this.#started?.primary.close();
    process.exit(0);
  }

  onReload(): void {
    if (this.#succession.hasHandedOver) this.#succession.passOn('SIGHUP', false);
    else void this.#started?.primary.reload();
  }

  onReopenLogs(): void {
    this.#parts.log.reopen();
    this.#started?.primary.reopenLogs();
    this.#succession.passOn('SIGUSR1', true);
  }

  onReplaceWorkers(): void {
    if (this.#succession.hasHandedOver) {
      this.#succession.passOn('SIGUSR2', false);
      return;
    }
    const { options, log } = this.#parts;
    const logger = log.logger('main');
    if (options.concurrency === 1 || this.#started === null) {
      logger.log('warning', 'SIGUSR2: the only worker lives in this process, nothing is replaced');
      return;
    }
    if (this.#isReplacing) {
      logger.log('warning', 'SIGUSR2: the workers are being replaced already');
      return;
    }
    this.#isReplacing = true;
    logger.log('info', 'SIGUSR2: replacing the workers one by one');
    void this.#started.primary.workforce.replaceAll(options.drain.timeS * 1000).then(() => {
      this.#isReplacing = false;
      logger.log('info', 'every worker was replaced');
    });
  }

  /** Alone, nobody would serve until it is started anew: that is not delayed. */
  onLineEnded(status: number): void {
    this.#lineStatus = status;
    if (this.#isEnding && status === 0) this.#endWithLine();
    else this.#end(status);
  }

  onAllRetired(): void {
    if (this.#isEnding) this.#endWithLine();
  }

  /** Nobody would ever stop this process, or know that it serves. */
  onOrphaned(): void {
    this.onTerminate('SIGTERM');
  }

  #onRetired(): void {
    this.#started = null;
    giveMemoryBack();
    if (this.#isEnding) this.#endWithLine();
    else if (!this.#succession.hasChildren) this.#end(0);
  }

  async #shutDown(): Promise<void> {
    const started = this.#started;
    if (started === null) return;
    await started.primary.shutdown(this.#parts.options.drain.shutdownMs);
    await started.closeAdmin();
    this.#started = null;
    this.#endWithLine();
  }

  /** When neither this process nor any other one of the line has anything left to end. */
  #endWithLine(): void {
    const { hasChildren, areChildrenRetiring } = this.#succession;
    const isServed = hasChildren && this.#lineStatus === null;
    if (this.#started === null && !isServed && !areChildrenRetiring) this.#end(0);
  }

  #sayWarnings(loaded: GoodBootstrap): void {
    const { log, options } = this.#parts;
    const logger = log.logger('config');
    for (const { file, line, column, path, reason } of loaded.problems) {
      logger.log('warning', `${file}:${line}:${column}: ${path}: ${reason}`);
    }
    for (const flag of options.unusedFlags) {
      log.logger('main').log('debug', `${flag} is accepted and has no effect`);
    }
  }

  #sayStarted({ adminAddress, primary }: ServingProxy, options: ServerOptions): void {
    const logger = this.#parts.log.logger('main');
    if (adminAddress !== null) logger.log('info', `admin address: ${adminAddress.text}`);
    for (const { name, addresses } of primary.workforce.listeners) {
      if (addresses.length > 0) logger.log('info', `listener '${name}' on ${addresses.join(', ')}`);
    }
    logger.log('info', 'all listeners are bound, serving', {
      version: options.version,
      workers: options.concurrency,
      startMs: Math.round(performance.now()),
    });
  }
}
