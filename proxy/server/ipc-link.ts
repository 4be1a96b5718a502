// A link over the cluster module's IPC channel.
import type { ListenHandle } from '../net/socket-source.ts';
import type { ForkedWorker } from './forked-worker.ts';
import type { FromWorker, LinkEnd, ToWorker } from './link.ts';
import { decodeToWorker, encodeToWorker, type WireToWorker } from './link-codec.ts';

/** Messages on their way at once: a new worker is told thousands, each of which is a copy then. */
const MAX_ON_THE_WAY = 64;

/** The primary's end of the link to a forked worker. */
export class PrimaryIpcEnd implements LinkEnd<ToWorker, FromWorker> {
  onMessage: ((message: FromWorker, handle: ListenHandle | null) => void) | null = null;
  onClosed: (() => void) | null = null;
  readonly #worker: ForkedWorker;
  /** In their order; encoded when there is room for them. */
  #unsent: (readonly [message: ToWorker, handle: ListenHandle | null])[] = [];
  #onTheWay = 0;
  /**
   * What is sent before the worker's program runs would be lost: node reads the channel from the
   * start, and nobody listens yet. Its first message says that somebody does.
   */
  #isHeard = false;
  #isPlanned = false;

  constructor(worker: ForkedWorker) {
    this.#worker = worker;
    worker.listen({
      onMessage: (message) => this.#receive(message as FromWorker),
      onExit: () => this.onClosed?.(),
    });
  }

  send(message: ToWorker, handle: ListenHandle | null = null): void {
    const hasRoom = this.#isHeard && this.#unsent.length === 0 && this.#onTheWay < MAX_ON_THE_WAY;
    if (hasRoom) this.#write(message, handle);
    else this.#unsent.push([message, handle]);
  }

  #write(message: ToWorker, handle: ListenHandle | null): void {
    this.#onTheWay += 1;
    this.#worker.send(encodeToWorker(message), handle, () => {
      this.#onTheWay -= 1;
      if (this.#unsent.length > 0) this.#plan();
    });
  }

  /** In a turn of its own: a worker that reads fast must not keep the loop for itself. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#writeWaiting();
    });
  }

  #writeWaiting(): void {
    const count = Math.min(this.#unsent.length, MAX_ON_THE_WAY - this.#onTheWay);
    const next = this.#unsent.slice(0, count);
    this.#unsent = this.#unsent.slice(count);
    for (const [message, handle] of next) this.#write(message, handle);
  }

  #receive(message: FromWorker): void {
    if (!this.#isHeard) {
      this.#isHeard = true;
      this.#writeWaiting();
    }
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
