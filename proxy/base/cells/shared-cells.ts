// The shared cells of one process by key. Whoever asks gets an object at once; it counts for this
// process alone until the primary has said where its cells are, which takes a moment.
import { type CellRequest, NO_ROOM } from './cell-registry.ts';
import type { SharedRegion } from './region.ts';
import { SharedCounter } from './shared-counter.ts';
import { SharedInts } from './shared-ints.ts';
import { BUCKET_INTS, SharedTokenBucket } from './shared-token-bucket.ts';
import { SharedWindow, WINDOW_INTS } from './shared-window.ts';

/** The place is told later, by `SharedCells.bind`. */
export const PENDING = -2;

/** Who knows where cells are. */
export interface CellSource {
  /** The first cell's number, NO_ROOM or PENDING. */
  want(request: CellRequest): number;
  /** Nobody here uses the cells any more. */
  giveUp(key: string): void;
}

/** Where this process stands among those that map the region. */
export interface CellsPlace {
  /** null: there is none, everything counts for this process alone. */
  readonly region: SharedRegion | null;
  /** -1: no other process counts. */
  readonly slot: number;
  readonly source: CellSource;
  /** A monotonic clock in ms that all processes of the region share. */
  readonly nowMs: () => number;
}

type Cells = SharedCounter | SharedInts | SharedTokenBucket | SharedWindow;

interface Entry {
  readonly cells: Cells;
  users: number;
}

/** Where cells are taken. Each `counter`, `ints` and `bucket` is paired with one `release`. */
export interface CellUser {
  /** True: what is counted here is counted together with all other workers, if there are any. */
  readonly isShared: boolean;
  /** The time for token buckets. */
  nowMs(): number;
  /** The counter of that key; the same object for all users here. */
  counter(key: string): SharedCounter;
  /** A block of `size` plain cells. */
  ints(key: string, size: number): SharedInts;
  /** A token bucket; who asks first finds it full. */
  bucket(key: string): SharedTokenBucket;
  /** A user is done with the key, and holds nothing there. The last one ends it. */
  release(key: string): void;
}

/** See the file's head. */
export class SharedCells implements CellUser {
  readonly #place: CellsPlace;
  readonly #entries = new Map<string, Entry>();

  constructor(place: CellsPlace) {
    this.#place = place;
  }

  get isShared(): boolean {
    return this.#place.region !== null;
  }

  nowMs(): number {
    return this.#place.nowMs();
  }

  counter(key: string): SharedCounter {
    return this.#hold({ key, kind: 'counter', size: 1 }, () => new SharedCounter());
  }

  ints(key: string, size: number): SharedInts {
    return this.#hold({ key, kind: 'ints', size }, () => new SharedInts(size));
  }

  bucket(key: string): SharedTokenBucket {
    const request = { key, kind: 'ints', size: BUCKET_INTS } as const;
    return this.#hold(request, () => new SharedTokenBucket());
  }

  /** What was counted of late; paired with `release` as the others are. */
  window(key: string): SharedWindow {
    const request = { key, kind: 'ints', size: WINDOW_INTS } as const;
    return this.#hold(request, () => new SharedWindow());
  }

  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(key);
    // Before anybody else is given the cells.
    entry.cells.unbind();
    if (this.#place.region !== null) this.#place.source.giveUp(key);
  }

  /** The primary has said where the cells of a key are. */
  bind(key: string, first: number): void {
    const { region, slot } = this.#place;
    const entry = this.#entries.get(key);
    if (entry === undefined || region === null || first === NO_ROOM) return;
    if (entry.cells instanceof SharedCounter) entry.cells.bind(region.place(slot, first));
    else entry.cells.bind(region.cells, region.intAt(first));
  }

  #hold<T extends Cells>(request: CellRequest, make: () => T): T {
    const known = this.#entries.get(request.key);
    if (known !== undefined) {
      known.users += 1;
      return known.cells as T;
    }
    const cells = make();
    this.#entries.set(request.key, { cells, users: 1 });
    if (this.#place.region === null) return cells;
    const first = this.#place.source.want(request);
    if (first !== PENDING) this.bind(request.key, first);
    return cells;
  }
}

/** Cells of a process that shares with nobody. */
export function privateCells(nowMs: () => number): SharedCells {
  return new SharedCells({
    region: null,
    slot: -1,
    source: { want: () => NO_ROOM, giveUp: () => undefined },
    nowMs,
  });
}
