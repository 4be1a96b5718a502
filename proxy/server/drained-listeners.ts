// What `/drain_listeners` asked for: it holds for workers that are made later as well.
import type { ToWorker } from './link.ts';

/** How listeners are to drain. */
export interface ListenerDrain {
  readonly inboundOnly: boolean;
  /** They stop accepting then, ms from now; 0: at once. */
  readonly afterMs: number;
  /** They never stop accepting: only connections end. */
  readonly keepsListening: boolean;
}

/** A worker that is told less begins no drain. */
const SHORTEST_MS = 1;

/** One per workforce. */
export class DrainedListeners {
  readonly #asked: (ListenerDrain & { readonly endMs: number })[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What workers that live are told. */
  ask(drain: ListenerDrain): ToWorker {
    this.#asked.push({ ...drain, endMs: this.#nowMs() + drain.afterMs });
    return { kind: 'drain-listeners', ...drain };
  }

  /** What a worker is told before it starts. */
  replay(): readonly ToWorker[] {
    return this.#asked.map(({ inboundOnly, keepsListening, endMs }) => {
      const leftMs = Math.max(0, Math.ceil(endMs - this.#nowMs()));
      const afterMs = keepsListening ? Math.max(SHORTEST_MS, leftMs) : leftMs;
      return { kind: 'drain-listeners', inboundOnly, afterMs, keepsListening };
    });
  }
}
