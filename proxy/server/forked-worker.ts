// Forks workers, before anything that takes long to load: a worker loads its program while the
// primary loads its own and reads the configuration.
import type { SendHandle } from 'node:child_process';
import cluster, { type Worker as ClusterWorker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { makeRegionMemory, type RegionMemory, WORKER_MEMORY_FD } from './region-memory.ts';

/** The environment variable by which a worker learns how to log before its first message. */
export const WORKER_LOG_VARIABLE = 'OUTRIGGER_WORKER_LOG';

/** Who hears a worker. */
export interface ForkedWorkerHandler {
  onMessage(message: unknown): void;
  onExit(): void;
}

/** One forked worker; what it says before anybody listens is kept. */
export class ForkedWorker {
  readonly pid: number;
  readonly #worker: ClusterWorker;
  readonly #early: unknown[] = [];
  #handler: ForkedWorkerHandler | null = null;
  #hasExited = false;

  constructor(worker: ClusterWorker) {
    this.#worker = worker;
    this.pid = worker.process.pid ?? 0;
    worker.on('message', (message: unknown) => {
      if (this.#handler === null) this.#early.push(message);
      else this.#handler.onMessage(message);
    });
    worker.once('exit', () => {
      this.#hasExited = true;
      this.#handler?.onExit();
    });
    // Sending to a worker that just died: its exit follows and says all there is to say.
    worker.on('error', () => undefined);
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Hears the worker from its first message on. */
  listen(handler: ForkedWorkerHandler): void {
    this.#handler = handler;
    for (const message of this.#early.splice(0)) handler.onMessage(message);
  }

  /** `onSent` follows when it is written, or cannot be any more. */
  send(message: object, handle: object | null, onSent: () => void = () => undefined): void {
    if (!this.#worker.isConnected()) return;
    const socket = (handle ?? undefined) as SendHandle | undefined;
    // The callback takes EPIPE of a worker that died a moment ago; its 'exit' follows.
    this.#worker.send(message, socket, onSent);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}

/** Workers that were forked and not yet asked for, by index. */
const early = new Map<number, ForkedWorker>();

/** What every worker of this process inherits; like the cluster module's settings there is one. */
let memory: RegionMemory | null = null;

/** The memory that this process shares with its workers, made at the first question. */
export function workerMemory(workers: number): RegionMemory {
  memory ??= makeRegionMemory(workers);
  return memory;
}

/** Forks a worker. `logSettings` is what worker-main reads to open its log. */
export function forkWorker(index: number, logSettings: object): ForkedWorker {
  const waiting = early.get(index);
  early.delete(index);
  if (waiting !== undefined && !waiting.hasExited) return waiting;
  // Workers accept for themselves: handing connections over (SCHED_RR) costs 3 to 4 times as much
  // for each. Sockets of their own (reusePort) would lose what waits in a dead worker's queue.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL(`./worker-main${import.meta.url.slice(-3)}`, import.meta.url)),
    args: [],
    serialization: 'advanced',
    stdio: inherited(),
  });
  const settings = JSON.stringify({ ...logSettings, index });
  return new ForkedWorker(cluster.fork({ [WORKER_LOG_VARIABLE]: settings }));
}

/** A worker's descriptors from 0; the channel is where the cluster module has it by default. */
function inherited(): ('inherit' | 'ipc' | number)[] {
  const stdio: ('inherit' | 'ipc' | number)[] = ['inherit', 'inherit', 'inherit', 'ipc'];
  if (typeof memory?.fd === 'number') stdio[WORKER_MEMORY_FD] = memory.fd;
  return stdio;
}

/** Forks workers ahead of their use; `forkWorker` gives them out. */
export function forkEarly(count: number, logSettings: object): void {
  workerMemory(count);
  for (let index = 0; index < count; index += 1) early.set(index, forkWorker(index, logSettings));
}
