// A link over the cluster module's IPC channel.
import type { SendHandle } from 'node:child_process';
import type { Worker as ClusterWorker } from 'node:cluster';
import type { ListenHandle } from '../net/socket-source.ts';
import type { FromWorker, LinkEnd, ToWorker } from './link.ts';
import { decodeToWorker, encodeToWorker, type WireToWorker } from './link-codec.ts';

/** The primary's end of the link to a forked worker. */
export class PrimaryIpcEnd implements LinkEnd<ToWorker, FromWorker> {
  onMessage: ((message: FromWorker, handle: ListenHandle | null) => void) | null = null;
  onClosed: (() => void) | null = null;
  readonly #worker: ClusterWorker;
  /**
   * What is sent before the worker's program runs would be lost: node reads the channel from the
   * start, and nobody listens yet. Its first message says that somebody does.
   */
  #unsent: ToWorker[] | null = [];

  constructor(worker: ClusterWorker) {
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => {
      this.#flush();
      this.onMessage?.(message, null);
    });
    worker.once('exit', () => this.onClosed?.());
    // Sending to a worker that just died: its exit follows and says all there is to say.
    worker.on('error', () => undefined);
  }

  send(message: ToWorker, handle: ListenHandle | null = null): void {
    if (this.#unsent !== null) this.#unsent.push(message);
    else this.#send(message, handle);
  }

  #flush(): void {
    const unsent = this.#unsent;
    this.#unsent = null;
    for (const message of unsent ?? []) this.#send(message, null);
  }

  #send(message: ToWorker, handle: ListenHandle | null): void {
    if (!this.#worker.isConnected()) return;
    // The callback takes EPIPE of a worker that died a moment ago; its 'exit' follows.
    const socket = (handle ?? undefined) as SendHandle | undefined;
    this.#worker.send(encodeToWorker(message), socket, () => undefined);
  }
}

/** A forked worker's end. */
export class WorkerIpcEnd implements LinkEnd<FromWorker, ToWorker> {
  onMessage: ((message: ToWorker, handle: ListenHandle | null) => void) | null = null;
  onClosed: (() => void) | null = null;

  constructor() {
    process.on('message', (wire: WireToWorker, handle: unknown) => {
      this.onMessage?.(decodeToWorker(wire), (handle ?? null) as ListenHandle | null);
    });
    process.once('disconnect', () => this.onClosed?.());
  }

  send(message: FromWorker): void {
    if (process.connected !== true || process.send === undefined) return;
    process.send(message, undefined, undefined, () => undefined);
  }
}
