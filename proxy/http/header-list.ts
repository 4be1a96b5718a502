// The fields of one message: order and duplicates kept, names in lower case, values validated by
// the codec that made them. What a codec parsed stays one text with offsets until somebody asks;
// what the proxy adds lives in a second list behind it.
import {
  HEADER_NAME,
  type HeaderId,
  type HeaderMask,
  headerId,
  highBit,
  isInMask,
  lowBit,
  properCase,
} from './header-names.ts';
import { isFieldName, isFieldValue } from './validation.ts';

/** Numbers per parsed field in `spans`: id, name start, name end, value start, value end, line end. */
const SPAN = 6;
const REMOVED = -1;

/** Told everything in a list, for encoders. */
export interface FieldVisitor {
  /** What was parsed: a text and spans as `HeaderList.parsed` takes them; ids below 0 are gone. */
  onListLines(text: string, spans: readonly number[]): void;
  /** A field that was added; `id` is 0 when `name` is not a known one. */
  onListField(id: HeaderId, name: string, value: string): void;
}

/** An ordered multimap of field lines. */
export class HeaderList {
  /** The text that `spans` points into: a whole message head, names already in lower case. */
  readonly #text: string;
  /** SPAN numbers a field; the id is REMOVED for a field that was taken out. */
  readonly #spans: number[];
  /** Added fields: name, value, name, value … */
  #extra: string[] = [];
  /** Ids of what is (or was) in the list: never a false negative. */
  #low: number;
  #high: number;

  private constructor(text: string, spans: number[], low: number, high: number) {
    this.#text = text;
    this.#spans = spans;
    this.#low = low;
    this.#high = high;
  }

  /** An empty list. */
  static empty(): HeaderList {
    return new HeaderList('', [], 0, 0);
  }

