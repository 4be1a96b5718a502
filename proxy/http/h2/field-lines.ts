// Regular fields as the text and spans that a HeaderList is made over: HTTP/1.1 lines, so that what
// is sent on unchanged is one slice.
import { type HeaderId, highBit, lowBit } from '../header-names.ts';

const SPAN = 6;
/** `: ` between name and value, CRLF behind them. */
const COLON_OCTETS = 2;
const LINE_END_OCTETS = 2;

/** Lines in the making; used again. */
export class FieldLines {
  text = '';
  /** Masks of the known names among them, and of those that came more than once. */
  low = 0;
  high = 0;
  repeatedLow = 0;
  repeatedHigh = 0;
  /** Grows with the largest head and is used again: filling it never copies. */
  readonly #spans: number[] = [];
  #used = 0;
  #length = 0;

  reset(): void {
    this.text = '';
    this.low = 0;
    this.high = 0;
    this.repeatedLow = 0;
    this.repeatedHigh = 0;
    this.#used = 0;
    this.#length = 0;
  }

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** The spans for a list over `text`, which owns them. */
  copySpans(): number[] {
    return this.#spans.slice(0, this.#used);
  }

  /** Adds `name: value CRLF`; the name has `nameLength` characters. */
  add(id: HeaderId, nameLength: number, line: string): void {
    const spans = this.#spans;
    const at = this.#used;
    const start = this.#length;
    const nameEnd = start + nameLength;
    const end = start + line.length;
    spans[at] = id;
    spans[at + 1] = start;
    spans[at + 2] = nameEnd;
    spans[at + 3] = nameEnd + COLON_OCTETS;
    spans[at + 4] = end - LINE_END_OCTETS;
    spans[at + 5] = end;
    this.#used = at + SPAN;
    this.#length = end;
    this.text += line;
    if (id !== 0) this.#mark(lowBit(id), highBit(id));
  }

  /** Adds other lines behind these. */
  append(other: FieldLines): void {
    const spans = this.#spans;
    const source = other.#spans;
    const used = this.#used;
    const start = this.#length;
    for (let at = 0; at < other.#used; at += SPAN) {
      const to = used + at;
      spans[to] = source[at]!;
      spans[to + 1] = source[at + 1]! + start;
      spans[to + 2] = source[at + 2]! + start;
      spans[to + 3] = source[at + 3]! + start;
      spans[to + 4] = source[at + 4]! + start;
      spans[to + 5] = source[at + 5]! + start;
    }
    this.#used = used + other.#used;
    this.#length = start + other.#length;
    this.text += other.text;
    this.#mark(other.low, other.high);
    this.repeatedLow |= other.repeatedLow;
    this.repeatedHigh |= other.repeatedHigh;
  }

  #mark(low: number, high: number): void {
    this.repeatedLow |= this.low & low;
    this.repeatedHigh |= this.high & high;
    this.low |= low;
    this.high |= high;
  }
}
