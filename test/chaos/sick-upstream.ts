// Commands an upstream process: answers, resets, refuses, falls silent, dies.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Illness, UpstreamOrder, UpstreamReport } from './illness.ts';

/** Ways to fail that need more than the process's own will. */
export type Failure = Illness | 'killed' | 'blackholed';

const PROGRAM = fileURLToPath(new URL('./sick-upstream-process.js', import.meta.url));
/** More than its backlog holds. */
const FILLERS = 4;
/** Until the kernel has stopped a process and taken the fillers. */
const STOP_MS = 100;

/** One upstream. */
export class SickUpstream {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #fillers: Socket[] = [];

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  /** Starts one that is well. */
  static async start(): Promise<SickUpstream> {
    const process = fork(PROGRAM);
    const [{ port }] = (await once(process, 'message')) as [UpstreamReport];
    return new SickUpstream(process, port);
  }

  /** Requests that reached it so far. */
  async requests(): Promise<number> {
    return (await this.#order({ kind: 'report' })).requests;
  }

  /** Resolves when it fails in that way. */
  async fail(how: Failure): Promise<void> {
    if (how === 'killed') {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    } else if (how === 'blackholed') await this.#swallow();
    else await this.#order({ kind: 'fall-ill', illness: how });
  }

  async stop(): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await this.fail('killed');
    }
  }

  /** Nobody accepts, and the queue is full: the kernel drops every SYN. */
  async #swallow(): Promise<void> {
    await this.fail('backlogged');
    this.#process.kill('SIGSTOP');
    await delay(STOP_MS);
    for (let count = 0; count < FILLERS; count += 1) {
      const socket = connect(this.port, '127.0.0.1');
      socket.on('error', () => undefined);
      this.#fillers.push(socket);
    }
    await delay(STOP_MS);
  }

  async #order(order: UpstreamOrder): Promise<UpstreamReport> {
    const answered = once(this.#process, 'message') as Promise<[UpstreamReport]>;
    this.#process.send(order);
    return (await answered)[0];
  }
}
