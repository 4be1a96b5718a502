// MAGLEV: a table of prime size in which hosts take turns to occupy the next free slot of their own
// permutation; a request goes to the slot of its hash.
import { type Hash64, hashModulo, xxHash64 } from '../../../base/xx-hash.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickRequest } from '../load-balancer.ts';
import type { HashedHost } from './hashed-hosts.ts';
import type { SlicedWork } from './sliced-work.ts';

/** Seed of the hash that says how far apart the slots of a permutation are. */
const SKIP_SEED: Readonly<Hash64> = Object.freeze({ high: 0, low: 1 });
/** A slot holds the host's number from 1. */
const FREE = 0;
const MOST_IN_16_BITS = 0xffff;

/** Slots per host, for `maglev_lb.*`. */
export interface MaglevFacts {
  readonly minEntriesPerHost: number;
  readonly maxEntriesPerHost: number;
}

/** Half the size where the hosts are few enough, so that more of it is in the cache. */
type Slots = Uint16Array | Uint32Array;

/** See the file's head. */
export class MaglevTable implements HostPicker {
  readonly facts: MaglevFacts;
  /** By number; nobody is number 0. */
  readonly #hosts: readonly (Host | null)[];
  readonly #slots: Slots;
  readonly #scratch: Hash64 = { high: 0, low: 0 };

  /** Every slot is taken. */
  constructor(hosts: readonly HashedHost[], slots: Slots, facts: MaglevFacts) {
    this.#hosts = [null, ...hosts.map(({ host }) => host)];
    this.#slots = slots;
    this.facts = facts;
  }

  pick({ hash, attempt }: PickRequest): Host {
    const slot = attempt === 0 ? hashModulo(hash, this.#slots.length) : this.#other(hash, attempt);
    return this.#hosts[this.#slots[slot] as number] as Host;
  }

  /** Where the hash leads with its bits turned by the attempt, as Envoy does. */
  #other({ high, low }: Readonly<Hash64>, attempt: number): number {
    const scratch = this.#scratch;
    scratch.high = ~high >>> 0;
    scratch.low = (low ^ (0x1_0000_0000 - attempt)) >>> 0;
    return hashModulo(scratch, this.#slots.length);
  }
}

/**
 * Fills a table: in each round the heaviest hosts take a slot, lighter ones as often as they are
 * worth it.
 */
export class MaglevWork implements SlicedWork<MaglevTable> {
  readonly #hosts: readonly HashedHost[];
  readonly #slots: Slots;
  /** By host: the slot that it looks at next, how far it goes then, slots that it has. */
  readonly #next: Int32Array;
  readonly #skips: Int32Array;
  readonly #counts: Int32Array;
  /** Weight at which its next turn is due. */
  readonly #due: Float64Array;
  readonly #heaviest: number;
  readonly #scratch: Hash64 = { high: 0, low: 0 };
  #hashed = 0;
  #filled = 0;
  #round = 1;
  #turn = 0;

  /** `hosts` is not empty, `size` a prime. */
  constructor(hosts: readonly HashedHost[], size: number) {
    this.#hosts = [...hosts].sort((left, right) => (left.key < right.key ? -1 : 1));
    this.#slots = hosts.length > MOST_IN_16_BITS ? new Uint32Array(size) : new Uint16Array(size);
    this.#next = new Int32Array(hosts.length);
    this.#skips = new Int32Array(hosts.length);
    this.#counts = new Int32Array(hosts.length);
    this.#due = new Float64Array(hosts.length);
    this.#heaviest = hosts.reduce((most, { weight }) => Math.max(most, weight), 0);
  }

  advance(amount: number): MaglevTable | null {
    let left = amount;
    for (; this.#hashed < this.#hosts.length && left > 0; left -= 1) this.#hashNext();
    for (; this.#filled < this.#slots.length && left > 0; left -= 1) this.#fillNext();
    if (this.#hashed < this.#hosts.length || this.#filled < this.#slots.length) return null;
    const facts = {
      minEntriesPerHost: this.#counts.reduce((least, count) => Math.min(least, count)),
      maxEntriesPerHost: this.#counts.reduce((most, count) => Math.max(most, count)),
    };
    return new MaglevTable(this.#hosts, this.#slots, facts);
  }

  #hashNext(): void {
    const { key } = this.#hosts[this.#hashed] as HashedHost;
    const size = this.#slots.length;
    const scratch = this.#scratch;
    xxHash64(key, scratch);
    this.#next[this.#hashed] = hashModulo(scratch, size);
    xxHash64(key, scratch, SKIP_SEED);
    this.#skips[this.#hashed] = hashModulo(scratch, size - 1) + 1;
    this.#hashed += 1;
  }

  /** Looks at one slot for the host whose turn it is. */
  #fillNext(): void {
    const turn = this.#turn;
    const { weight } = this.#hosts[turn] as HashedHost;
    if (this.#round * weight < (this.#due[turn] as number)) {
      this.#pass();
      return;
    }
    const size = this.#slots.length;
    const slot = this.#next[turn] as number;
    const behind = slot + (this.#skips[turn] as number);
    this.#next[turn] = behind >= size ? behind - size : behind;
    if (this.#slots[slot] !== FREE) return;
    this.#slots[slot] = turn + 1;
    this.#due[turn] = (this.#due[turn] as number) + this.#heaviest;
    this.#counts[turn] = (this.#counts[turn] as number) + 1;
    this.#filled += 1;
    this.#pass();
  }

  #pass(): void {
    this.#turn += 1;
    if (this.#turn < this.#hosts.length) return;
    this.#turn = 0;
    this.#round += 1;
  }
}
