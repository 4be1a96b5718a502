// The last few field blocks of a connection and what they decoded to. Clients repeat themselves: as
// long as the dynamic table stays as it is, the same octets mean the same fields.
import { FieldSection } from './field-section.ts';

/** Blocks that are remembered, and the longest of them; the rest would cost more than it saves. */
const MAX_BLOCKS = 4;
const MAX_OCTETS = 128;

/** So many blocks in a row that were new: from here on only every so many are looked up. */
const MAX_MISSES = 16;
const TRY_EVERY = 16;

/** A block and its fields. */
interface RememberedBlock {
  readonly section: FieldSection;
  readonly octets: Buffer;
  /** -1: nothing is remembered here. */
  length: number;
  generation: number;
}

/** Remembers blocks, the oldest replaced first. */
export class BlockMemory {
  readonly #blocks: RememberedBlock[] = [];
  #next = 0;
  #misses = 0;

  /** The section of this very block; null when it was not seen lately. */
  find(buffer: Buffer, start: number, end: number, generation: number): FieldSection | null {
    this.#misses += 1;
    if (!this.#isWorthwhile()) return null;
    const length = end - start;
    for (const block of this.#blocks) {
      if (block.length !== length || block.generation !== generation) continue;
      if (!isEqual(block.octets, buffer, start, length)) continue;
      this.#misses = 0;
      return block.section;
    }
    return null;
  }

  /** An empty section for a block that is about to be decoded. */
  take(): FieldSection {
    const blocks = this.#blocks;
    if (this.#next === blocks.length) blocks.push(newBlock());
    const block = blocks[this.#next] as RememberedBlock;
    block.length = -1;
    block.section.reset();
    return block.section;
  }

  /** The block of the section taken last, which left the table at this generation. */
  remember(buffer: Buffer, start: number, end: number, generation: number): void {
    const length = end - start;
    if (length > MAX_OCTETS || !this.#isWorthwhile()) return;
    const block = this.#blocks[this.#next] as RememberedBlock;
    buffer.copy(block.octets, 0, start, end);
    block.length = length;
    block.generation = generation;
    this.#next = (this.#next + 1) % MAX_BLOCKS;
  }

  /** Clients that never repeat a block pay for that no more than now and then. */
  #isWorthwhile(): boolean {
    return this.#misses <= MAX_MISSES || this.#misses % TRY_EVERY < 2;
  }
}

function newBlock(): RememberedBlock {
  return {
    section: new FieldSection(),
    octets: Buffer.allocUnsafe(MAX_OCTETS),
    length: -1,
    generation: 0,
  };
}

function isEqual(octets: Buffer, buffer: Buffer, start: number, length: number): boolean {
  for (let at = 0; at < length; at += 1) if (octets[at] !== buffer[start + at]) return false;
  return true;
}
