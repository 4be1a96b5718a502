// RING_HASH: hosts stand on a ring of 2^64 points, many times each; a request goes to the first one
// behind its hash. A host that comes or goes moves only its neighbours' requests.
import { murmurHash2 } from '../../../base/murmur-hash.ts';
import { type Hash64, xxHash64 } from '../../../base/xx-hash.ts';
import type { RingHashConfig } from '../../../model/load-balancing.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickRequest } from '../load-balancer.ts';
import type { HashedHost } from './hashed-hosts.ts';
import type { SlicedWork } from './sliced-work.ts';

const MOST_IN_16_BITS = 0xffff;

const HASHES: Readonly<
  Record<RingHashConfig['hashFunction'], (octets: string, into: Hash64) => void>
> = { 'xx-hash': xxHash64, 'murmur-hash-2': murmurHash2 };

/** How often hosts stand on the ring, for `ring_hash_lb.*`. */
export interface RingFacts {
  readonly size: number;
  readonly minHashesPerHost: number;
  readonly maxHashesPerHost: number;
}

/** Points in order of their hashes; the arrays are parallel. */
interface RingPoints {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Numbers of hosts. */
  readonly owners: Uint16Array | Uint32Array;
  /** Where the points begin whose first bits are the index; one more at the end. */
  readonly starts: Uint32Array;
  /** The number of other bits. */
  readonly shift: number;
}

/** See the file's head. */
export class HashRing implements HostPicker {
  readonly facts: RingFacts;
  readonly #points: RingPoints;
  readonly #hosts: readonly Host[];

  constructor(hosts: readonly HashedHost[], points: RingPoints, facts: RingFacts) {
    this.#hosts = hosts.map(({ host }) => host);
    this.#points = points;
    this.facts = facts;
  }

  pick({ hash, attempt }: PickRequest): Host {
    const { owners } = this.#points;
    const at = (this.#firstAtOrBehind(hash) + attempt) % owners.length;
    return this.#hosts[owners[at] as number] as Host;
  }

  /** However many points there are, there is about one with the same first bits. */
  #firstAtOrBehind({ high, low }: Readonly<Hash64>): number {
    const { starts, shift, high: highs, low: lows } = this.#points;
    const bucket = high >>> shift;
    const end = starts[bucket + 1] as number;
    for (let at = starts[bucket] as number; at < end; at += 1) {
      const pointHigh = highs[at] as number;
      if (pointHigh > high || (pointHigh === high && (lows[at] as number) >= low)) return at;
    }
    return end;
  }
}

type RingPhase = 'hash' | 'sum' | 'place' | 'sort' | 'made';

/** Makes a ring: hashes its points, then sorts them by buckets. */
export class RingWork implements SlicedWork<HashRing> {
  readonly #hosts: readonly HashedHost[];
  readonly #counts: readonly number[];
  readonly #facts: RingFacts;
  readonly #hash: (octets: string, into: Hash64) => void;
  readonly #scratch: Hash64 = { high: 0, low: 0 };
  /** As they were hashed: by host, then by turn. */
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #points: RingPoints;
  #phase: RingPhase = 'hash';
  /** How far the phase is. */
  #at = 0;
  #host = 0;
  #turn = 0;

  /** `hosts` is not empty. */
  constructor(hosts: readonly HashedHost[], config: RingHashConfig) {
    const scale = ringScale(hosts, config);
    this.#hosts = hosts;
    this.#counts = hashesPerHost(hosts, scale);
    this.#hash = HASHES[config.hashFunction];
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#high = new Uint32Array(total);
    this.#low = new Uint32Array(total);
    const bits = Math.max(1, Math.floor(Math.log2(total)));
    this.#points = {
      high: new Uint32Array(total),
      low: new Uint32Array(total),
      owners: hosts.length > MOST_IN_16_BITS ? new Uint32Array(total) : new Uint16Array(total),
      starts: new Uint32Array(2 ** bits + 1),
      shift: 32 - bits,
    };
    const [minHashesPerHost, maxHashesPerHost] = extremes(this.#counts);
    this.#facts = { size: Math.ceil(scale), minHashesPerHost, maxHashesPerHost };
  }

