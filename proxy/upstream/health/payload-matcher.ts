// Looks for blocks of octets in what a host sends: each must be found behind the one before, with
// anything between them. Keeps no more than the part of a block that may still become whole.

const NO_BYTES = Buffer.alloc(0);

/** Matches one answer, in whatever pieces it comes. */
export class PayloadMatcher {
  readonly #blocks: readonly Uint8Array[];
  #found = 0;
  /** The end of what was seen, shorter than the block that is looked for. */
  #tail: Buffer = NO_BYTES;

  constructor(blocks: readonly Uint8Array[]) {
    this.#blocks = blocks.filter(({ length }) => length > 0);
  }

  /** Every block was found. */
  get hasAll(): boolean {
    return this.#found === this.#blocks.length;
  }

  /** A new answer begins. */
  reset(): void {
    this.#found = 0;
    this.#tail = NO_BYTES;
  }

  /** Takes in more; `data` is borrowed. */
  add(data: Buffer): void {
    if (this.hasAll) return;
    const seen = this.#tail.length === 0 ? data : Buffer.concat([this.#tail, data]);
    let from = 0;
    while (!this.hasAll) {
      const block = this.#blocks[this.#found] as Uint8Array;
      const at = seen.indexOf(block, from);
      if (at === -1) {
        const keepFrom = Math.max(from, seen.length - block.length + 1);
        this.#tail = Buffer.from(seen.subarray(keepFrom));
        return;
      }
      from = at + block.length;
      this.#found += 1;
    }
    this.#tail = NO_BYTES;
  }
}
