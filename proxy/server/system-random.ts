// Real randomness for a worker: Math.random for choices, a pool of system random bytes for UUIDs.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../base/random.ts';

/** 1,024 UUIDs per refill: one system call's cost spread until it does not show. */
const POOL_BYTES = 16 * 1024;
const UUID_BYTES = 16;
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Random numbers and version 4 UUIDs; bytes of the pool are used once. */
export class SystemRandom implements Random {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  next(): number {
    return Math.random();
  }

  uuid(): string {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const pool = this.#pool;
    const at = this.#used;
    this.#used = at + UUID_BYTES;
    // RFC 9562 §5.4: version in the high bits of octet 6, variant in those of octet 8.
    pool[at + 6] = ((pool[at + 6] as number) & 0x0f) | 0x40;
    pool[at + 8] = ((pool[at + 8] as number) & 0x3f) | 0x80;
    return `${hex4(pool, at)}-${hex2(pool, at + 4)}-${hex2(pool, at + 6)}-${hex2(pool, at + 8)}-${hex2(pool, at + 10)}${hex4(pool, at + 12)}`;
  }
}

function hex2(bytes: Uint8Array, at: number): string {
  return (HEX[bytes[at] as number] as string) + (HEX[bytes[at + 1] as number] as string);
}

function hex4(bytes: Uint8Array, at: number): string {
  return hex2(bytes, at) + hex2(bytes, at + 2);
}
