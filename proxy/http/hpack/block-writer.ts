// Writes the representations of RFC 7541 §5 into a buffer that grows as needed.
import { latin1Write } from '../../base/latin1.ts';
import { huffmanOctets, huffmanWrite } from './huffman-encoder.ts';

/** Kinds of integers: the flags of the first octet, and eight bits further up the prefix's mask. */
export const INDEXED = 0x7f80;
export const INSERTED = 0x3f40;
export const LITERAL = 0x0f00;
export const NEVER_INDEXED = 0x0f10;
export const SIZE_UPDATE = 0x1f20;
const PLAIN_STRING = 0x7f00;
const HUFFMAN_STRING = 0x7f80;

const FIRST_CAPACITY = 512;
/** Octets of the longest integer that is written. */
const INTEGER_OCTETS = 6;
/** Up to here a string's length takes one octet. */
const SHORT_STRING = 127;
/** A Huffman code has at most 30 bits; it is written first and measured afterwards. */
const MAX_OCTETS_PER_SYMBOL = 4;

/** One field block after the other. */
export class BlockWriter {
  buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  length = 0;

  /** An integer of one of the kinds above. */
  integer(kind: number, value: number): void {
    this.#reserve(INTEGER_OCTETS);
    const mask = kind >>> 8;
    const flags = kind & 0xff;
    if (value < mask) {
      this.buffer[this.length] = flags | value;
      this.length += 1;
      return;
    }
    this.buffer[this.length] = flags | mask;
    this.length += 1;
    let rest = value - mask;
    while (rest >= 0x80) {
      this.buffer[this.length] = (rest & 0x7f) | 0x80;
      this.length += 1;
      rest >>>= 7;
    }
    this.buffer[this.length] = rest;
    this.length += 1;
  }

  /** A string, in whichever code is shorter; characters are latin1. */
  string(text: string): void {
    const { length } = text;
    if (length >= SHORT_STRING) {
      this.#longString(text);
      return;
    }
    this.#reserve(1 + length * MAX_OCTETS_PER_SYMBOL);
    const start = this.length + 1;
    const end = huffmanWrite(this.buffer, text, start);
    const octets = end - start;
    if (octets < length) {
      this.buffer[start - 1] = 0x80 | octets;
      this.length = end;
      return;
    }
    this.buffer[start - 1] = length;
    this.length = start + latin1Write(this.buffer, text, start);
  }

  /** Octets that are written already. */
  octets(source: Buffer, length: number): void {
    this.#reserve(length);
    const { buffer } = this;
    const start = this.length;
    for (let at = 0; at < length; at += 1) buffer[start + at] = source[at]!;
    this.length = start + length;
  }

  #longString(text: string): void {
    const octets = huffmanOctets(text);
    if (octets < text.length) {
      this.integer(HUFFMAN_STRING, octets);
      this.#reserve(octets);
      this.length = huffmanWrite(this.buffer, text, this.length);
      return;
    }
    this.integer(PLAIN_STRING, text.length);
    this.#reserve(text.length);
    this.length += latin1Write(this.buffer, text, this.length);
  }

  #reserve(octets: number): void {
    const needed = this.length + octets;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
