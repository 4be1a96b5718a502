// The fields of one block as they are collected: pseudo-fields as members, regular ones as the text
// and spans that a HeaderList is made over. Used again for later blocks.
import { parseContentLength } from '../content-length.ts';
import { HEADER_ID, highBit, lowBit } from '../header-names.ts';
import type { FieldName } from '../hpack/field-name.ts';
import type { TableEntry } from '../hpack/table-entry.ts';
import type { ProtocolError } from '../protocol-error.ts';
import {
  AUTHORITY,
  CONTENT_LENGTH,
  COOKIE,
  DROPPED,
  FIRST_ERROR,
  HOST,
  METHOD,
  PATH,
  PLAIN,
  PROTOCOL,
  SCHEME,
  verdictError,
} from './field-verdicts.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';

const SPAN = 6;
const COOKIE_LEAD = 'cookie: ';

/** The bit of a pseudo-field in `seen`. */
export function pseudoBit(verdict: number): number {
  return 1 << verdict;
}

/** One block's fields. */
export class FieldSection {
  /** The first thing that is wrong in any kind of message. */
  error: ProtocolError | null = null;
  /** Pseudo-fields that came, as bits of their verdicts. */
  seen = 0;
  method = '';
  scheme = '';
  path = '';
  authority = '';
  protocol = '';
  status = '';
  /** Value of the last Host field, and how many there are. */
  host = '';
  hosts = 0;
  /** -1: none. */
  contentLength = -1;
  /** Fields dropped because of an underscore. */
  dropped = 0;
  /** HTTP/1.1 lines of the regular fields, and numbers as `HeaderList.parsed` takes them. */
  text = '';
  low = 0;
  high = 0;
  repeatedLow = 0;
  repeatedHigh = 0;
  /** Octets of names and values, and fields. */
  octets = 0;
  count = 0;
  readonly #spans: number[] = [];
  #used = 0;
  #length = 0;
  #cookies = '';
  /** A regular field came that is not among the spans. */
  #hasOther = false;

  /** Prepares for the next block. */
  reset(): void {
    this.error = null;
    this.seen = 0;
    this.method = '';
    this.scheme = '';
    this.path = '';
    this.authority = '';
    this.protocol = '';
    this.status = '';
    this.hosts = 0;
    this.contentLength = -1;
    this.dropped = 0;
    this.text = '';
    this.low = 0;
    this.high = 0;
    this.repeatedLow = 0;
    this.repeatedHigh = 0;
    this.#used = 0;
    this.#length = 0;
    this.#cookies = '';
    this.#hasOther = false;
  }

  /** The spans for a list over `text`, which owns them. */
  copySpans(): number[] {
    return this.#spans.slice(0, this.#used);
  }

  /** Takes a field that was judged now. */
  addFirst(entry: TableEntry): void {
    const { name, value, verdict } = entry;
    if (verdict === PLAIN) this.#line(name, value, `${name.lead}${value}\r\n`);
    else this.#special(entry);
  }

  /** Takes a field that was judged before; its line is ready. */
  addAgain(entry: TableEntry): void {
    if (entry.verdict === PLAIN) this.#line(entry.name, entry.value, entry.line);
    else this.#special(entry);
  }

  /** Behind the last field. RFC 9113 §8.2.3: cookies are one field again. */
  finish(): void {
    const cookies = this.#cookies;
    if (cookies === '') return;
    this.#span(HEADER_ID.cookie, COOKIE_LEAD.length - 2, cookies.length);
    this.text += `${COOKIE_LEAD}${cookies}\r\n`;
  }

  #line(name: FieldName, value: string, line: string): void {
    this.#span(name.id, name.text.length, value.length);
    this.text += line;
  }

  #span(id: number, nameLength: number, valueLength: number): void {
    const spans = this.#spans;
    const at = this.#used;
    const start = this.#length;
    const nameEnd = start + nameLength;
    const valueEnd = nameEnd + 2 + valueLength;
    spans[at] = id;
    spans[at + 1] = start;
    spans[at + 2] = nameEnd;
    spans[at + 3] = nameEnd + 2;
    spans[at + 4] = valueEnd;
    spans[at + 5] = valueEnd + 2;
    this.#used = at + SPAN;
    this.#length = valueEnd + 2;
    if (id !== 0) this.#mark(lowBit(id), highBit(id));
  }

  #mark(low: number, high: number): void {
    this.repeatedLow |= this.low & low;
    this.repeatedHigh |= this.high & high;
    this.low |= low;
    this.high |= high;
  }

  #special(entry: TableEntry): void {
    const { verdict, value } = entry;
    if (verdict >= FIRST_ERROR) this.fail(verdictError(verdict));
    else if (verdict >= METHOD) this.#pseudo(verdict, value);
    else this.#other(entry);
  }

  #other(entry: TableEntry): void {
    const { verdict, value } = entry;
    this.#hasOther = true;
    if (verdict === COOKIE) this.#cookie(value);
    else if (verdict === DROPPED) this.dropped += 1;
    else if (verdict === HOST) this.#host(value);
    else if (verdict === CONTENT_LENGTH) this.#contentLength(entry);
  }

  /** Something is wrong with the block; the first thing counts. */
  fail(error: ProtocolError): void {
    if (this.error === null) this.error = error;
  }

  #cookie(value: string): void {
    if (value === '') return;
    this.#cookies = this.#cookies === '' ? value : `${this.#cookies}; ${value}`;
  }

  #host(value: string): void {
    this.host = value;
    this.hosts += 1;
  }

  #contentLength(entry: TableEntry): void {
    if (this.contentLength !== -1) this.fail(H2_HEAD_ERROR.contentLength);
    this.contentLength = parseContentLength(entry.value);
    this.#line(entry.name, entry.value, `${entry.name.lead}${entry.value}\r\n`);
  }

  #pseudo(verdict: number, value: string): void {
    const bit = pseudoBit(verdict);
    if (this.#used !== 0 || this.#hasOther) this.fail(H2_HEAD_ERROR.latePseudo);
    if ((this.seen & bit) !== 0) this.fail(H2_HEAD_ERROR.repeatedPseudo);
    this.seen |= bit;
    if (verdict === METHOD) this.method = value;
    else if (verdict === PATH) this.path = value;
    else if (verdict === AUTHORITY) this.authority = value;
    else if (verdict === SCHEME) this.scheme = value;
    else if (verdict === PROTOCOL) this.protocol = value;
    else this.status = value;
  }
}
