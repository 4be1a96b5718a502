// The lines between chunks (RFC 9112 §7.1) as a byte machine: sizes without wrap-around,
// extensions checked against the grammar and dropped, a bound on all that is not content.

import { CR, FIELD_VALUE, HEX, HTAB, LF, SP, TOKEN_LOWER } from '../char-tables.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';

/**
 * Octets of chunk lines beyond size digits of a first sixteen each, per message: CVE-2024-22019
 * was an endless extension. Larger only lets a peer send more for nothing.
 */
export const MAX_CHUNK_OVERHEAD = 16 * 1024;
/** Digits of a size that are not charged to the overhead; 2^53 - 1 has 14. */
const FREE_DIGITS = 16;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const SIZE_START = 0;
const SIZE = 1;
const BEFORE_SEMICOLON = 2;
const NAME_START = 3;
const NAME = 4;
const AFTER_NAME = 5;
const VALUE_START = 6;
const TOKEN_VALUE = 7;
const QUOTED = 8;
const ESCAPED = 9;
const AFTER_VALUE = 10;
const LINE_FEED = 11;
const LINE_DONE = 12;

/** Reads one chunk line after the other. */
export class ChunkLine {
  error: ProtocolError | null = null;
  /** The chunk's size once `isComplete`. */
  size = 0;
  #phase = SIZE_START;
  #digits = 0;
  #overhead = 0;

  get isComplete(): boolean {
    return this.#phase === LINE_DONE;
  }

  /** Prepares for a message. */
  reset(): void {
    this.error = null;
    this.#overhead = 0;
    this.next();
  }

  /** Prepares for the next line of the same message. */
  next(): void {
    this.size = 0;
    this.#digits = 0;
    this.#phase = SIZE_START;
  }

  /** Takes bytes of `buffer[from, end)`; returns the offset behind the last one taken. */
  scan(buffer: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && this.#phase !== LINE_DONE && this.error === null) {
      const byte = buffer[at]!;
      at += 1;
      if (this.#phase <= SIZE) this.#sizeDigit(byte);
      else if (this.#phase === LINE_FEED) this.#lineFeed(byte);
      else this.#extension(byte);
    }
    return at;
  }

  #sizeDigit(byte: number): void {
    const digit = HEX[byte]! - 1;
    if (digit >= 0) {
      this.size = this.size * 16 + digit;
      this.#digits += 1;
      this.#phase = SIZE;
      if (this.size > Number.MAX_SAFE_INTEGER) this.error = H1_ERROR.chunkSize;
      if (this.#digits > FREE_DIGITS) this.#charge();
      return;
    }
    if (this.#phase === SIZE_START) this.error = H1_ERROR.chunkSize;
    else if (byte === CR) this.#phase = LINE_FEED;
    else if (byte === SEMICOLON) this.#enter(NAME_START);
    else if (isBlank(byte)) this.#enter(BEFORE_SEMICOLON);
    else this.error = H1_ERROR.chunkSize;
  }

  #lineFeed(byte: number): void {
    if (byte === LF) this.#phase = LINE_DONE;
    else this.error = H1_ERROR.lineEnd;
  }

  /** chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) */
  #extension(byte: number): void {
    switch (this.#phase) {
      case NAME_START:
      case VALUE_START:
        this.#start(byte);
        break;
      case NAME:
      case TOKEN_VALUE:
        if (TOKEN_LOWER[byte] !== 0) this.#charge();
        else this.#after(byte);
        break;
      case QUOTED:
      case ESCAPED:
        this.#quoted(byte);
        break;
      default:
        this.#after(byte);
    }
  }

  #start(byte: number): void {
    if (isBlank(byte)) this.#charge();
    else if (TOKEN_LOWER[byte] !== 0) this.#enter(this.#phase === NAME_START ? NAME : TOKEN_VALUE);
    else if (byte === QUOTE && this.#phase === VALUE_START) this.#enter(QUOTED);
    else this.error = H1_ERROR.chunkExtension;
  }

  #quoted(byte: number): void {
    if (FIELD_VALUE[byte] === 0) this.error = H1_ERROR.chunkExtension;
    else if (this.#phase === ESCAPED) this.#enter(QUOTED);
    else if (byte === BACKSLASH) this.#enter(ESCAPED);
    else this.#enter(byte === QUOTE ? AFTER_VALUE : QUOTED);
  }

  /** Behind a size with blanks, a name or a value. */
  #after(byte: number): void {
    const isName = this.#phase === NAME || this.#phase === AFTER_NAME;
    if (byte === SEMICOLON) this.#enter(NAME_START);
    else if (byte === EQUALS && isName) this.#enter(VALUE_START);
    else if (isBlank(byte)) this.#enterBlanks(isName);
    // A blank belongs to what follows it: one before the line's end is no BWS of the grammar.
    else if (byte === CR && this.#isItemEnd()) this.#phase = LINE_FEED;
    else this.error = H1_ERROR.chunkExtension;
  }

  #isItemEnd(): boolean {
    const phase = this.#phase;
    return phase === NAME || phase === TOKEN_VALUE || phase === AFTER_VALUE;
  }

  #enterBlanks(isName: boolean): void {
    this.#enter(isName ? AFTER_NAME : BEFORE_SEMICOLON);
  }

  #enter(phase: number): void {
    this.#phase = phase;
    this.#charge();
  }

  #charge(): void {
    this.#overhead += 1;
    if (this.#overhead > MAX_CHUNK_OVERHEAD) this.error = H1_ERROR.chunkOverhead;
  }
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
