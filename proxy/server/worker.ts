// A worker behind its link: turns messages into calls on its data path, and answers.
import type { CellRegistry } from '../base/cells/cell-registry.ts';
import type { LogLevel, LogSink } from '../base/log.ts';
import { idleLingerMs } from '../listener/retirement.ts';
import { LiveRuntime } from '../model/runtime.ts';
import type { ListenHandle } from '../net/socket-source.ts';
import type { HealthReports } from '../upstream/check-reporter.ts';
import { ActionQueue } from './action-queue.ts';
import { Compiler } from './compiler.ts';
import type { FromWorker, LinkEnd, ToldEndpoints, ToWorker, WorkerSettings } from './link.ts';
import { runtimeOf } from './runtime-store.ts';
import { UpdateApplier } from './update-applier.ts';
import { directCells, inheritedCells, unsharedCells, type WorkerCells } from './worker-cells.ts';
import { WorkerRuntime } from './worker-runtime.ts';
import { WorkerSockets } from './worker-sockets.ts';

/** Diagnostics that can be changed while they run. */
export interface AdjustableLog extends LogSink {
  /** Level of every component there is. */
  levels(): Readonly<Record<string, LogLevel>>;
  setLevels(levels: Readonly<Record<string, LogLevel>>): void;
  reopen(): void;
}

/** What a worker is made with. */
export interface WorkerParts {
  readonly link: LinkEnd<FromWorker, ToWorker>;
  readonly log: AdjustableLog;
  /** The primary's compiler, where the worker lives in its process; null: it makes its own. */
  readonly sharedCompiler: (() => Compiler) | null;
  /** The primary's book of shared cells, where the worker lives in its process; null: it asks. */
  readonly registry: CellRegistry | null;
  /** True when the log is the primary's too, which then sees to it. */
  readonly sharesLog: boolean;
  /** It has stopped: the process may end, or forget it. */
  readonly onStopped: () => void;
}

