// Reads Huffman-coded strings (RFC 7541 §5.2). Eight bits at a time find every letter, digit and
// common mark; the next table finds codes up to 15 bits, all of which begin with seven ones; the
// rest, which only controls and octets above 0x7f have, is searched for.
import { FIELD_VALUE } from '../char-tables.ts';
import {
  CODE_BITS,
  CODE_COUNT,
  CODE_SYMBOLS,
  CODES,
  EOS,
  FIRST_CODE,
  FIRST_SYMBOL,
  MAX_CODE_BITS,
} from './huffman-code.ts';

const SHORT_BITS = 8;
const MIDDLE_BITS = 15;
/** The shortest code that neither table has. */
const LONG_BITS = 19;
/** Longest padding (RFC 7541 §5.2). */
const MAX_PADDING_BITS = 7;
const FIRST_CAPACITY = 4096;

/** Bits of the code times 256, plus the symbol; 0 for what begins a longer code. */
const SHORT = lookupTable(1, SHORT_BITS);
const MIDDLE = lookupTable(SHORT_BITS + 1, MIDDLE_BITS);

/** The codes of `from` to `to` bits by the last eight of `to` bits. */
function lookupTable(from: number, to: number): Uint16Array {
  const table = new Uint16Array(256);
  for (let symbol = 0; symbol < EOS; symbol += 1) {
    const bits = CODE_BITS[symbol] as number;
    if (bits < from || bits > to) continue;
    const first = ((CODES[symbol] as number) << (to - bits)) & 0xff;
    table.fill((bits << 8) | symbol, first, first + (1 << (to - bits)));
  }
  return table;
}

/** Decodes one string at a time into a buffer of its own. */
export class HuffmanDecoder {
  /** The last string: `output[0, length)`, valid until the next call. */
  output: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  length = 0;
  /** False when the last string holds an octet that no field value may hold. */
  isClean = true;
  /** Bits that were read and not used yet: the low `#bits` of `#pending`. */
  #pending = 0;
  #bits = 0;

  /** Decodes `buffer[start, end)`; false when it is not a valid code. */
  decode(buffer: Buffer, start: number, end: number): boolean {
    this.length = 0;
    this.isClean = true;
    this.#reserve(end - start);
    let at = start;
    this.#pending = 0;
    this.#bits = 0;
    for (;;) {
      at = this.#common(buffer, at, end);
      if (at === end && this.#bits < LONG_BITS) return this.#tail();
      at = this.#long(buffer, at, end);
      if (at === -1) return false;
    }
  }

  /** No code is shorter than five bits. */
  #reserve(octets: number): void {
    const most = Math.ceil((octets * 8) / 5);
    if (most > this.output.length) this.output = Buffer.allocUnsafeSlow(most * 2);
  }

  /** Decodes until the input ends or a long code begins; returns the offset behind what was read. */
  #common(buffer: Buffer, from: number, end: number): number {
    const output = this.output;
    let at = from;
    let length = this.length;
    let pending = this.#pending;
    let bits = this.#bits;
    while (bits >= MIDDLE_BITS || at < end) {
      if (bits < MIDDLE_BITS) {
        // The two tables need 15 bits; one more octet may not be enough of them.
        pending = (pending << 8) | buffer[at]!;
        bits += 8;
        at += 1;
        continue;
      }
      let hit = SHORT[(pending >>> (bits - SHORT_BITS)) & 0xff]!;
      if (hit === 0) {
        hit = MIDDLE[(pending >>> (bits - MIDDLE_BITS)) & 0xff]!;
        if (hit === 0) break;
        if (FIELD_VALUE[hit & 0xff] === 0) this.isClean = false;
      }
      output[length] = hit;
      length += 1;
      bits -= hit >> 8;
    }
    this.length = length;
    this.#pending = pending;
    this.#bits = bits;
    return at;
  }

  /** Decodes the last few bits, as if ones followed for ever; false unless they end well. */
  #tail(): boolean {
    while (this.#bits > 0) {
      const short = this.#peek(SHORT_BITS);
      const hit = SHORT[short] === 0 ? MIDDLE[this.#peek(MIDDLE_BITS)]! : SHORT[short]!;
      const used = hit >> 8;
      if (hit === 0 || used > this.#bits) break;
      this.#emit(hit & 0xff);
      this.#bits -= used;
    }
    const ones = (1 << this.#bits) - 1;
    return this.#bits <= MAX_PADDING_BITS && (this.#pending & ones) === ones;
  }

  /** The last eight of the next `count` bits, ones behind the end. */
  #peek(count: number): number {
    const missing = count - this.#bits;
    if (missing <= 0) return (this.#pending >>> -missing) & 0xff;
    return ((this.#pending << missing) | ((1 << missing) - 1)) & 0xff;
  }

  /** Decodes one code of at least LONG_BITS; returns the offset behind what was read, -1 for none. */
  #long(buffer: Buffer, from: number, end: number): number {
    // Codes have up to 30 bits: read on from where this one begins.
    let position = from * 8 - this.#bits;
    const limit = end * 8;
    let code = 0;
    for (let bits = 1; bits <= MAX_CODE_BITS && position < limit; bits += 1) {
      code = code * 2 + ((buffer[position >>> 3]! >>> (7 - (position & 7))) & 1);
      position += 1;
      const rank = code - FIRST_CODE[bits]!;
      if (bits < LONG_BITS || rank < 0 || rank >= CODE_COUNT[bits]!) continue;
      const symbol = CODE_SYMBOLS[FIRST_SYMBOL[bits]! + rank]!;
      if (symbol === EOS) return -1;
      this.#emit(symbol);
      const next = (position + 7) >>> 3;
      this.#bits = next * 8 - position;
      this.#pending = this.#bits === 0 ? 0 : buffer[next - 1]!;
      return next;
    }
    return -1;
  }

  #emit(symbol: number): void {
    if (FIELD_VALUE[symbol] === 0) this.isClean = false;
    this.output[this.length] = symbol;
    this.length += 1;
  }
}
