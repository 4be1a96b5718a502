// Who holds which cells of a region: the primary's book. A key means the same cells to everybody
// until the last who asked for it has given it up or died.
import { CellAllocator } from './cell-allocator.ts';
import type { SharedRegion } from './region.ts';
import { BUCKET_INTS } from './shared-token-bucket.ts';

/** Cells that somebody asks for. */
export interface CellRequest {
  /** `cluster/<name>/default/requests` and the like. Whoever asks for it asks for the same kind. */
  readonly key: string;
  readonly kind: 'counter' | 'ints';
  /** Plain cells wanted; 1 for a counter. */
  readonly size: number;
}

/** There is no room: whoever asked counts for itself. */
export const NO_ROOM = -1;

/** Attempts at once to find every process between two changes: each takes about a microsecond. */
const REPAIR_ATTEMPTS = 1000;

/** Of tens of thousands: small. */
interface Allotted {
  readonly kind: CellRequest['kind'];
  readonly size: number;
  readonly first: number;
  /** Slots in rising order; a list that all share which the same hold. */
  holders: Holders;
}

type Holders = readonly number[];

/** More lists than these are not remembered. */
const MAX_LISTS = 1000;

/** See the file's head. */
export class CellRegistry {
  readonly region: SharedRegion;
  readonly #counters: CellAllocator;
  readonly #ints: CellAllocator;
  readonly #allotted = new Map<string, Allotted>();
  readonly #joined = new Set<number>();
  /** Counters that may be 1 too large, because somebody died in the midst of a change. */
  readonly #doubtful = new Set<number>();
  readonly #lists = new Map<string, Holders>();
  #isFull = false;

  constructor(region: SharedRegion) {
    this.region = region;
    this.#counters = new CellAllocator(region.layout.counters, 1);
    this.#ints = new CellAllocator(region.layout.ints, BUCKET_INTS);
  }

  /** True once somebody was told that there is no room. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** A slot for a process; NO_ROOM when too many live. */
  join(): number {
    for (let slot = 0; slot < this.region.layout.slots; slot += 1) {
      if (this.#joined.has(slot)) continue;
      this.#joined.add(slot);
      return slot;
    }
    return NO_ROOM;
  }

  /** Where the cells are, for the process of that slot; NO_ROOM: there are none. */
  want(slot: number, request: CellRequest): number {
    const known = this.#allotted.get(request.key);
    if (known !== undefined) {
      if (!known.holders.includes(slot)) known.holders = this.#list([...known.holders, slot]);
      return isAlike(known, request) ? known.first : NO_ROOM;
    }
    const first = this.#areaOf(request).take(request.size);
    if (first === NO_ROOM) {
      this.#isFull = true;
      return NO_ROOM;
    }
    // The word itself: a request that came over the link brought a copy of it.
    const kind = request.kind === 'counter' ? 'counter' : 'ints';
    this.#allotted.set(request.key, {
      kind,
      size: request.size,
      first,
      holders: this.#list([slot]),
    });
    return first;
  }

  /** The process of that slot does not use the cells any more, and holds nothing there. */
  giveUp(slot: number, key: string): void {
    const allotted = this.#allotted.get(key);
    if (allotted !== undefined && this.#drop(slot, allotted)) this.#freeIfUnused(key, allotted);
  }

  /** The process of that slot is dead: what it held is given back. */
  leave(slot: number): void {
    if (!this.#joined.has(slot)) return;
    const { region } = this;
    const isInDoubt = region.diedBusy(slot);
    region.resetSlot(slot);
    for (const [key, allotted] of this.#allotted) {
      if (!this.#drop(slot, allotted)) continue;
      if (allotted.kind === 'counter') {
        region.giveBack(slot, allotted.first);
        if (isInDoubt) this.#doubtful.add(allotted.first);
      }
      this.#freeIfUnused(key, allotted);
    }
    this.#joined.delete(slot);
    this.repair();
  }

  /** Puts right what a death left in doubt; true when no doubt is left. False: call it again soon. */
  repair(): boolean {
    for (const counter of this.#doubtful) {
      let isDone = false;
      for (let count = 0; count < REPAIR_ATTEMPTS && !isDone; count += 1) {
        isDone = this.region.repair(counter);
      }
      if (!isDone) return false;
      this.#doubtful.delete(counter);
    }
    return true;
  }

  /** False: it did not hold them. */
  #drop(slot: number, allotted: Allotted): boolean {
    const { holders } = allotted;
    if (!holders.includes(slot)) return false;
    allotted.holders = this.#list(holders.filter((other) => other !== slot));
    return true;
  }

  /** The same list for the same slots: most cells are held by all workers. */
  #list(slots: number[]): Holders {
    slots.sort((left, right) => left - right);
    const key = slots.join();
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
    this.#lists.set(key, slots);
    return slots;
  }

  #freeIfUnused(key: string, { kind, size, first, holders }: Allotted): void {
    if (holders.length > 0) return;
    this.#allotted.delete(key);
    if (kind === 'counter') {
      this.#doubtful.delete(first);
      this.region.clearCounter(first);
    } else {
      this.region.clearInts(first, size);
    }
    this.#areaOf({ kind }).giveBack(first, size);
  }

  #areaOf({ kind }: Pick<CellRequest, 'kind'>): CellAllocator {
    return kind === 'counter' ? this.#counters : this.#ints;
  }
}

type Measure = Pick<CellRequest, 'kind' | 'size'>;

function isAlike(left: Measure, right: Measure): boolean {
  return left.kind === right.kind && left.size === right.size;
}
