// Output of one socket on its way to the kernel: heads and small bodies collect as one latin1 text,
// larger ones in the worker's slab, so that a turn's output leaves in one write.
import { INVARIANTS, invariant } from '../base/invariants.ts';
import { latin1Slice, latin1Write } from '../base/latin1.ts';
import type { OutputSlab, SlabBlock } from './output-slab.ts';
import type { SocketWriter } from './socket-writer.ts';

/** Up to here a body is cheaper as text joined to its head than copied into the slab. */
const TEXT_BODY_BYTES = 2048;
/** Output of one connection that is not held back until the end of the turn. */
const EAGER_WRITE_BYTES = 64 * 1024;

/** Keeps the order of what is added, whichever way it goes. */
export class SocketOutput {
  readonly #slab: OutputSlab;
  #writer: SocketWriter | null = null;
  /** Octets are not turned into text to be joined. */
  #prefersOctets = false;
  /** Leaves behind the region of the block. */
  #text = '';
  #block: SlabBlock | null = null;
  #start = 0;
  #end = 0;
  /** Blocks with writes of ours that the kernel has not finished. */
  readonly #pinned: SlabBlock[] = [];

  constructor(slab: OutputSlab) {
    this.#slab = slab;
  }

  /** Octets that no write was made for yet. */
  get collectedBytes(): number {
    return this.#text.length + (this.#end - this.#start);
  }

  /** Octets of writes that are not finished. */
  get pendingBytes(): number {
    return this.#writer === null ? 0 : this.#writer.pendingBytes;
  }

  /** Octets that the kernel has not taken yet; falls while a long write makes progress. */
  unsentBytes(): number {
    return this.#writer === null ? 0 : this.#writer.unsentBytes();
  }

  /** The socket has its handle: output may leave. */
  writeBy(writer: SocketWriter): void {
    this.#writer = writer;
    this.#prefersOctets = writer.prefersOctets;
  }

  /** Adds latin1 text; a lot of it leaves at once. */
  addText(text: string): void {
    if (this.#block !== null && this.#copyText(text)) return;
    this.#text += text;
    if (this.#text.length >= EAGER_WRITE_BYTES) this.writeOut();
  }

  /** Adds a copy of `data`; a lot of it leaves at once. */
  addBytes(data: Buffer): void {
    if (this.#block === null && data.length <= TEXT_BODY_BYTES && !this.#prefersOctets) {
      this.#text += latin1Slice(data, 0, data.length);
      return;
    }
    this.#copyBytes(data);
    if (this.#end - this.#start >= EAGER_WRITE_BYTES) this.writeOut();
  }

  /** Hands everything to the kernel. */
  writeOut(): void {
    if (this.#block !== null) {
      const block = this.#block;
      const region = block.bytes.subarray(this.#start, this.#end);
      this.#forgetRegion();
      if (!this.#write(region)) {
        this.#slab.pin(block);
        this.#pinned.push(block);
      }
    }
    if (this.#text !== '') this.#writeText();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Drops what no write was made for. */
  discard(): void {
    this.#text = '';
    this.#forgetRegion();
  }

  /** The kernel has taken everything, or the handle is closed, which ends all its writes. */
  unpin(): void {
    if (this.#pinned.length === 0) return;
    for (const block of this.#pinned) this.#slab.unpin(block);
    this.#pinned.length = 0;
  }

  checkInvariants(): void {
    const size = this.#end - this.#start;
    const limit = this.#block === null ? 0 : this.#block.bytes.length;
    const isRegion = this.#start >= 0 && size >= 0 && this.#end <= limit;
    invariant(isRegion, 'socket output: a region lies in its block');
    invariant(this.#block === null || size > 0, 'socket output: a block is held for octets only');
    for (const block of this.#pinned) {
      invariant(block.pins > 0, 'socket output: the slab knows whose writes are not finished');
    }
  }

  #copyText(text: string): boolean {
    if (!this.#fits(text.length)) return false;
    latin1Write((this.#block as SlabBlock).bytes, text, this.#end);
    this.#end += text.length;
    this.#slab.offset = this.#end;
    return true;
  }

  /** Text first, then the octets, in one region of the slab. */
  #copyBytes(data: Buffer): void {
    if (this.#block !== null && !this.#fits(data.length)) this.writeOut();
    if (this.#block === null) {
      const slab = this.#slab;
      if (!slab.reserve(this.#text.length + data.length)) {
        this.writeOut();
        this.#write(Buffer.from(data));
        return;
      }
      this.#block = slab.block;
      this.#start = slab.offset;
      this.#end = slab.offset;
      const text = this.#text;
      this.#text = '';
      if (text !== '') this.#copyText(text);
    }
    data.copy(this.#block.bytes, this.#end);
    this.#end += data.length;
    this.#slab.offset = this.#end;
  }

  /** True when our region is the slab's last and `size` more octets fit behind it. */
  #fits(size: number): boolean {
    const slab = this.#slab;
    return (
      this.#text === '' &&
      this.#block === slab.block &&
      this.#end === slab.offset &&
      slab.offset + size <= slab.block.bytes.length
    );
  }

  #writeText(): void {
    const text = this.#text;
    this.#text = '';
    const slab = this.#slab;
    if (!this.#prefersOctets || !slab.reserve(text.length)) {
      this.#write(text);
      return;
    }
    const { block, offset } = slab;
    latin1Write(block.bytes, text, offset);
    slab.offset = offset + text.length;
    if (this.#write(block.bytes.subarray(offset, slab.offset))) return;
    slab.pin(block);
    this.#pinned.push(block);
  }

  /** True when the kernel took everything at once. */
  #write(data: Buffer | string): boolean {
    return this.#writer === null || this.#writer.write(data);
  }

  #forgetRegion(): void {
    this.#block = null;
    this.#start = 0;
    this.#end = 0;
  }
}
