// A field name as one encoder writes it, with the entries that its table has of it.
import { type IndexingPolicy, indexingPolicy } from './indexing-policy.ts';
import { STATIC_TABLE, staticNameIndex } from './static-table.ts';

/** Insertions in a row that nobody used: from here on the name's fields are written out … */
const MAX_FRUITLESS = 8;
/** … and every so often another one is tried. */
const RETRY_AFTER = 64;

/** An entry of an encoder's dynamic table. */
export interface EncoderEntry {
  readonly name: EncodedName;
  readonly value: string;
  /** Entries inserted before it. */
  readonly number: number;
  /** The next older one of this name; it may have been evicted, then nothing follows it. */
  older: EncoderEntry | null;
}

/** A name and what an encoder learnt about it. */
export class EncodedName {
  readonly text: string;
  readonly policy: IndexingPolicy;
  /** Lowest index in the static table; 0 for none. */
  readonly staticIndex: number;
  /** The newest entry of the table with this name. */
  newest: EncoderEntry | null = null;
  /** Values that the static table has, from `staticIndex` on. */
  readonly #staticValues: readonly string[];
  #fruitless = 0;

  constructor(text: string) {
    this.text = text;
    this.policy = indexingPolicy(text);
    this.staticIndex = staticNameIndex(text);
    this.#staticValues = staticValuesOf(text);
  }

  /** Static index of the field with this value; 0 for none. */
  staticIndexOf(value: string): number {
    const values = this.#staticValues;
    for (let at = 0; at < values.length; at += 1) {
      if (values[at] === value) return this.staticIndex + at;
    }
    return 0;
  }

  /** An entry of this name was of use. */
  noteHit(): void {
    this.#fruitless = 0;
  }

  /** Whether a field of this name is worth an entry; asked once for each that has none. */
  isWorthEntry(): boolean {
    this.#fruitless += 1;
    if (this.#fruitless <= MAX_FRUITLESS) return true;
    if (this.#fruitless < MAX_FRUITLESS + RETRY_AFTER) return false;
    this.#fruitless = MAX_FRUITLESS;
    return true;
  }
}

function staticValuesOf(name: string): string[] {
  const entries = STATIC_TABLE.filter((entry) => entry.name.text === name);
  return entries[0]?.value === '' ? [] : entries.map((entry) => entry.value);
}
