// Scans a request line byte by byte as it arrives: `method SP target SP HTTP/1.x CRLF` with
// nothing repaired (RFC 9112 §3).

import { CR, LF, SP, TARGET, TOKEN_LOWER } from '../char-tables.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';

/** Octets of a method; the longest that anyone registered has 17 (IANA method registry). */
export const MAX_METHOD_LENGTH = 64;

const IN_METHOD = 0;
const IN_TARGET = 1;
const IN_VERSION = 2;
const COMPLETE = 3;

const VERSION = Buffer.from('HTTP/1.1\r\n', 'latin1');
const MAJOR_AT = 5;
const MINOR_AT = 7;

/** A resumable scanner of request lines. All offsets are relative to `base`. */
export class RequestLine {
  /** Where the message starts in the buffer of the next call. */
  base = 0;
  error: ProtocolError | null = null;
  methodEnd = 0;
  targetEnd = 0;
  /** x of HTTP/1.x; more than 1 is treated as 1 (RFC 9110 §2.5). */
  minorVersion = 1;
  #phase = IN_METHOD;

  get isComplete(): boolean {
    return this.#phase === COMPLETE;
  }

  /** Offset of the target's first octet. */
  get targetStart(): number {
    return this.methodEnd + 1;
  }

  reset(): void {
    this.error = null;
    this.#phase = IN_METHOD;
  }

  /** Scans `buffer[from, end)`, as FieldScanner.scan does. */
  scan(buffer: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#phase === IN_METHOD) at = this.#method(buffer, at, end);
    if (this.#phase === IN_TARGET) at = this.#target(buffer, at, end);
    if (this.#phase === IN_VERSION) at = this.#version(buffer, at, end);
    return at;
  }

  #method(buffer: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && TOKEN_LOWER[buffer[at]!] !== 0 && at - this.base < MAX_METHOD_LENGTH)
      at += 1;
    if (at === end) return at;
    if (buffer[at] === SP && at > this.base) {
      this.methodEnd = at - this.base;
      this.#phase = IN_TARGET;
    } else {
      const isTooLong = TOKEN_LOWER[buffer[at]!] !== 0;
      this.error = isTooLong ? H1_ERROR.methodTooLong : H1_ERROR.requestLine;
    }
    return at + 1;
  }

  #target(buffer: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && TARGET[buffer[at]!] === 1) at += 1;
    if (at === end) return at;
    const byte = buffer[at]!;
    if (byte === SP && at - this.base > this.targetStart) {
      this.targetEnd = at - this.base;
      this.#phase = IN_VERSION;
    } else {
      const isShape = byte === SP || byte === CR || byte === LF;
      this.error = isShape ? H1_ERROR.requestLine : notInTarget(byte);
    }
    return at + 1;
  }

  #version(buffer: Buffer, from: number, end: number): number {
    let at = from;
    const start = this.base + this.targetEnd + 1;
    while (at < end && this.error === null) {
      const index = at - start;
      const byte = buffer[at]!;
      at += 1;
      if (byte !== VERSION[index]) this.#oddVersion(byte, index);
      else if (index === MINOR_AT) this.minorVersion = 1;
      if (index === VERSION.length - 1) {
        if (this.error === null) this.#phase = COMPLETE;
        break;
      }
    }
    return at;
  }

  #oddVersion(byte: number, index: number): void {
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (index === MINOR_AT && isDigit) this.minorVersion = byte - 0x30;
    else if (index === MAJOR_AT && isDigit) this.error = H1_ERROR.majorVersion;
    else this.error = H1_ERROR.requestLine;
  }
}

/** Envoy's details tell NUL from the rest. */
function notInTarget(byte: number): ProtocolError {
  return byte === 0 ? H1_ERROR.value : H1_ERROR.target;
}
