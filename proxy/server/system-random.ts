// Real randomness for a worker: Math.random for choices, a pool of system random bytes for UUIDs.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../base/random.ts';

/**
 * UUIDs per refill: enough that the system call's cost does not show, few enough that a stream that
 * lives long, and keeps its part of the refill's text, keeps only 2 KiB.
 */
const POOLED = 64;
const UUID_BYTES = 16;
const TEXT_LENGTH = 36;
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');
const DASH = 0x2d;
/** Octets of a UUID in front of which a dash stands. */
const DASHED = (1 << 4) | (1 << 6) | (1 << 8) | (1 << 10);

/** Random numbers and version 4 UUIDs; bytes of the pool are used once. */
export class SystemRandom implements Random {
  readonly #pool = new Uint8Array(POOLED * UUID_BYTES);
  readonly #octets = Buffer.alloc(POOLED * TEXT_LENGTH);
  /** All of a refill, of which each UUID is a slice: 0.6 × the time of joining digits. */
  #text = '';
  #used = POOLED * TEXT_LENGTH;

  next(): number {
    return Math.random();
  }

  uuid(): string {
    if (this.#used === POOLED * TEXT_LENGTH) this.#refill();
    const at = this.#used;
    this.#used = at + TEXT_LENGTH;
    return this.#text.slice(at, at + TEXT_LENGTH);
  }

  #refill(): void {
    const pool = this.#pool;
    const octets = this.#octets;
    randomFillSync(pool);
    let to = 0;
    for (let index = 0; index < pool.length; index += 1) {
      const place = index % UUID_BYTES;
      const octet = versioned(place, pool[index] as number);
      if (((DASHED >> place) & 1) !== 0) octets[to++] = DASH;
      octets[to++] = HEX_DIGITS[octet >> 4] as number;
      octets[to++] = HEX_DIGITS[octet & 0x0f] as number;
    }
    this.#text = octets.toString('latin1');
    this.#used = 0;
  }
}

/** RFC 9562 §5.4: version in the high bits of octet 6, variant in those of octet 8. */
function versioned(place: number, octet: number): number {
  if (place === 6) return (octet & 0x0f) | 0x40;
  return place === 8 ? (octet & 0x3f) | 0x80 : octet;
}
