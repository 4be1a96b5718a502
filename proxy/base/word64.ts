// Arithmetic on 64-bit numbers as two 32-bit halves: BigInt would make garbage with each operation.

/** A number that is worked on; its halves are signed, which V8 keeps without boxes. */
export interface Word {
  high: number;
  low: number;
}

/** A number by its halves, signed or not. */
export function word(high: number, low: number): Word {
  return { high: high | 0, low: low | 0 };
}

/** Makes `to` the same number. */
export function assign(to: Word, from: Readonly<Word>): void {
  to.high = from.high;
  to.low = from.low;
}

/** Eight octets of a byte string from `at`, little-endian. */
export function readEight(octets: string, at: number, into: Word): void {
  into.low = readFour(octets, at);
  into.high = readFour(octets, at + 4);
}

/** Four octets of a byte string from `at`, little-endian; signed. */
export function readFour(octets: string, at: number): number {
  return (
    (octets.charCodeAt(at) & 0xff) |
    ((octets.charCodeAt(at + 1) & 0xff) << 8) |
    ((octets.charCodeAt(at + 2) & 0xff) << 16) |
    (octets.charCodeAt(at + 3) << 24)
  );
}

/** Bit by bit, into `to`. */
export function xor(to: Word, other: Readonly<Word>): void {
  to.high ^= other.high;
  to.low ^= other.low;
}

/** Adds to `to`, modulo 2^64. */
export function add(to: Word, high: number, low: number): void {
  const sum = (to.low >>> 0) + (low >>> 0);
  to.high = (to.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  to.low = sum | 0;
}

/** To the left, by 1 to 31 bits. */
export function rotate(value: Word, bits: number): void {
  const { high, low } = value;
  value.high = (high << bits) | (low >>> (32 - bits));
  value.low = (low << bits) | (high >>> (32 - bits));
}

/** Modulo 2^64. */
export function multiply(value: Word, factor: Readonly<Word>): void {
  const { high, low } = value;
  const cross = Math.imul(high, factor.low) + Math.imul(low, factor.high);
  value.high = (cross + highOfProduct(low, factor.low)) | 0;
  value.low = Math.imul(low, factor.low);
}

/** The upper half of the product of two unsigned 32-bit numbers, by halves of 16 bits. */
function highOfProduct(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}
