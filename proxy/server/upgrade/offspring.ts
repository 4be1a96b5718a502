// A process of the line as its parent, the first of the line, holds it.
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { systemErrorText } from '../../base/system-error.ts';
import type { FromRoot, FromSuccessor, Launch, ToRoot, ToSuccessor } from './messages.ts';
import { SUCCESSOR_VARIABLE } from './messages.ts';

/** What a shell adds to a signal's number. */
const KILLED_BY_SIGNAL = 128;

/** What a child says: as a successor, and as one that wants one. */
export type FromOffspring = FromSuccessor | ToRoot;

/** One child. */
export class Offspring {
  readonly #process: ChildProcess;
  #error = '';
  #hasEnded = false;
  onMessage: (message: FromOffspring, handle: object | null) => void = () => undefined;
  /** `status` is what a shell would say. */
  onEnded: (reason: string, status: number) => void = () => undefined;

  constructor({ file, args }: Launch) {
    this.#process = spawn(file, args, {
      // Its own process group: Ctrl-C on a terminal reaches the first of the line, which passes on
      // what is meant for all.
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [SUCCESSOR_VARIABLE]: '1' },
    });
    this.#process.on('message', (message: unknown, handle: unknown) =>
      this.onMessage(message as FromOffspring, (handle ?? null) as object | null),
    );
    this.#process.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = `cannot start ${file}: ${systemErrorText(error)}`;
      // Without a process there is no exit.
      if (this.#process.pid === undefined) this.#end(this.#error, 1);
    });
    this.#process.once('exit', (code, signal) => this.#onExit(code, signal));
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when it is on its way, or cannot be any more. */
  send(message: ToSuccessor | FromRoot, handle: object | null = null): Promise<void> {
    if (!this.#process.connected) return Promise.resolve();
    const socket = (handle ?? undefined) as SendHandle | undefined;
    // An error: it died a moment ago, which is told otherwise.
    return new Promise((resolve) => this.#process.send(message, socket, {}, () => resolve()));
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#process.kill(signal);
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (signal === null) this.#end(`it ended with status ${code}`, code ?? 0);
    else this.#end(`it was ended by ${signal}`, KILLED_BY_SIGNAL + constants.signals[signal]);
  }

  #end(reason: string, status: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.onEnded(reason, status);
  }
}
