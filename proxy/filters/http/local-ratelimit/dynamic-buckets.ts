// The buckets of a wildcard descriptor: one for each value that requests bring, the least recently
// used of them given up for new ones. All workers find the same bucket for a value, without asking
// anybody: a table of tags in shared cells says whose bucket is whose.
import type { CellUser } from '../../../base/cells/shared-cells.ts';
import type { SharedInts } from '../../../base/cells/shared-ints.ts';
import type { SharedTokenBucket } from '../../../base/cells/shared-token-bucket.ts';
import { xxHash64 } from '../../../base/xx-hash.ts';

/** A slot: two halves of the value's hash, and when it was used. In front of all: the count of uses. */
const SLOT_CELLS = 3;
const USES = 0;
const FIRST = 1;

/** Nobody's slot. */
const FREE = 0;
/** Somebody is about to take it. */
const BUSY = -1;
/** Whoever takes a slot needs no longer than a few stores; who takes that long has died. */
const MAX_SPINS = 100_000;

/** For one value at a time. */
const hash = { high: 0, low: 0 };

/** See the file's head. */
export class DynamicBuckets {
  readonly #buckets: readonly SharedTokenBucket[];
  readonly #table: SharedInts;

  /** `key` names them in `cells`; `size`: of so many values at a time. */
  constructor(cells: CellUser, key: string, size: number) {
    this.#buckets = Array.from({ length: size }, (_, index) => cells.bucket(`${key}/${index}`));
    this.#table = cells.ints(`${key}/table`, FIRST + size * SLOT_CELLS);
  }

  /** The bucket of a value (a byte string); a new one is full. */
  of(value: string): SharedTokenBucket {
    xxHash64(value, hash);
    const tag = tagOf(hash.low);
    const check = hash.high | 0;
    const known = this.#find(tag, check, this.#buckets.length);
    const slot = known >= 0 ? known : this.#take(tag, check);
    this.#table.set(placeOf(slot) + 2, this.#table.add(USES, 1));
    return this.#buckets[slot] as SharedTokenBucket;
  }

  /** The first slot below `end` with that hash; -1: none. */
  #find(tag: number, check: number, end: number): number {
    for (let slot = 0; slot < end; slot += 1) {
      const at = placeOf(slot);
      if (this.#settledTag(at) === tag && this.#table.get(at + 1) === check) return slot;
    }
    return -1;
  }

  /** Waits for who is about to take the slot: it may be for the same value. */
  #settledTag(at: number): number {
    for (let spins = 0; spins < MAX_SPINS; spins += 1) {
      const tag = this.#table.get(at);
      if (tag !== BUSY) return tag;
    }
    this.#table.compareExchange(at, BUSY, FREE);
    return FREE;
  }

  #take(tag: number, check: number): number {
    for (;;) {
      const slot = this.#oldest();
      const at = placeOf(slot);
      const old = this.#settledTag(at);
      if (this.#table.compareExchange(at, old, BUSY) !== old) continue;
      this.#table.set(at + 1, check);
      this.#buckets[slot]?.refill();
      this.#table.set(at, tag);
      // Who took one for the same value at the same time sees this one, or is seen: the first counts.
      const first = this.#find(tag, check, slot);
      if (first < 0) return slot;
      this.#table.compareExchange(at, tag, FREE);
      return first;
    }
  }

  #oldest(): number {
    const now = this.#table.get(USES);
    let oldest = 0;
    let longest = -1;
    for (let slot = 0; slot < this.#buckets.length; slot += 1) {
      const at = placeOf(slot);
      if (this.#table.get(at) === FREE) return slot;
      // Unsigned: the count of uses wraps.
      const since = (now - this.#table.get(at + 2)) >>> 0;
      if (since <= longest) continue;
      longest = since;
      oldest = slot;
    }
    return oldest;
  }
}

function placeOf(slot: number): number {
  return FIRST + slot * SLOT_CELLS;
}

function tagOf(low: number): number {
  const tag = low | 0;
  return tag === FREE || tag === BUSY ? 1 : tag;
}
