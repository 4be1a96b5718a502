// xxHash64, by which Envoy hashes requests and hosts.
import {
  add,
  assign,
  multiply,
  readEight,
  readFour,
  rotate,
  type Word,
  word,
  xor,
} from './word64.ts';

/** A 64-bit number. */
export interface Hash64 {
  /** Unsigned 32-bit halves. */
  high: number;
  low: number;
}

const STRIPE_OCTETS = 32;

const PRIME_1 = word(0x9e3779b1, 0x85ebca87);
const PRIME_2 = word(0xc2b2ae3d, 0x27d4eb4f);
const PRIME_3 = word(0x165667b1, 0x9e3779f9);
const PRIME_4 = word(0x85ebca77, 0xc2b2ae63);
const PRIME_5 = word(0x27d4eb2f, 0x165667c5);
/** The accumulators begin with P1 + P2, P2, 0 and -P1, and the seed each. */
const LANE_STARTS = [
  word(0x60ea27ee, 0xadc0b5d6),
  PRIME_2,
  word(0, 0),
  word(0x61c8864e, 0x7a143579),
] as const;
const LANE_ROTATIONS = [1, 7, 12, 18] as const;

// One hash is computed at a time and within one call, so all share the words.
const total = word(0, 0);
const chunk = word(0, 0);
const lanes = [word(0, 0), word(0, 0), word(0, 0), word(0, 0)] as const;

const NO_SEED: Readonly<Hash64> = Object.freeze({ high: 0, low: 0 });

/** Writes the hash of a byte string (one octet a character) into `into`, which may be the seed. */
export function xxHash64(octets: string, into: Hash64, seed: Readonly<Hash64> = NO_SEED): void {
  const { length } = octets;
  let at = 0;
  if (length >= STRIPE_OCTETS) {
    at = hashStripes(octets, seed);
  } else {
    assign(total, PRIME_5);
    add(total, seed.high, seed.low);
  }
  add(total, 0, length);
  for (; at + 8 <= length; at += 8) hashEight(octets, at);
  if (at + 4 <= length) {
    hashFour(octets, at);
    at += 4;
  }
  for (; at < length; at += 1) hashOne(octets.charCodeAt(at));
  avalanche();
  into.high = total.high >>> 0;
  into.low = total.low >>> 0;
}

/** The hash modulo a divisor of 1 to 2^32. */
export function hashModulo({ high, low }: Readonly<Hash64>, divisor: number): number {
  // In steps of 16 bits, which stay exact in a double.
  const upper = modulo(high, divisor) * 0x1_0000 + (low >>> 16);
  return modulo(modulo(upper, divisor) * 0x1_0000 + (low & 0xffff), divisor);
}

/** `%` of whole numbers below 2^53, which for doubles is a call into C: 3 times as slow. */
function modulo(number: number, divisor: number): number {
  const rest = number - Math.floor(number / divisor) * divisor;
  // The quotient may have been rounded up to the next whole number.
  return rest < 0 ? rest + divisor : rest;
}

/** All whole stripes; gives the index behind them. */
function hashStripes(octets: string, seed: Readonly<Hash64>): number {
  for (let lane = 0; lane < 4; lane += 1) {
    assign(lanes[lane]!, LANE_STARTS[lane]!);
    add(lanes[lane]!, seed.high, seed.low);
  }
  let at = 0;
  for (; at + STRIPE_OCTETS <= octets.length; at += STRIPE_OCTETS) {
    for (let lane = 0; lane < 4; lane += 1) {
      readEight(octets, at + lane * 8, chunk);
      round(lanes[lane]!, chunk);
    }
  }
  total.high = 0;
  total.low = 0;
  for (let lane = 0; lane < 4; lane += 1) {
    assign(chunk, lanes[lane]!);
    rotate(chunk, LANE_ROTATIONS[lane]!);
    add(total, chunk.high, chunk.low);
  }
  for (let lane = 0; lane < 4; lane += 1) mergeLane(lanes[lane]!);
  return at;
}

function round(lane: Word, value: Word): void {
  multiply(value, PRIME_2);
  add(lane, value.high, value.low);
  rotate(lane, 31);
  multiply(lane, PRIME_1);
}

function mergeLane(lane: Word): void {
  chunk.high = 0;
  chunk.low = 0;
  round(chunk, lane);
  xor(total, chunk);
  multiply(total, PRIME_1);
  add(total, PRIME_4.high, PRIME_4.low);
}

function hashEight(octets: string, at: number): void {
  readEight(octets, at, chunk);
  multiply(chunk, PRIME_2);
  rotate(chunk, 31);
  multiply(chunk, PRIME_1);
  xor(total, chunk);
  rotate(total, 27);
  multiply(total, PRIME_1);
  add(total, PRIME_4.high, PRIME_4.low);
}

function hashFour(octets: string, at: number): void {
  chunk.high = 0;
  chunk.low = readFour(octets, at);
  multiply(chunk, PRIME_1);
  xor(total, chunk);
  rotate(total, 23);
  multiply(total, PRIME_2);
  add(total, PRIME_3.high, PRIME_3.low);
}

function hashOne(octet: number): void {
  chunk.high = 0;
  chunk.low = octet & 0xff;
  multiply(chunk, PRIME_5);
  xor(total, chunk);
  rotate(total, 11);
  multiply(total, PRIME_1);
}

/** Every bit of the input gets to every bit of the result. */
function avalanche(): void {
  total.low ^= total.high >>> 1;
  multiply(total, PRIME_2);
  const { high } = total;
  total.low ^= (total.low >>> 29) | (high << 3);
  total.high ^= high >>> 29;
  multiply(total, PRIME_3);
  total.low ^= total.high;
}