/** One worker. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #link: LinkEnd<FromWorker, ToWorker>;
  #compile: () => Compiler = notYet;
  readonly #sockets: WorkerSockets;
  #runtime: WorkerRuntime | null = null;
  #cells: WorkerCells = unsharedCells();
  #applierOf: UpdateApplier | null = null;
  #cutTimer: NodeJS.Timeout | null = null;
  #graceTimer: NodeJS.Timeout | null = null;
  #isStopped = false;
  /** Updates are applied one after the other: binding takes a while. */
  readonly #told = new ActionQueue((error) => this.#onFailed(error));

  constructor(parts: WorkerParts) {
    this.#sockets = new WorkerSockets(parts.link);
    this.#parts = parts;
    this.#link = parts.link;
    parts.link.onMessage = (message, handle) => this.#onMessage(message, handle);
    parts.link.send({ kind: 'hello', pid: process.pid });
  }

  /** Ends it at once, without a word to the primary. */
  async kill(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#clearTimers();
    this.#told.close();
    await this.#runtime?.close();
    this.#parts.onStopped();
  }

  #onMessage(message: ToWorker, handle: ListenHandle | null): void {
    if (message.kind === 'init') {
      this.#init(message.settings);
      return;
    }
    if (message.kind === 'socket') {
      this.#sockets.onSocket(message.id, message.error, handle);
      return;
    }
    if (message.kind === 'cells') {
      this.#cells.onPlaces(message.places);
      return;
    }
    if (this.#runtime !== null && !this.#isStopped) this.#dispatch(message, this.#runtime);
  }

  #init(settings: WorkerSettings): void {
    const { config } = new Compiler(new Map(), null).bootstrap(settings.bootstrap);
    if (config === null) throw new Error('the primary sent a bootstrap that does not compile');
    const { sharedCompiler } = this.#parts;
    const own = sharedCompiler === null ? this.#ownCompiler(settings) : null;
    this.#compile = () => own ?? (sharedCompiler as () => Compiler)();
    this.#cells = this.#openCells(settings);
    this.#runtime = new WorkerRuntime({
      settings,
      bootstrap: config,
      runtime: this.#compile().environment.runtime,
      log: this.#parts.log,
      sockets: this.#sockets,
      cells: this.#cells.cells,
      streaks: {
        onStreak: (cluster, address, streak) =>
          this.#link.send({ kind: 'streak', cluster, address, streak }),
      },
      healthReports: healthReports(this.#link),
    });
  }

  #ownCompiler({ runtime }: WorkerSettings): Compiler {
    const knownSecret = (key: string) => this.#runtime?.secrets.get(key) ?? null;
    return new Compiler(runtimeOf(runtime), null, { knownSecret });
  }

  #openCells({ cells }: WorkerSettings): WorkerCells {
    const { registry, link, log } = this.#parts;
    if (cells === null) return unsharedCells();
    if (registry !== null) return directCells(registry, cells.slot);
    return inheritedCells(cells, link, log.logger('main'));
  }

  #dispatch(
    message: Exclude<ToWorker, { readonly kind: 'init' | 'socket' | 'cells' }>,
    runtime: WorkerRuntime,
  ): void {
    switch (message.kind) {
      case 'update':
        this.#told.add(async () => {
          const outcome = await this.#applier(runtime).apply(message.update);
          this.#link.send({ kind: 'outcome', id: message.id, outcome });
        });
        return;
      case 'endpoints':
        // Behind the update that brought the clusters. The hosts of each of them change as one.
        for (const told of message.told) this.#told.add(() => takeEndpoints(told, runtime));
        return;
      case 'host-flags':
        this.#told.add(() =>
          runtime.clusters.setHostFlags(message.cluster, new Map(message.flags)),
        );
        return;
      case 'cluster-warm':
        this.#told.add(() => runtime.clusters.setWarm(message.cluster));
        return;
      case 'start':
        this.#told.add(async () => {
          const listeners = await runtime.listeners.start();
          this.#link.send({ kind: 'started', listeners });
        });
        return;
      case 'runtime':
        this.#setRuntime(message.values);
        return;
      case 'fail-health-check':
        runtime.isFailed = message.failed;
        return;
      case 'drain':
        this.#drain(message, runtime);
        return;
      case 'drain-listeners':
        this.#drainListeners(message, runtime);
        return;
      case 'stop':
        void this.#stop(runtime);
        return;
      case 'set-log-levels':
        if (!this.#parts.sharesLog) this.#parts.log.setLevels(message.levels);
        return;
      case 'reopen-logs':
        if (!this.#parts.sharesLog) this.#parts.log.reopen();
        runtime.accessLogs.reopen();
        return;
      case 'reset-counters':
        runtime.stats.resetCounters();
        return;
      case 'ask':
        this.#answer(message, runtime);
        return;
      case 'ask-loads':
        this.#link.send({
          kind: 'loads',
          id: message.id,
          loads: runtime.takeLoads(message.clusters),
        });
        return;
    }
  }

  /** At once: it does not wait for updates that are under way. */
  #setRuntime(values: WorkerSettings['runtime']['values']): void {
    // Beside the primary its compiler's runtime has changed already.
    if (this.#parts.sharedCompiler !== null) return;
    const { runtime } = this.#compile().environment;
    if (runtime instanceof LiveRuntime) runtime.replace(new Map(values));
  }

  #applier(runtime: WorkerRuntime): UpdateApplier {
    this.#applierOf ??= new UpdateApplier({
      compile: this.#compile,
      runtime,
      cellsSettled: () => this.#cells.settled(),
      log: this.#parts.log.logger('config'),
    });
    return this.#applierOf;
  }

  /** A fault of ours in what was told: what serves goes on serving. */
  #onFailed(error: unknown): void {
    const { log } = this.#parts;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.logger('config').log('critical', `taking over an update failed: ${stack}`);
  }

  #answer(question: Extract<ToWorker, { readonly kind: 'ask' }>, runtime: WorkerRuntime): void {
    const { id, what } = question;
    this.#link.send({
      kind: 'answer',
      id,
      stats: what === 'stats' ? runtime.statsSnapshot() : null,
      clusters: what === 'clusters' ? runtime.clusterStatuses() : null,
      listeners: what === 'listeners' ? runtime.listeners.states() : null,
      memory: what === 'memory' ? process.memoryUsage() : null,
    });
  }

  /** The end is near: what is left of connections at the deadline is cut. */
  #drain(message: Extract<ToWorker, { readonly kind: 'drain' }>, runtime: WorkerRuntime): void {
    const { listeners } = runtime;
    listeners.onEmpty = () => this.#link.send({ kind: 'drained' });
    if (message.manner === 'over-drain-time') listeners.drainOverTime();
    else listeners.drain(idleLingerMs(message.deadlineMs));
    if (this.#cutTimer !== null) clearTimeout(this.#cutTimer);
    this.#cutTimer = setTimeout(() => listeners.close(), message.deadlineMs);
  }

  /** `/drain_listeners`: the process lives on. */
  #drainListeners(
    message: Extract<ToWorker, { readonly kind: 'drain-listeners' }>,
    runtime: WorkerRuntime,
  ): void {
    const { listeners } = runtime;
    const { inboundOnly, afterMs, keepsListening } = message;
    if (afterMs === 0) {
      listeners.stopAccepting(inboundOnly);
      return;
    }
    listeners.beginDrain(inboundOnly);
    if (keepsListening) return;
    this.#graceTimer = setTimeout(() => listeners.stopAccepting(inboundOnly), afterMs);
    this.#graceTimer.unref();
  }

  async #stop(runtime: WorkerRuntime): Promise<void> {
    const loads = runtime.takeLoads(null);
    this.#link.send({ kind: 'last-stats', stats: runtime.statsSnapshot(), loads });
    await this.kill();
  }

  #clearTimers(): void {
    if (this.#cutTimer !== null) clearTimeout(this.#cutTimer);
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
  }
}

function takeEndpoints(told: ToldEndpoints, { clusters }: WorkerRuntime): void {
  const { cluster, endpoints, policy } = told;
  if (policy !== null) clusters.setPolicy(cluster, policy);
  if (endpoints !== null) clusters.setEndpoints(cluster, endpoints);
}

function healthReports(link: LinkEnd<FromWorker, ToWorker>): HealthReports {
  return {
    onClusterTraffic: (cluster) => link.send({ kind: 'cluster-traffic', cluster }),
    onImmediateFailure: (cluster, address) => link.send({ kind: 'host-failed', cluster, address }),
  };
}

function notYet(): Compiler {
  throw new Error('a resource came before the settings');
}