  /** A list of `name, value, name, value …`; names must be lower case. */
  static of(...pairs: readonly string[]): HeaderList {
    const list = HeaderList.empty();
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      list.add(pairs[index] as string, pairs[index + 1] as string);
    }
    return list;
  }

  /**
   * A list over a parsed head, for codecs. `spans` holds SPAN numbers a field and is owned by the
   * list from now on. `line end` is the offset behind the CRLF when the line is written exactly
   * `name: value CRLF` (it can be sent on as it is), else 0.
   */
  static parsed(text: string, spans: number[], low: number, high: number): HeaderList {
    return new HeaderList(text, spans, low, high);
  }

  /** The parsed text that the list points into, start line included; '' when nothing was parsed. */
  get text(): string {
    return this.#text;
  }

  /** Offset in `text` of the first parsed value of a known field; -1 when there is none. */
  valueStart(id: HeaderId): number {
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) if (spans[at] === id) return spans[at + 3]!;
    return -1;
  }

  /** False only when the list surely has no field with this known name. */
  mayHave(id: HeaderId): boolean {
    return id < 32 ? (this.#low & lowBit(id)) !== 0 : (this.#high & highBit(id)) !== 0;
  }

  /** False only when the list surely has none of these known names. */
  mayHaveAny(mask: HeaderMask): boolean {
    return (this.#low & mask.low) !== 0 || (this.#high & mask.high) !== 0;
  }

  /** First value of a known field, or null. */
  get(id: HeaderId): string | null {
    if (!this.mayHave(id)) return null;
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] === id) return this.#text.substring(spans[at + 3]!, spans[at + 4]!);
    }
    return this.#extraValue(HEADER_NAME[id] as string);
  }

  /** First value of the field with this lower-case name, or null. */
  getByName(name: string): string | null {
    const id = headerId(name);
    if (id !== 0) return this.get(id);
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] === 0 && this.#nameEquals(at, name)) {
        return this.#text.substring(spans[at + 3]!, spans[at + 4]!);
      }
    }
    return this.#extraValue(name);
  }

  /** Every value of the field with this lower-case name, in order. */
  values(name: string): string[] {
    const found: string[] = [];
    for (let index = 0; index < this.length; index += 1) {
      if (this.nameAt(index) === name) found.push(this.valueAt(index));
    }
    return found;
  }

  /** Positions to iterate over: 0 to length - 1; a removed field has the empty name. */
  get length(): number {
    return this.#spans.length / SPAN + this.#extra.length / 2;
  }

  /** Name at a position; the empty text for a removed field. */
  nameAt(index: number): string {
    const at = index * SPAN;
    const spans = this.#spans;
    if (at >= spans.length) return this.#extra[(index - spans.length / SPAN) * 2] as string;
    const id = spans[at]!;
    if (id > 0) return HEADER_NAME[id] as string;
    return id === REMOVED ? '' : this.#text.substring(spans[at + 1]!, spans[at + 2]!);
  }

  /** Value at a position. */
  valueAt(index: number): string {
    const at = index * SPAN;
    const spans = this.#spans;
    if (at >= spans.length) return this.#extra[(index - spans.length / SPAN) * 2 + 1] as string;
    return this.#text.substring(spans[at + 3]!, spans[at + 4]!);
  }

  /** Tells first what was parsed, then every field that was added, in order. */
  visit(visitor: FieldVisitor): void {
    if (this.#spans.length !== 0) visitor.onListLines(this.#text, this.#spans);
    const extra = this.#extra;
    for (let index = 0; index < extra.length; index += 2) {
      const name = extra[index]!;
      visitor.onListField(headerId(name), name, extra[index + 1]!);
    }
  }

  /** Number of fields that are present. */
  count(): number {
    let count = 0;
    for (let index = 0; index < this.length; index += 1) {
      if (this.nameAt(index) !== '') count += 1;
    }
    return count;
  }

  /** Number of fields with this known name. */
  countKnown(id: HeaderId): number {
    if (!this.mayHave(id)) return 0;
    let count = 0;
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) if (spans[at] === id) count += 1;
    const extra = this.#extra;
    const name = HEADER_NAME[id];
    for (let index = 0; index < extra.length; index += 2) if (extra[index] === name) count += 1;
    return count;
  }

  /**
   * Adds one more field line behind all others. A name or value that could not stand on the wire
   * (a CR, a LF, a character beyond latin1 …) is refused: the list stays as it was.
   */
  add(name: string, value: string): void {
    const id = headerId(name);
    if (!isFieldValue(value) || (id === 0 && !isFieldName(name))) return;
    if (id !== 0) this.#mark(id);
    this.#extra.push(name, value);
  }

  /** Adds a known field; the value is not checked: for what the proxy itself computed. */
  addKnown(id: HeaderId, value: string): void {
    this.#mark(id);
    this.#extra.push(HEADER_NAME[id] as string, value);
  }

  /** Replaces every field of this name by one. */
  set(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** Replaces every field of this known name by one. */
  setKnown(id: HeaderId, value: string): void {
    this.removeKnown(id);
    this.addKnown(id, value);
  }

  /** Takes out every field of this lower-case name. */
  remove(name: string): void {
    const id = headerId(name);
    if (id !== 0) {
      this.removeKnown(id);
      return;
    }
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] === 0 && this.#nameEquals(at, name)) spans[at] = REMOVED;
    }
    this.#removeExtra(name);
  }

  /** Takes out every field of this known name. */
  removeKnown(id: HeaderId): void {
    if (!this.mayHave(id)) return;
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] === id) spans[at] = REMOVED;
    }
    this.#removeExtra(HEADER_NAME[id] as string);
    if (id < 32) this.#low &= ~lowBit(id);
    else this.#high &= ~highBit(id);
  }

  /** Takes out every field whose known name is in the mask. */
  removeAny(mask: HeaderMask): void {
    if (!this.mayHaveAny(mask)) return;
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (isInMask(spans[at]!, mask)) spans[at] = REMOVED;
    }
    const extra = this.#extra;
    for (let index = extra.length - 2; index >= 0; index -= 2) {
      if (isInMask(headerId(extra[index] as string), mask)) extra.splice(index, 2);
    }
    this.#low &= ~mask.low;
    this.#high &= ~mask.high;
  }

  /**
   * Makes one line of all lines of each of these fields, in their order: `a,b` is what RFC 9110 §5.3
   * calls the same, and cookies have a separator of their own.
   */
  joinLines(mask: HeaderMask, separator = ','): void {
    for (let id = 1; id < HEADER_NAME.length; id += 1) {
      if (!isInMask(id, mask) || this.countKnown(id) < 2) continue;
      this.setKnown(id, this.#joined(id, separator));
    }
  }

  /** Bytes of all names and values, as Envoy counts them. */
  byteSize(): number {
    let size = 0;
    for (let index = 0; index < this.length; index += 1) {
      const name = this.nameAt(index);
      if (name !== '') size += name.length + this.valueAt(index).length;
    }
    return size;
  }

  /** The fields as HTTP/1.1 lines, each with its CRLF; runs of untouched lines are one slice. */
  toFieldLines(): string {
    const spans = this.#spans;
    let lines = '';
    let runStart = -1;
    let runEnd = -1;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] === REMOVED) continue;
      const lineEnd = spans[at + 5]!;
      if (lineEnd !== 0 && spans[at + 1] === runEnd) {
        runEnd = lineEnd;
        continue;
      }
      if (runEnd !== -1) lines += this.#text.substring(runStart, runEnd);
      runStart = spans[at + 1]!;
      runEnd = lineEnd;
      if (lineEnd !== 0) continue;
      lines += `${this.nameAt(at / SPAN)}: ${this.valueAt(at / SPAN)}\r\n`;
      runEnd = -1;
    }
    if (runEnd !== -1) lines += this.#text.substring(runStart, runEnd);
    const extra = this.#extra;
    for (let index = 0; index < extra.length; index += 2) {
      lines += `${extra[index]}: ${extra[index + 1]}\r\n`;
    }
    return lines;
  }

  /** The same with names such as `Content-Type`, as Envoy's `proper_case_words`. */
  toProperCaseLines(): string {
    let lines = '';
    for (let index = 0; index < this.length; index += 1) {
      const name = this.nameAt(index);
      if (name !== '') lines += `${properCase(name)}: ${this.valueAt(index)}\r\n`;
    }
    return lines;
  }

  #mark(id: HeaderId): void {
    this.#low |= lowBit(id);
    this.#high |= highBit(id);
  }

  /** Every value of a known field in one text. */
  #joined(id: HeaderId, separator: string): string {
    let joined = '';
    let lead = '';
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN) {
      if (spans[at] !== id) continue;
      joined += lead + this.#text.substring(spans[at + 3]!, spans[at + 4]!);
      lead = separator;
    }
    const extra = this.#extra;
    for (let index = 0; index < extra.length; index += 2) {
      if (extra[index] !== HEADER_NAME[id]) continue;
      joined += lead + extra[index + 1]!;
      lead = separator;
    }
    return joined;
  }

  #nameEquals(at: number, name: string): boolean {
    const start = this.#spans[at + 1]!;
    return this.#spans[at + 2]! - start === name.length && this.#text.startsWith(name, start);
  }

  #extraValue(name: string): string | null {
    const extra = this.#extra;
    for (let index = 0; index < extra.length; index += 2) {
      if (extra[index] === name) return extra[index + 1] as string;
    }
    return null;
  }

  #removeExtra(name: string): void {
    const extra = this.#extra;
    for (let index = extra.length - 2; index >= 0; index -= 2) {
      if (extra[index] === name) extra.splice(index, 2);
    }
  }
}
