// MAGLEV: a table of prime size in which hosts take turns to occupy the next free slot of their own
// permutation; a request goes to the slot of its hash.
import { type Hash64, hashModulo, xxHash64 } from '../../../base/xx-hash.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickRequest } from '../load-balancer.ts';
import type { HashedHost } from './hashed-hosts.ts';

/** Seed of the hash that says how far apart the slots of a permutation are. */
const SKIP_SEED: Readonly<Hash64> = Object.freeze({ high: 0, low: 1 });
const FREE = -1;

/** Slots per host, for `maglev_lb.*`. */
export interface MaglevFacts {
  readonly minEntriesPerHost: number;
  readonly maxEntriesPerHost: number;
}

/** A host that fills the table. */
interface Filler {
  readonly weight: number;
  readonly offset: number;
  readonly skip: number;
  /** Weight at which its next turn is due. */
  due: number;
  next: number;
  slots: number;
}

/** See the file's head. */
export class MaglevTable implements HostPicker {
  readonly facts: MaglevFacts;
  readonly #hosts: readonly HashedHost[];
  /** Index of the host in each slot. */
  readonly #slots: Int32Array;
  readonly #scratch: Hash64 = { high: 0, low: 0 };

  /** `hosts` is not empty, `size` a prime. */
  constructor(hosts: readonly HashedHost[], size: number) {
    this.#hosts = [...hosts].sort((left, right) => (left.key < right.key ? -1 : 1));
    this.#slots = new Int32Array(size).fill(FREE);
    const fillers = this.#hosts.map((host) => this.#filler(host, size));
    fill(this.#slots, fillers);
    const counts = fillers.map(({ slots }) => slots);
    this.facts = {
      minEntriesPerHost: counts.reduce((least, count) => Math.min(least, count), size),
      maxEntriesPerHost: counts.reduce((most, count) => Math.max(most, count), 0),
    };
  }

  pick({ hash, attempt }: PickRequest): Host {
    const slot = attempt === 0 ? hashModulo(hash, this.#slots.length) : this.#other(hash, attempt);
    return (this.#hosts[this.#slots[slot] as number] as HashedHost).host;
  }

  /** Where the hash leads with its bits turned by the attempt, as Envoy does. */
  #other({ high, low }: Readonly<Hash64>, attempt: number): number {
    const scratch = this.#scratch;
    scratch.high = ~high >>> 0;
    scratch.low = (low ^ (0x1_0000_0000 - attempt)) >>> 0;
    return hashModulo(scratch, this.#slots.length);
  }

  #filler({ key, weight }: HashedHost, size: number): Filler {
    const scratch = this.#scratch;
    xxHash64(key, scratch);
    const offset = hashModulo(scratch, size);
    xxHash64(key, scratch, SKIP_SEED);
    const skip = hashModulo(scratch, size - 1) + 1;
    return { weight, offset, skip, due: 0, next: 0, slots: 0 };
  }
}

/** In each round the heaviest take a slot, lighter ones as often as they are worth it. */
function fill(slots: Int32Array, fillers: readonly Filler[]): void {
  const heaviest = fillers.reduce((most, { weight }) => Math.max(most, weight), 0);
  let filled = 0;
  for (let round = 1; filled < slots.length; round += 1) {
    for (let index = 0; index < fillers.length && filled < slots.length; index += 1) {
      const filler = fillers[index] as Filler;
      if (round * filler.weight < filler.due) continue;
      filler.due += heaviest;
      slots[nextFree(slots, filler)] = index;
      filler.slots += 1;
      filled += 1;
    }
  }
}

function nextFree(slots: Int32Array, filler: Filler): number {
  for (;;) {
    const slot = (filler.offset + filler.skip * filler.next) % slots.length;
    filler.next += 1;
    if (slots[slot] === FREE) return slot;
  }
}
