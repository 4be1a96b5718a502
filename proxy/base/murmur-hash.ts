// MurmurHash64A with the seed of libstdc++'s std::hash, which Envoy's MURMUR_HASH_2 is.
import { add, assign, multiply, readEight, word, xor } from './word64.ts';
import type { Hash64 } from './xx-hash.ts';

const MULTIPLIER = word(0xc6a4a793, 0x5bd1e995);
const SEED = 0xc70f_6907;

// One hash is computed at a time and within one call, so all share the words.
const total = word(0, 0);
const chunk = word(0, 0);

/** Writes the hash of a byte string (one octet a character) into `into`. */
export function murmurHash2(octets: string, into: Hash64): void {
  const { length } = octets;
  total.high = 0;
  total.low = length;
  multiply(total, MULTIPLIER);
  total.low ^= SEED;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    readEight(octets, at, chunk);
    multiply(chunk, MULTIPLIER);
    shiftMix(chunk);
    multiply(chunk, MULTIPLIER);
    mixIn();
  }
  if (at < length) {
    readRest(octets, at);
    mixIn();
  }
  shiftMix(total);
  multiply(total, MULTIPLIER);
  shiftMix(total);
  into.high = total.high >>> 0;
  into.low = total.low >>> 0;
}

function mixIn(): void {
  xor(total, chunk);
  multiply(total, MULTIPLIER);
}

/** Fewer than eight octets, little-endian. */
function readRest(octets: string, from: number): void {
  assign(chunk, ZERO);
  for (let at = octets.length - 1; at >= from; at -= 1) {
    chunk.high = (chunk.high << 8) | (chunk.low >>> 24);
    chunk.low <<= 8;
    add(chunk, 0, octets.charCodeAt(at) & 0xff);
  }
}

const ZERO = word(0, 0);

/** Exclusive or with itself 47 bits to the right. */
function shiftMix(value: { high: number; low: number }): void {
  value.low ^= value.high >>> 15;
}
