// Memory for output that waits for the end of a turn: one block for all connections, filled from
// the front. What the kernel does not take at once stays in its block until it has; then the block
// serves again. Fresh blocks instead would be 40 MB of garbage at full speed.
import { INVARIANTS, invariant } from '../base/invariants.ts';

/** Room for four full reads with their heads. */
const SLAB_BYTES = 256 * 1024;
/** Blocks kept for the next time that output waits; more are left to the garbage collector. */
const MAX_SPARE_BLOCKS = 8;

/** A piece of memory, and what keeps it from being filled anew. */
export class SlabBlock {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Writes of the kernel that are not finished. */
  pins = 0;
  /** Full, and the turn in which it was filled is not over: it may hold what was never written. */
  isRetired = false;
}

/** A bump allocator over one block after the other. */
export class OutputSlab {
  /** The current block; regions of it stay valid until they were written. */
  block = new SlabBlock();
  /** First free octet. */
  offset = 0;
  readonly #spare: SlabBlock[] = [];
  readonly #retired: SlabBlock[] = [];

  /** Makes room for `size` octets; false: more than a block holds. */
  reserve(size: number): boolean {
    if (this.offset + size <= SLAB_BYTES) return true;
    if (size > SLAB_BYTES) return false;
    this.block.isRetired = true;
    this.#retired.push(this.block);
    this.block = this.#spare.pop() ?? new SlabBlock();
    this.offset = 0;
    if (INVARIANTS) this.checkInvariants();
    return true;
  }

  /** The kernel did not take a region at once: `unpin` follows when it has. */
  pin(block: SlabBlock): void {
    block.pins += 1;
  }

  unpin(block: SlabBlock): void {
    block.pins -= 1;
    if (block !== this.block) this.#keepIfFree(block);
    if (INVARIANTS) this.checkInvariants();
  }

  /** End of turn: every region was handed to the kernel. */
  recycle(): void {
    // Behind what is pinned there is room still.
    if (this.block.pins === 0) this.offset = 0;
    for (let block = this.#retired.pop(); block !== undefined; block = this.#retired.pop()) {
      block.isRetired = false;
      this.#keepIfFree(block);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    const { block } = this;
    invariant(block.pins >= 0, 'output slab: no write ends twice');
    invariant(!block.isRetired, 'output slab: the block that is filled is not retired');
    invariant(this.offset <= SLAB_BYTES, 'output slab: a block holds what it has room for');
    for (const retired of this.#retired) {
      invariant(retired.isRetired && retired !== block, 'output slab: retired blocks are marked');
    }
    for (const spare of this.#spare) {
      const isFree = spare.pins === 0 && !spare.isRetired && spare !== block;
      invariant(isFree, 'output slab: nobody needs a spare block');
    }
    const isUnique = new Set(this.#spare).size === this.#spare.length;
    invariant(isUnique, 'output slab: a spare block is kept once');
  }

  #keepIfFree(block: SlabBlock): void {
    const isFree = block.pins === 0 && !block.isRetired;
    if (isFree && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
  }
}
