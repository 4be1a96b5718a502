// A region of 32-bit cells that several processes map: how it is divided, and how what a process
// held is taken back after its death. Nothing here knows what the cells mean.
//
//   control   one line for each slot: odd while its process is between two stores
//   totals    one cell for each counter: what all processes hold together
//   ints      plain cells, handed out in blocks
//   shares    for each slot one cell for each counter: what its process holds of the total

/** Sizes; the same in every process that maps the region. */
export interface RegionLayout {
  readonly counters: number;
  /** Plain cells. */
  readonly ints: number;
  /** Processes that may hold shares at the same time; slot 0 is the primary's. */
  readonly slots: number;
}

/** Cells of 64 octets: what two processes write all the time must not share a cache line. */
const LINE_CELLS = 16;

/** Enough for the four limits of each of 16,000 clusters. */
const COUNTERS = 65_536;
/** Enough for eight cells of each of 32,000 hosts; 1 MiB. */
const INTS = 262_144;
/** Lives of a worker that may overlap: its own, one that retires, and one more that is late. */
const LIVES_PER_WORKER = 3;
/** All shares together; with very many workers each has room for fewer counters. 16 MiB. */
const MAX_SHARES = 4_194_304;

/** Octets of a cell. */
export const CELL_BYTES = 4;

/** The layout for so many workers. */
export function layoutFor(workers: number): RegionLayout {
  const slots = 1 + LIVES_PER_WORKER * workers;
  const most = Math.floor(MAX_SHARES / slots);
  const counters = Math.min(COUNTERS, most - (most % LINE_CELLS));
  return { counters, ints: INTS, slots };
}

/** Cells that a region of that layout has in all. */
export function regionCells({ counters, ints, slots }: RegionLayout): number {
  return slots * LINE_CELLS + counters + ints + slots * counters;
}

/** Where one process finds one counter. */
export interface CounterPlace {
  readonly cells: Int32Array;
  readonly total: number;
  /** Its own share; -1: nobody else counts here, so that no share is kept. */
  readonly share: number;
  /** Its control cell; not valid without a share. */
  readonly busy: number;
}

/** One region as one process sees it. */
export class SharedRegion {
  readonly cells: Int32Array;
  readonly layout: RegionLayout;

  /** `cells` holds at least `regionCells(layout)`, all 0 at first. */
  constructor(cells: Int32Array, layout: RegionLayout) {
    this.cells = cells;
    this.layout = layout;
  }

  /** Where the process of a slot finds a counter; slot -1 is alone in the region. */
  place(slot: number, counter: number): CounterPlace {
    const total = this.#totalAt(counter);
    if (slot < 0) return { cells: this.cells, total, share: -1, busy: -1 };
    return { cells: this.cells, total, share: this.#shareAt(slot, counter), busy: busyAt(slot) };
  }

  /** Index of a plain cell. */
  intAt(index: number): number {
    return this.layout.slots * LINE_CELLS + this.layout.counters + index;
  }

  /** Gives back what the process of a slot holds of a counter. It is dead, or does not use it. */
  giveBack(slot: number, counter: number): void {
    const held = Atomics.exchange(this.cells, this.#shareAt(slot, counter), 0);
    Atomics.sub(this.cells, this.#totalAt(counter), held);
  }

  /** True: the process of a slot died between two stores; some total is 1 too large. */
  diedBusy(slot: number): boolean {
    return (Atomics.load(this.cells, busyAt(slot)) & 1) === 1;
  }

  /** The slot is for somebody else now. */
  resetSlot(slot: number): void {
    Atomics.store(this.cells, busyAt(slot), 0);
  }

  /**
   * Makes a total what its shares add up to. False: somebody was at work meanwhile, so that the
   * cells read do not belong together; nothing was changed. Ask again.
   */
  repair(counter: number): boolean {
    const { cells, layout } = this;
    const before = this.#stamps();
    if (before === null) return false;
    let held = 0;
    for (let slot = 0; slot < layout.slots; slot += 1) {
      held += Atomics.load(cells, this.#shareAt(slot, counter));
    }
    const surplus = Atomics.load(cells, this.#totalAt(counter)) - held;
    const after = this.#stamps();
    if (after?.some((stamp, slot) => stamp !== before[slot]) ?? true) return false;
    // Whatever happens from here on changes total and shares alike: the surplus stays what it is.
    if (surplus !== 0) Atomics.sub(cells, this.#totalAt(counter), surplus);
    return true;
  }

  /** A counter begins at 0 for its next use. */
  clearCounter(counter: number): void {
    Atomics.store(this.cells, this.#totalAt(counter), 0);
    for (let slot = 0; slot < this.layout.slots; slot += 1) {
      Atomics.store(this.cells, this.#shareAt(slot, counter), 0);
    }
  }

  /** A block begins at 0 for its next use. */
  clearInts(first: number, size: number): void {
    for (let index = first; index < first + size; index += 1) {
      Atomics.store(this.cells, this.intAt(index), 0);
    }
  }

  /** Every slot's control cell; null while any of them is between two stores. */
  #stamps(): number[] | null {
    const stamps: number[] = [];
    for (let slot = 0; slot < this.layout.slots; slot += 1) {
      const stamp = Atomics.load(this.cells, busyAt(slot));
      if ((stamp & 1) === 1) return null;
      stamps.push(stamp);
    }
    return stamps;
  }

  #totalAt(counter: number): number {
    return this.layout.slots * LINE_CELLS + counter;
  }

  #shareAt(slot: number, counter: number): number {
    const { counters, ints, slots } = this.layout;
    return slots * LINE_CELLS + counters + ints + slot * counters + counter;
  }
}

function busyAt(slot: number): number {
  return slot * LINE_CELLS;
}
