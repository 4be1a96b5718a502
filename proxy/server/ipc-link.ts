// A link over the cluster module's IPC channel.
import type { ListenHandle } from '../net/socket-source.ts';
import type { ForkedWorker } from './forked-worker.ts';
import type { FromWorker, LinkEnd, ToWorker } from './link.ts';
import { decodeToWorker, encodeToWorker, type WireToWorker } from './link-codec.ts';

/** The primary's end of the link to a forked worker. */
export class PrimaryIpcEnd implements LinkEnd<ToWorker, FromWorker> {
  onMessage: ((message: FromWorker, handle: ListenHandle | null) => void) | null = null;
  onClosed: (() => void) | null = null;
  readonly #worker: ForkedWorker;
  /**
   * What is sent before the worker's program runs would be lost: node reads the channel from the
   * start, and nobody listens yet. Its first message says that somebody does.
   */
  #unsent: ToWorker[] | null = [];

  constructor(worker: ForkedWorker) {
    this.#worker = worker;
    worker.listen({
      onMessage: (message) => this.#receive(message as FromWorker),
      onExit: () => this.onClosed?.(),
    });
  }

  send(message: ToWorker, handle: ListenHandle | null = null): void {
    if (this.#unsent !== null) this.#unsent.push(message);
    else this.#worker.send(encodeToWorker(message), handle);
  }

  #receive(message: FromWorker): void {
    const unsent = this.#unsent;
    this.#unsent = null;
    for (const waiting of unsent ?? []) this.send(waiting);
    this.onMessage?.(message, null);
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
