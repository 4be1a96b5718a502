// How many downstream connections there may be: of a listener, or of all listeners together, over
// all workers.
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { SharedCounter } from '../base/cells/shared-counter.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Live } from '../model/runtime.ts';

/** A limit that all workers count together. */
export interface SharedLimit {
  /** Read for each connection; null: none. */
  readonly limit: Live<number | null>;
  readonly counter: SharedCounter;
}

/** Counts them: each that is taken is given back once. */
export class ConnectionBudget {
  readonly #ownLimit: number;
  readonly #shared: SharedLimit | null;
  #active = 0;

  /** `ownLimit` is of this process alone; `shared` null: there is no other. */
  constructor(ownLimit: number, shared: SharedLimit | null) {
    this.#ownLimit = ownLimit;
    this.#shared = shared;
  }

  /** Connections of this process. */
  get active(): number {
    return this.#active;
  }

  /** False: one more would be too many, by the time of this call. */
  get hasRoom(): boolean {
    const shared = this.#shared;
    return (
      this.#active < this.#ownLimit && (shared === null || shared.counter.taken < limitOf(shared))
    );
  }

  /** Takes a place if there is one. */
  tryTake(): boolean {
    if (this.#active >= this.#ownLimit) return false;
    const shared = this.#shared;
    if (shared !== null && !shared.counter.tryAcquire(limitOf(shared))) return false;
    this.#active += 1;
    return true;
  }

  /** Takes a place, whether there is one or not. */
  take(): void {
    this.#shared?.counter.acquire();
    this.#active += 1;
  }

  /** A connection is gone. */
  giveBack(): void {
    this.#shared?.counter.release();
    this.#active -= 1;
  }
}

function limitOf({ limit }: SharedLimit): number {
  return limit.value ?? Number.POSITIVE_INFINITY;
}

/**
 * Of one listener; null: it has none. One that replaces another of its name counts that one's
 * connections, too, until they end.
 */
export function openListenerLimit(
  { connectionLimit: limit, name }: Pick<ListenerConfig, 'connectionLimit' | 'name'>,
  cells: CellUser,
): ConnectionBudget | null {
  if (limit === null) return null;
  const counter = cells.counter(`listener/${name}/connections`);
  return new ConnectionBudget(Number.POSITIVE_INFINITY, { limit, counter });
}
