// The dynamic table as an encoder sees it: the same entries as the peer's decoder holds, found by
// name and value. Entries of one name form a chain, newest first.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { EncodedName, EncoderEntry } from './encoded-name.ts';
import { ENTRY_OVERHEAD } from './table-entry.ts';

const FIRST_CAPACITY = 32;

/** Entries of one name that are compared; with more of them the name is no good for the table. */
const MAX_COMPARED = 8;

/** A dynamic table. */
export class EncoderTable {
  /** Rises with everything that changes what an index means. */
  generation = 0;
  size = 0;
  maxSize: number;
  #ring: (EncoderEntry | null)[] = new Array<EncoderEntry | null>(FIRST_CAPACITY).fill(null);
  #inserted = 0;
  #count = 0;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /** Dynamic index, from 0 for the newest, of a field; -1 when it is not there. */
  find(name: EncodedName, value: string): number {
    let entry = name.newest;
    for (let left = MAX_COMPARED; entry !== null && left > 0; left -= 1) {
      if (entry.value === value && this.#isHeld(entry)) return this.#inserted - 1 - entry.number;
      entry = entry.older;
    }
    return -1;
  }

  /** Dynamic index of the newest entry of this name; -1 when there is none. */
  findName(name: EncodedName): number {
    const entry = name.newest;
    return entry === null ? -1 : this.#inserted - 1 - entry.number;
  }

  canHold(octets: number): boolean {
    return octets + ENTRY_OVERHEAD <= this.maxSize;
  }

  /** Adds an entry that the table can hold. */
  insert(name: EncodedName, value: string): void {
    const needed = sizeOf(name, value);
    this.#shrinkTo(this.maxSize - needed);
    if (this.#count === this.#ring.length) this.#grow();
    const entry = { name, value, number: this.#inserted, older: name.newest };
    name.newest = entry;
    this.#ring[this.#inserted & (this.#ring.length - 1)] = entry;
    this.#inserted += 1;
    this.#count += 1;
    this.generation += 1;
    this.size += needed;
    if (INVARIANTS) this.checkInvariants();
  }

  resize(maxSize: number): void {
    this.maxSize = maxSize;
    this.generation += 1;
    this.#shrinkTo(maxSize);
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    let size = 0;
    for (let back = 1; back <= this.#count; back += 1) {
      const number = this.#inserted - back;
      const entry = this.#ring[number & (this.#ring.length - 1)] as EncoderEntry;
      invariant(entry.number === number, 'encoder table: entries stand where their number says');
      size += sizeOf(entry.name, entry.value);
    }
    invariant(size === this.size, 'encoder table: size is the sum of its entries');
    invariant(size <= this.maxSize, 'encoder table: never above its limit');
  }

  #isHeld(entry: EncoderEntry): boolean {
    return entry.number >= this.#inserted - this.#count;
  }

  #shrinkTo(size: number): void {
    const mask = this.#ring.length - 1;
    while (this.size > size) {
      const oldest = (this.#inserted - this.#count) & mask;
      const entry = this.#ring[oldest]!;
      this.size -= sizeOf(entry.name, entry.value);
      // Whatever was older is gone already: chains hold no more than one entry that is.
      entry.older = null;
      if (entry.name.newest === entry) entry.name.newest = null;
      this.#ring[oldest] = null;
      this.#count -= 1;
    }
  }

  #grow(): void {
    const old = this.#ring;
    const ring = new Array<EncoderEntry | null>(old.length * 2).fill(null);
    for (const entry of old) if (entry !== null) ring[entry.number & (ring.length - 1)] = entry;
    this.#ring = ring;
  }
}

function sizeOf(name: EncodedName, value: string): number {
  return name.text.length + value.length + ENTRY_OVERHEAD;
}
