// Collects one head (or trailer section) from reads of any size. A head that lies in one read is
// parsed where it is; one that spans several is copied into a buffer of its own, up to the limit.

import { latin1Slice } from '../../base/latin1.ts';
import { HeaderList } from '../header-list.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { type FieldScanner, LINE_OCTETS } from './field-scanner.ts';

/** First size of the buffer for a head that spans reads; doubled as needed. */
const FIRST_OWN_BYTES = 1024;

/** A scanner of what stands before the fields. */
export interface StartLine {
  readonly isComplete: boolean;
  readonly error: ProtocolError | null;
  base: number;
  scan(buffer: Buffer, from: number, end: number): number;
  reset(): void;
}

/** Reads heads one after the other. */
export class HeadReader {
  error: ProtocolError | null = null;
  isComplete = false;
  /** Where the complete head lies; valid until the next call of anything. */
  buffer: Buffer = NO_BYTES;
  base = 0;
  /** Octets of the head so far. */
  length = 0;
  readonly fields: FieldScanner;
  readonly #startLine: StartLine | null;
  readonly #maxBytes: number;
  readonly #tooLarge: ProtocolError;
  #own: Buffer | null = null;

  constructor(
    startLine: StartLine | null,
    fields: FieldScanner,
    limit: { readonly maxBytes: number; readonly tooLarge: ProtocolError },
  ) {
    this.#startLine = startLine;
    this.fields = fields;
    this.#maxBytes = limit.maxBytes;
    this.#tooLarge = limit.tooLarge;
  }

  /** Prepares for the next head. */
  reset(): void {
    this.error = null;
    this.isComplete = false;
    this.buffer = NO_BYTES;
    this.length = 0;
    this.#own = null;
    this.fields.reset();
    if (this.#startLine !== null) this.#startLine.reset();
  }

  /** Lets go of the bytes; the connection may be idle for long. */
  release(): void {
    this.buffer = NO_BYTES;
    this.#own = null;
  }

  /** Takes bytes of `buffer[from, end)`; returns the offset behind those that belong to the head. */
  read(buffer: Buffer, from: number, end: number): number {
    const before = this.length;
    const room = Math.min(end - from, this.#maxBytes - before);
    if (this.#own === null && before === 0) {
      this.base = from;
      this.#scan(buffer, from, from + room);
      if (!this.isComplete && this.error === null) this.#keep(buffer, from, from + room);
    } else {
      const own = this.#grow(before + room);
      buffer.copy(own, before, from, from + room);
      this.base = 0;
      this.#scan(own, before, before + room);
    }
    if (this.length === this.#maxBytes && !this.isComplete && this.error === null) {
      this.error = this.#tooLarge;
    }
    return from + this.length - before;
  }

  /** Octets of the complete head's fields, as ByteMeter counts what is received. */
  get fieldOctets(): number {
    return Math.max(this.fields.octets, LINE_OCTETS);
  }

  /** The complete head as text with its fields. */
  takeHeaders(): HeaderList {
    const text = latin1Slice(this.buffer, this.base, this.base + this.length);
    const { fields } = this;
    return HeaderList.parsed(text, fields.copySpans(), fields.low, fields.high);
  }

  #scan(buffer: Buffer, from: number, end: number): void {
    let at = from;
    const base = this.base;
    const line = this.#startLine;
    if (line !== null && !line.isComplete) {
      line.base = base;
      at = line.scan(buffer, at, end);
      this.error = line.error;
    }
    if (line === null || line.isComplete) {
      this.fields.base = base;
      at = this.fields.scan(buffer, at, end);
      this.error = this.fields.error;
      this.isComplete = this.fields.isComplete;
    }
    this.length = at - base;
    this.buffer = buffer;
  }

  #keep(buffer: Buffer, from: number, end: number): void {
    const own = this.#grow(end - from);
    buffer.copy(own, 0, from, end);
  }

  #grow(size: number): Buffer {
    const old = this.#own;
    if (old !== null && old.length >= size) return old;
    let capacity = old === null ? FIRST_OWN_BYTES : old.length * 2;
    while (capacity < size) capacity *= 2;
    const grown = Buffer.allocUnsafeSlow(Math.min(capacity, Math.max(size, this.#maxBytes)));
    if (old !== null) old.copy(grown, 0, 0, this.length);
    this.#own = grown;
    return grown;
  }
}

const NO_BYTES = Buffer.alloc(0);
