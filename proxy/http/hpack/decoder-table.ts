// The dynamic table as a decoder sees it (RFC 7541 §2.3.2): a ring of entries, newest first.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import { ENTRY_OVERHEAD, type TableEntry } from './table-entry.ts';

const FIRST_CAPACITY = 32;

/** A dynamic table. */
export class DecoderTable {
  /** Rises with everything that changes what an index means. */
  generation = 0;
  /** Octets in use, and the most that there may be (RFC 7541 §4.1). */
  size = 0;
  maxSize: number;
  /** A power of two in length; the entry inserted as number n stands at n modulo that. */
  #ring: (TableEntry | null)[] = new Array<TableEntry | null>(FIRST_CAPACITY).fill(null);
  #inserted = 0;
  #count = 0;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /** Number of entries. */
  get count(): number {
    return this.#count;
  }

  /** The entry with this dynamic index, from 0 for the newest; null when there is none. */
  at(index: number): TableEntry | null {
    if (index >= this.#count) return null;
    return this.#ring[(this.#inserted - 1 - index) & (this.#ring.length - 1)]!;
  }

  /** Whether the table has room for such an entry once others are gone. */
  canHold(octets: number): boolean {
    return octets + ENTRY_OVERHEAD <= this.maxSize;
  }

  /** Adds an entry that the table can hold. */
  insert(entry: TableEntry): void {
    const needed = entry.octets + ENTRY_OVERHEAD;
    this.#shrinkTo(this.maxSize - needed);
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.#inserted & (this.#ring.length - 1)] = entry;
    // Wraps long before it is inexact; only differences and low bits are ever used.
    this.#inserted = (this.#inserted + 1) >>> 0;
    this.#count += 1;
    this.size += needed;
    this.generation += 1;
    if (INVARIANTS) this.checkInvariants();
  }

  /** RFC 7541 §4.4: what an entry too large for the table leaves behind. */
  clear(): void {
    this.#shrinkTo(0);
    this.generation += 1;
  }

  /** A size update. */
  resize(maxSize: number): void {
    this.maxSize = maxSize;
    this.#shrinkTo(maxSize);
    this.generation += 1;
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    let size = 0;
    for (let index = 0; index < this.#count; index += 1) {
      size += (this.at(index) as TableEntry).octets + ENTRY_OVERHEAD;
    }
    invariant(size === this.size, 'decoder table: size is the sum of its entries');
    invariant(size <= this.maxSize, 'decoder table: never above its limit');
  }

  #shrinkTo(size: number): void {
    const mask = this.#ring.length - 1;
    while (this.size > size) {
      const oldest = (this.#inserted - this.#count) & mask;
      this.size -= this.#ring[oldest]!.octets + ENTRY_OVERHEAD;
      this.#ring[oldest] = null;
      this.#count -= 1;
    }
  }

  #grow(): void {
    const old = this.#ring;
    const ring = new Array<TableEntry | null>(old.length * 2).fill(null);
    for (let index = 0; index < this.#count; index += 1) {
      const number = this.#inserted - 1 - index;
      ring[number & (ring.length - 1)] = old[number & (old.length - 1)]!;
    }
    this.#ring = ring;
  }
}
