// Octets that wait: content that a peer's window has no room for, or that a paused receiver does
// not want yet. Small pieces share a block, so that memory stays near what is queued.
import { INVARIANTS, invariant } from '../../base/invariants.ts';

/** Smallest block that is allocated: pieces of a few octets must not cost a buffer each. */
const MIN_BLOCK_BYTES = 1024;

/** First in, first out, by copies. */
export class ByteQueue {
  /** Octets queued. */
  length = 0;
  readonly #blocks: Buffer[] = [];
  /** First octet of the first block that was not taken, and the end of what the last one holds. */
  #start = 0;
  #end = 0;

  /** Adds a copy of `data[from, end)`. */
  append(data: Buffer, from: number): void {
    const count = data.length - from;
    if (count === 0) return;
    const last = this.#blocks[this.#blocks.length - 1];
    this.length += count;
    if (last !== undefined && last.length - this.#end >= count) {
      data.copy(last, this.#end, from);
      this.#end += count;
    } else {
      this.#appendBlock(data, from);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  /** The first octets, up to `most` of them, where they lie; `skip` takes them out. */
  peek(most: number): Buffer {
    const first = this.#blocks[0] as Buffer;
    const end = this.#blocks.length === 1 ? this.#end : first.length;
    return first.subarray(this.#start, Math.min(end, this.#start + most));
  }

  /** Takes out octets that `peek` gave. */
  skip(count: number): void {
    const first = this.#blocks[0] as Buffer;
    const end = this.#blocks.length === 1 ? this.#end : first.length;
    this.#start += count;
    this.length -= count;
    if (this.#start === end) {
      this.#blocks.shift();
      this.#start = 0;
      if (this.#blocks.length === 0) this.#end = 0;
    }
    if (INVARIANTS) this.checkInvariants();
  }

  /** Forgets everything. */
  clear(): void {
    this.#blocks.length = 0;
    this.#start = 0;
    this.#end = 0;
    this.length = 0;
  }

  checkInvariants(): void {
    const last = this.#blocks.length - 1;
    let total = last < 0 ? 0 : this.#end - this.#start;
    for (let index = 0; index < last; index += 1) total += (this.#blocks[index] as Buffer).length;
    invariant(total === this.length, 'byte queue: the blocks hold what is queued');
  }

  #appendBlock(data: Buffer, from: number): void {
    const last = this.#blocks.length - 1;
    let at = from;
    if (last >= 0) {
      const block = this.#blocks[last] as Buffer;
      at += data.copy(block, this.#end, from, from + block.length - this.#end);
    }
    const block = Buffer.allocUnsafeSlow(Math.max(MIN_BLOCK_BYTES, data.length - at));
    this.#blocks.push(block);
    this.#end = data.copy(block, 0, at);
  }
}