  advance(amount: number): HashRing | null {
    for (let left = amount; left > 0 && this.#phase !== 'made'; left -= 1) this.#step();
    if (this.#phase !== 'made') return null;
    return new HashRing(this.#hosts, this.#points, this.#facts);
  }

  #step(): void {
    switch (this.#phase) {
      case 'hash':
        this.#hashNext();
        break;
      case 'sum':
        this.#sumNext();
        break;
      case 'place':
        this.#placeNext();
        break;
      case 'sort':
        this.#sortNext();
        break;
      case 'made':
        break;
    }
  }

  #enter(phase: RingPhase): void {
    this.#phase = phase;
    this.#at = 0;
  }

  #skipEmptyHosts(): void {
    while (this.#turn >= (this.#counts[this.#host] ?? Number.POSITIVE_INFINITY)) {
      this.#host += 1;
      this.#turn = 0;
    }
  }

  /** Hashes a point, and counts it for its bucket. */
  #hashNext(): void {
    this.#skipEmptyHosts();
    const { starts, shift } = this.#points;
    const scratch = this.#scratch;
    this.#hash(`${(this.#hosts[this.#host] as HashedHost).key}_${this.#turn}`, scratch);
    this.#high[this.#at] = scratch.high;
    this.#low[this.#at] = scratch.low;
    const bucket = scratch.high >>> shift;
    starts[bucket] = (starts[bucket] as number) + 1;
    this.#turn += 1;
    this.#at += 1;
    if (this.#at === this.#high.length) this.#enter('sum');
  }

  /** Makes the ends of buckets of their sizes. */
  #sumNext(): void {
    const { starts } = this.#points;
    const before = this.#at === 0 ? 0 : (starts[this.#at - 1] as number);
    starts[this.#at] = (starts[this.#at] as number) + before;
    this.#at += 1;
    if (this.#at < starts.length) return;
    this.#enter('place');
    this.#host = this.#counts.length;
    this.#turn = 0;
  }

  /** Puts the last point that is left into its bucket, whose end becomes its start on the way. */
  #placeNext(): void {
    while (this.#turn === 0) {
      this.#host -= 1;
      this.#turn = this.#counts[this.#host] as number;
    }
    this.#turn -= 1;
    const from = this.#high.length - 1 - this.#at;
    const { high, low, owners, starts, shift } = this.#points;
    const bucket = (this.#high[from] as number) >>> shift;
    const to = (starts[bucket] as number) - 1;
    starts[bucket] = to;
    high[to] = this.#high[from] as number;
    low[to] = this.#low[from] as number;
    owners[to] = this.#host;
    this.#at += 1;
    if (this.#at === this.#high.length) this.#enter('sort');
  }

  /** By insertion: buckets hold one or two. */
  #sortNext(): void {
    const { high, low, owners, starts } = this.#points;
    const [start, end] = [starts[this.#at] as number, starts[this.#at + 1] as number];
    for (let from = start + 1; from < end; from += 1) {
      const point = this.#scratch;
      point.high = high[from] as number;
      point.low = low[from] as number;
      const owner = owners[from] as number;
      let to = from;
      for (; to > start && isBehind(this.#points, to - 1, point); to -= 1) {
        high[to] = high[to - 1] as number;
        low[to] = low[to - 1] as number;
        owners[to] = owners[to - 1] as number;
      }
      high[to] = point.high;
      low[to] = point.low;
      owners[to] = owner;
    }
    this.#at += 1;
    if (this.#at === starts.length - 1) this.#enter('made');
  }
}

/** The point there comes after a hash. */
function isBehind({ high, low }: RingPoints, at: number, hash: Readonly<Hash64>): boolean {
  const pointHigh = high[at] as number;
  return pointHigh > hash.high || (pointHigh === hash.high && (low[at] as number) > hash.low);
}

/**
 * How many points make a whole: so many that the lightest has a whole number of them and there are
 * at least minimum_ring_size (unless the maximum is in the way).
 */
function ringScale(hosts: readonly HashedHost[], config: RingHashConfig): number {
  const lightest = hosts.reduce((least, { weight }) => Math.min(least, weight), 1);
  const wanted = Math.ceil(lightest * config.minimumRingSize) / lightest;
  return Math.min(wanted, config.maximumRingSize);
}

/** By weight; rounded over all of them together, not each. */
function hashesPerHost(hosts: readonly HashedHost[], scale: number): readonly number[] {
  let wanted = 0;
  let have = 0;
  return hosts.map(({ weight }) => {
    wanted += scale * weight;
    let count = 0;
    for (; have < wanted; have += 1) count += 1;
    return count;
  });
}

function extremes(counts: readonly number[]): readonly [number, number] {
  return counts.reduce<readonly [number, number]>(
    ([least, most], count) => [Math.min(least, count), Math.max(most, count)],
    [Number.MAX_SAFE_INTEGER, 0],
  );
}
