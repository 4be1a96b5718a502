// A strict reader of DER (X.690 §8, §10): definite minimal lengths, one-octet tags, bounded depth,
// nothing behind the end. It never throws: the first failure stays, and all that is read after it
// is empty, so that a caller asks once, when it is through.

/** Universal tags, with the constructed bit where DER has it. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** What a certificate needs is 9; more is somebody playing. */
const MAX_DEPTH = 24;
const EMPTY = Buffer.alloc(0);

/** Shared by the readers of one document. */
interface Outcome {
  error: string | null;
}

/** See the file's head. */
export class DerReader {
  /** The content octets of what is read. */
  readonly content: Buffer;
  /** The same with tag and length. */
  readonly whole: Buffer;
  /** Tag of `whole`; 0 for a document. */
  readonly tag: number;
  readonly #outcome: Outcome;
  readonly #depth: number;
  #at = 0;

  private constructor(place: Place, outcome: Outcome) {
    this.content = place.content;
    this.whole = place.whole;
    this.tag = place.tag;
    this.#depth = place.depth;
    this.#outcome = outcome;
  }

  /** Reads `bytes`, which are not copied. */
  static over(bytes: Buffer): DerReader {
    return new DerReader({ tag: 0, content: bytes, whole: bytes, depth: 0 }, { error: null });
  }

  /** What was wrong first; null: nothing so far. */
  get error(): string | null {
    return this.#outcome.error;
  }

  /** True when nothing is left, also after a failure. */
  get isAtEnd(): boolean {
    return this.#outcome.error !== null || this.#at >= this.content.length;
  }

  /** Tag of the next element; -1 at the end. */
  get nextTag(): number {
    return this.isAtEnd ? -1 : (this.content[this.#at] ?? -1);
  }

  /** Notes a failure; the first one stays. */
  fail(reason: string): void {
    this.#outcome.error ??= reason;
  }

  /** The next element, which must have `tag`. */
  read(tag: number): DerReader {
    const next = this.nextTag;
    if (next === tag) return this.readAny();
    this.fail(`expected tag 0x${tag.toString(16)}, found ${next < 0 ? 'the end' : hexTag(next)}`);
    return this.#nothing(tag);
  }

  /** The next element if it has `tag`. */
  readOptional(tag: number): DerReader | null {
    return this.nextTag === tag ? this.readAny() : null;
  }

  /** The next element, whatever it is. */
  readAny(): DerReader {
    const start = this.#at;
    const tag = this.nextTag;
    if (tag < 0) this.fail('expected an element, found the end');
    if ((tag & 0x1f) === 0x1f) this.fail('tag of several octets');
    if (this.#depth >= MAX_DEPTH) this.fail('nested too deeply');
    this.#at += 1;
    const length = this.#readLength();
    if (length > this.content.length - this.#at) this.fail('element longer than what holds it');
    if (this.#outcome.error !== null) return this.#nothing(tag);
    const begin = this.#at;
    this.#at += length;
    const content = this.content.subarray(begin, this.#at);
    const whole = this.content.subarray(start, this.#at);
    return new DerReader({ tag, content, whole, depth: this.#depth + 1 }, this.#outcome);
  }

  /** Demands that nothing is left. */
  finish(): void {
    if (!this.isAtEnd) this.fail('data behind the end');
  }

  /** X.690 §8.1.3, §10.1: as few octets as possible. */
  #readLength(): number {
    const first = this.content[this.#at] ?? -1;
    this.#at += 1;
    if (first < 0) this.fail('cut in a length');
    if (first < 0x80) return Math.max(first, 0);
    const count = first & 0x7f;
    if (count === 0) this.fail('indefinite length');
    if (count > 4) this.fail('length of more than four octets');
    if (this.#outcome.error !== null) return 0;
    if (this.#at + count > this.content.length) {
      this.fail('cut in a length');
      return 0;
    }
    const length = this.content.readUIntBE(this.#at, count);
    this.#at += count;
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) this.fail('length is not minimal');
    return length;
  }

  #nothing(tag: number): DerReader {
    return new DerReader({ tag, content: EMPTY, whole: EMPTY, depth: this.#depth }, this.#outcome);
  }
}

interface Place {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
  readonly depth: number;
}

function hexTag(tag: number): string {
  return `0x${tag.toString(16)}`;
}
