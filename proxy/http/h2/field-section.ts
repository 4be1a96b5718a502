// The fields of one block as they are collected: pseudo-fields as members, regular ones as lines.
// Used again for later blocks.
import { parseContentLength } from '../content-length.ts';
import type { TableEntry } from '../hpack/table-entry.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { FieldLines } from './field-lines.ts';
import type { FieldRun } from './field-run.ts';
import {
  AUTHORITY,
  CONTENT_LENGTH,
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

/** The bit of a pseudo-field in `seen`. */
export function pseudoBit(verdict: number): number {
  return 1 << verdict;
}

/** One block's fields. */
export class FieldSection {
  /** The regular fields. */
  readonly lines = new FieldLines();
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
  /** Octets of names and values, and fields. */
  octets = 0;
  count = 0;
  /** A regular field came that is not among the lines. */
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
    this.lines.reset();
    this.#hasOther = false;
  }

  /** Takes a field that was judged now. */
  addFirst(entry: TableEntry): void {
    if (entry.verdict === PLAIN) this.#line(entry);
    else this.#special(entry);
  }

  /** Takes a field that was judged before; its line is ready. */
  addAgain(entry: TableEntry): void {
    const { name } = entry;
    if (entry.verdict === PLAIN) this.lines.add(name.id, name.text.length, entry.line);
    else this.#special(entry);
  }

  /** Takes fields that came together before. */
  addRun(run: FieldRun): void {
    const { before, behind } = run;
    for (let at = 0; at < before.length; at += 1) this.#special(before[at]!);
    if (!run.lines.isEmpty) this.lines.append(run.lines);
    for (let at = 0; at < behind.length; at += 1) this.#special(behind[at]!);
  }

  #line(entry: TableEntry): void {
    const { name } = entry;
    this.lines.add(name.id, name.text.length, `${name.lead}${entry.value}\r\n`);
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
    if (verdict === DROPPED) this.dropped += 1;
    else if (verdict === HOST) this.#host(value);
    else if (verdict === CONTENT_LENGTH) this.#contentLength(entry);
  }

  /** Something is wrong with the block; the first thing counts. */
  fail(error: ProtocolError): void {
    if (this.error === null) this.error = error;
  }

  #host(value: string): void {
    this.host = value;
    this.hosts += 1;
  }

  #contentLength(entry: TableEntry): void {
    if (this.contentLength !== -1) this.fail(H2_HEAD_ERROR.contentLength);
    this.contentLength = parseContentLength(entry.value);
    this.#line(entry);
  }

  #pseudo(verdict: number, value: string): void {
    const bit = pseudoBit(verdict);
    if (!this.lines.isEmpty || this.#hasOther) this.fail(H2_HEAD_ERROR.latePseudo);
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
