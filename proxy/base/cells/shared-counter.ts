// A counter with a limit, held by several processes together: the total is exact, and what each
// process holds of it is known, so that a dead one's share can be given back.
//
// Taking changes the total before the share, giving back the share before the total: whoever dies
// between the two stores leaves a total that is 1 too large, never too small, and a mark that says
// so (see SharedRegion.repair).
import type { CounterPlace } from './region.ts';

/** Alone in a counter that has no place in a region (yet). */
function privatePlace(): CounterPlace {
  return { cells: new Int32Array(1), total: 0, share: -1, busy: -1 };
}

/** See the file's head. Not for several threads of one process. */
export class SharedCounter {
  #cells: Int32Array;
  #total: number;
  #share: number;
  #busy: number;
  /** What this process holds. */
  #own = 0;

  /** Counts for itself until it is bound. */
  constructor() {
    const { cells, total, share, busy } = privatePlace();
    this.#cells = cells;
    this.#total = total;
    this.#share = share;
    this.#busy = busy;
  }

  /** What all processes hold now; may exceed a limit where a taker had good reason. */
  get taken(): number {
    return Atomics.load(this.#cells, this.#total);
  }

  /** What this process holds. */
  get own(): number {
    return this.#own;
  }

  /** Takes one unless `limit` are taken already; of all who ask at the same time exactly that many get one. */
  tryAcquire(limit: number): boolean {
    if (this.#share >= 0) return this.#tryAcquireShared(limit);
    const taken = this.#cells[this.#total] as number;
    if (taken >= limit) return false;
    this.#cells[this.#total] = taken + 1;
    this.#own += 1;
    return true;
  }

  /** Takes one, whatever is taken. */
  acquire(): void {
    const cells = this.#cells;
    if (this.#share < 0) {
      cells[this.#total] = (cells[this.#total] as number) + 1;
      this.#own += 1;
      return;
    }
    this.#begin();
    Atomics.add(cells, this.#total, 1);
    this.#endTaking();
  }

  /** Gives one back that this process holds. */
  release(): void {
    const cells = this.#cells;
    this.#own -= 1;
    if (this.#share < 0) {
      cells[this.#total] = (cells[this.#total] as number) - 1;
      return;
    }
    this.#begin();
    cells[this.#share] = this.#own;
    Atomics.sub(cells, this.#total, 1);
    this.#end();
  }

  /** From now on it counts there, and takes along what this process holds. */
  bind(place: CounterPlace): void {
    const held = this.#leave();
    this.#cells = place.cells;
    this.#total = place.total;
    this.#share = place.share;
    this.#busy = place.busy;
    this.#own = 0;
    for (let count = 0; count < held; count += 1) this.acquire();
  }

  /** Gives back what this process holds and counts for itself from now on. */
  unbind(): void {
    this.bind(privatePlace());
  }

  #tryAcquireShared(limit: number): boolean {
    const cells = this.#cells;
    const total = this.#total;
    let taken = Atomics.load(cells, total);
    if (taken >= limit) return false;
    this.#begin();
    for (;;) {
      const found = Atomics.compareExchange(cells, total, taken, taken + 1);
      if (found === taken) break;
      taken = found;
      if (taken < limit) continue;
      this.#end();
      return false;
    }
    this.#endTaking();
    return true;
  }

  #endTaking(): void {
    this.#own += 1;
    this.#cells[this.#share] = this.#own;
    this.#end();
  }

  /** Between two stores from here on; only this process writes the cell. */
  #begin(): void {
    this.#cells[this.#busy] = (this.#cells[this.#busy] as number) + 1;
  }

  /** Ordered behind the stores before it for whoever reads the cells: SharedRegion.repair. */
  #end(): void {
    const cells = this.#cells;
    Atomics.store(cells, this.#busy, ((cells[this.#busy] as number) + 1) | 0);
  }

  /** Holds nothing at the old place any more; returns what it held. */
  #leave(): number {
    const held = this.own;
    for (let count = 0; count < held; count += 1) this.release();
    return held;
  }
}
