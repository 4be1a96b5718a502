// Encodes field blocks (RFC 7541): indices for what the table has, Huffman code where it is
// shorter, and a table that holds what is likely to be sent again.
import { HEADER_NAME, type HeaderId } from '../header-names.ts';
import {
  BlockWriter,
  INDEXED,
  INSERTED,
  LITERAL,
  NEVER_INDEXED,
  SIZE_UPDATE,
} from './block-writer.ts';
import { EncodedName } from './encoded-name.ts';
import { EncoderTable } from './encoder-table.ts';
import { DEFAULT_TABLE_SIZE } from './hpack-decoder.ts';
import { GUESSABLE_OCTETS } from './indexing-policy.ts';
import { STATIC_ENTRIES } from './static-table.ts';

const FIRST_DYNAMIC = STATIC_ENTRIES + 1;

/** Names besides the known ones that are remembered; a peer may send ever new ones. */
const MAX_OTHER_NAMES = 128;

/** An entry larger than this part of the table would push out too much. */
const MAX_SHARE = 0.5;

/** One direction's encoder; one per connection. */
export class HpackEncoder {
  readonly #writer = new BlockWriter();
  readonly #table: EncoderTable;
  /** The most that we use, whatever the peer allows. */
  readonly #ownLimit: number;
  readonly #known: (EncodedName | null)[];
  readonly #others = new Map<string, EncodedName>();
  /** Sizes that the next block announces: the smallest since the last one, and the current. */
  #smallestSize: number;
  #nextSize: number;

  /** `tableSize`: the most octets that the table may use. */
  constructor(tableSize: number) {
    this.#ownLimit = tableSize;
    this.#table = new EncoderTable(DEFAULT_TABLE_SIZE);
    this.#known = new Array<EncodedName | null>(HEADER_NAME.length).fill(null);
    this.#nextSize = Math.min(tableSize, DEFAULT_TABLE_SIZE);
    this.#smallestSize = this.#nextSize;
  }

  /** The block that was encoded last: `buffer[0, length)`, valid until the next call. */
  get buffer(): Buffer {
    return this.#writer.buffer;
  }

  get length(): number {
    return this.#writer.length;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; takes effect with the next block (RFC 7541 §4.2). */
  setMaxTableSize(octets: number): void {
    this.#nextSize = Math.min(octets, this.#ownLimit);
    this.#smallestSize = Math.min(this.#smallestSize, this.#nextSize);
  }

  /** Begins a block. */
  begin(): void {
    this.#writer.length = 0;
    if (this.#smallestSize !== this.#table.maxSize) this.#announce(this.#smallestSize);
    if (this.#nextSize !== this.#table.maxSize) this.#announce(this.#nextSize);
    this.#smallestSize = this.#nextSize;
  }

  #announce(size: number): void {
    this.#writer.integer(SIZE_UPDATE, size);
    this.#table.resize(size);
  }

  /** What this encoder knows of a known name. */
  knownName(id: HeaderId): EncodedName {
    const known = this.#known[id]!;
    if (known !== null) return known;
    const name = new EncodedName(HEADER_NAME[id] as string);
    this.#known[id] = name;
    return name;
  }

  /** The same of another name, in lower case. */
  otherName(text: string): EncodedName {
    const known = this.#others.get(text);
    if (known !== undefined) return known;
    if (this.#others.size >= MAX_OTHER_NAMES) this.#others.clear();
    const name = new EncodedName(text);
    this.#others.set(text, name);
    return name;
  }

  /** Changes when an index may mean something else than before. */
  get generation(): number {
    return this.#table.generation;
  }

  /** Writes a field; true when it is an index now and the table is as it was. */
  field(name: EncodedName, value: string): boolean {
    const index = isSecret(name, value) ? 0 : this.#indexOf(name, value);
    if (index !== 0) {
      this.#writer.integer(INDEXED, index);
      return true;
    }
    this.#literal(this.#kindOf(name, value), name, value);
    return false;
  }

  /** Writes indices that an earlier block of this generation had for the same fields. */
  indices(octets: Buffer, length: number): void {
    this.#writer.octets(octets, length);
  }

  /** Writes a field that is not for the table. */
  passing(name: EncodedName, value: string): void {
    this.#literal(LITERAL, name, value);
  }

  /** Index of exactly this field; 0 when no table has it. */
  #indexOf(name: EncodedName, value: string): number {
    const staticIndex = name.staticIndexOf(value);
    if (staticIndex !== 0) return staticIndex;
    const index = this.#table.find(name, value);
    if (index === -1) return 0;
    name.noteHit();
    return FIRST_DYNAMIC + index;
  }

  #kindOf(name: EncodedName, value: string): number {
    if (isSecret(name, value)) return NEVER_INDEXED;
    return this.#isWorthEntry(name, value) ? INSERTED : LITERAL;
  }

  #isWorthEntry(name: EncodedName, value: string): boolean {
    const octets = name.text.length + value.length;
    if (octets > this.#table.maxSize * MAX_SHARE || !this.#table.canHold(octets)) return false;
    // The name alone is worth it where it would be spelt out each time.
    if (name.policy === 'literal') return name.staticIndex === 0 && name.newest === null;
    return name.isWorthEntry();
  }

  #literal(kind: number, name: EncodedName, value: string): void {
    const writer = this.#writer;
    writer.integer(kind, this.#nameIndex(name));
    if (this.#isSpelt(name)) writer.string(name.text);
    writer.string(value);
    if (kind === INSERTED) this.#table.insert(name, value);
  }

  /** Index of an entry with this name; 0 when there is none. */
  #nameIndex(name: EncodedName): number {
    if (name.staticIndex !== 0) return name.staticIndex;
    return name.newest === null ? 0 : FIRST_DYNAMIC + this.#table.findName(name);
  }

  #isSpelt(name: EncodedName): boolean {
    return name.staticIndex === 0 && name.newest === null;
  }
}

function isSecret(name: EncodedName, value: string): boolean {
  if (name.policy === 'never') return true;
  return name.policy === 'short-never' && value.length < GUESSABLE_OCTETS;
}
