// Memory for output that waits for the end of a turn: one block for all connections, filled from
// the front and reused as soon as the kernel has taken everything in it.

/** Room for four full reads with their heads. */
const SLAB_BYTES = 256 * 1024;

/** A bump allocator over one block. A block with unfinished writes is abandoned, never reused. */
export class OutputSlab {
  /** The current block; regions of it stay valid until they were written. */
  block: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** First free octet. */
  offset = 0;
  #pinned = false;

  /** Makes room for `size` octets; false: more than a block holds. */
  reserve(size: number): boolean {
    if (this.offset + size <= this.block.length) return true;
    if (size > SLAB_BYTES) return false;
    this.#replace();
    return true;
  }

  /** The kernel did not take a region at once: its block must not be written again. */
  pin(block: Buffer): void {
    if (block === this.block) this.#pinned = true;
  }

  /** End of turn: every region was handed to the kernel. */
  recycle(): void {
    if (this.#pinned) this.#replace();
    this.offset = 0;
  }

  #replace(): void {
    this.block = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.offset = 0;
    this.#pinned = false;
  }
}
