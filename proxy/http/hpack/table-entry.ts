// One field as HPACK's tables hold it, with what was found out about it once: blocks that refer to
// it neither check nor build anything again.
import type { FieldName } from './field-name.ts';

/** Octets that RFC 7541 §4.1 counts for an entry besides its name and value. */
export const ENTRY_OVERHEAD = 32;

/** A field. One that a block only mentions lives in an entry that is used again for the next. */
export class TableEntry {
  name: FieldName;
  value: string;
  /** Only octets that a field value may hold, and no blank at either edge (RFC 9113 §8.2.1). */
  isValueClean: boolean;
  /** What the reader of fields made of it; 0 until it did. */
  verdict = 0;
  #line = '';

  constructor(name: FieldName, value: string, isValueClean: boolean) {
    this.name = name;
    this.value = value;
    this.isValueClean = isValueClean;
  }

  /** Octets of name and value. */
  get octets(): number {
    return this.name.text.length + this.value.length;
  }

  /** `name: value CRLF`, for an entry that will be asked again: one flat text, made once. */
  get line(): string {
    if (this.#line === '') {
      this.#line = `${this.name.lead}${this.value}\r\n`;
      // Reading a character makes V8 flatten the text, which otherwise each reader would do.
      this.#line.charCodeAt(0);
    }
    return this.#line;
  }
}
