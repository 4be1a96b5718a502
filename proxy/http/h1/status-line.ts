// Scans a status line byte by byte as it arrives: `HTTP/1.x SP 3DIGIT SP reason CRLF`. The reason
// is checked and dropped.

import { CR, FIELD_VALUE, LF } from '../char-tables.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';

/** `D` stands for any digit. */
const PATTERN = Buffer.from('HTTP/1.D DDD ', 'latin1');
const ANY_DIGIT = 0x44;
const MINOR_AT = 7;

const IN_PATTERN = 0;
const IN_REASON = 1;
const AT_LINE_FEED = 2;
const COMPLETE = 3;

/** A resumable scanner of status lines. */
export class StatusLine {
  /** Where the message starts in the buffer of the next call. */
  base = 0;
  error: ProtocolError | null = null;
  /** 100 to 999. */
  status = 0;
  minorVersion = 1;
  #phase = IN_PATTERN;

  get isComplete(): boolean {
    return this.#phase === COMPLETE;
  }

  reset(): void {
    this.error = null;
    this.status = 0;
    this.#phase = IN_PATTERN;
  }

  /** Scans `buffer[from, end)`, as FieldScanner.scan does. */
  scan(buffer: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#phase === IN_PATTERN) at = this.#pattern(buffer, at, end);
    if (this.#phase === IN_REASON) at = this.#reason(buffer, at, end);
    if (this.#phase === AT_LINE_FEED && at < end) {
      if (buffer[at] === LF) this.#phase = COMPLETE;
      else this.error = H1_ERROR.statusLine;
      at += 1;
    }
    return at;
  }

  #pattern(buffer: Buffer, from: number, end: number): number {
    for (let at = from; at < end; at += 1) {
      const index = at - this.base;
      const byte = buffer[at]!;
      const expected = PATTERN[index]!;
      if (expected === ANY_DIGIT && byte >= 0x30 && byte <= 0x39) {
        if (index === MINOR_AT) this.minorVersion = byte - 0x30;
        else this.status = this.status * 10 + byte - 0x30;
      } else if (byte !== expected || expected === ANY_DIGIT) {
        this.error = H1_ERROR.statusLine;
        return at;
      }
      if (index === PATTERN.length - 1) {
        this.#endPattern();
        return at + 1;
      }
    }
    return end;
  }

  #endPattern(): void {
    if (this.status < 100) this.error = H1_ERROR.statusLine;
    else this.#phase = IN_REASON;
  }

  #reason(buffer: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && FIELD_VALUE[buffer[at]!] === 1) at += 1;
    if (at === end) return at;
    if (buffer[at] === CR) this.#phase = AT_LINE_FEED;
    else this.error = H1_ERROR.statusLine;
    return at + 1;
  }
}
