// A link inside one process: primary and worker side by side, nothing is serialised.
import type { ListenHandle } from '../net/socket-source.ts';
import type { FromWorker, LinkEnd, ToWorker } from './link.ts';

/** Both ends of a link. */
export interface LinkPair {
  readonly primary: LinkEnd<ToWorker, FromWorker>;
  readonly worker: LinkEnd<FromWorker, ToWorker>;
  /** Both ends see the other one gone; what was sent before still arrives. */
  close(): void;
}

/** Joins two ends in memory. A message arrives in a microtask, never inside `send`, as over IPC. */
export function directLink(): LinkPair {
  const primary = new DirectEnd<ToWorker, FromWorker>();
  const worker = new DirectEnd<FromWorker, ToWorker>();
  primary.peer = worker;
  worker.peer = primary;
  return {
    primary,
    worker,
    close: () => {
      primary.close();
      worker.close();
    },
  };
}

class DirectEnd<Out, In> implements LinkEnd<Out, In> {
  peer: DirectEnd<In, Out> | null = null;
  onMessage: ((message: In, handle: ListenHandle | null) => void) | null = null;
  onClosed: (() => void) | null = null;
  #closed = false;

  send(message: Out, handle: ListenHandle | null = null): void {
    if (this.#closed) return;
    queueMicrotask(() => this.peer?.onMessage?.(message, handle));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    queueMicrotask(() => this.onClosed?.());
  }
}
