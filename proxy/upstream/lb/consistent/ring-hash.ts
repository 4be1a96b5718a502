// RING_HASH: hosts stand on a ring of 2^64 points, many times each; a request goes to the first one
// behind its hash. A host that comes or goes moves only its neighbours' requests.
import { murmurHash2 } from '../../../base/murmur-hash.ts';
import { type Hash64, xxHash64 } from '../../../base/xx-hash.ts';
import type { RingHashConfig } from '../../../model/load-balancing.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickRequest } from '../load-balancer.ts';
import type { HashedHost } from './hashed-hosts.ts';

const HASHES: Readonly<
  Record<RingHashConfig['hashFunction'], (octets: string, into: Hash64) => void>
> = { 'xx-hash': xxHash64, 'murmur-hash-2': murmurHash2 };

/** How often hosts stand on the ring, for `ring_hash_lb.*`. */
export interface RingFacts {
  readonly size: number;
  readonly minHashesPerHost: number;
  readonly maxHashesPerHost: number;
}

/** See the file's head. */
export class HashRing implements HostPicker {
  readonly facts: RingFacts;
  /** Points in order; the arrays are parallel. */
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #hosts: readonly Host[];

  /** `hosts` is not empty. */
  constructor(hosts: readonly HashedHost[], config: RingHashConfig) {
    const scale = ringScale(hosts, config);
    const counts = hashesPerHost(hosts, scale);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const points = new Points(total);
    const hash = HASHES[config.hashFunction];
    hosts.forEach(({ host, key }, index) => {
      for (let turn = 0; turn < (counts[index] ?? 0); turn += 1)
        points.add(host, `${key}_${turn}`, hash);
    });
    const order = points.order();
    this.#high = order.map((at) => points.high[at] as number);
    this.#low = order.map((at) => points.low[at] as number);
    this.#hosts = Array.from(order, (at) => points.hosts[at] as Host);
    const [minHashesPerHost, maxHashesPerHost] = extremes(counts);
    this.facts = { size: Math.ceil(scale), minHashesPerHost, maxHashesPerHost };
  }

  pick({ hash, attempt }: PickRequest): Host {
    const at = this.#firstAtOrBehind(hash) + attempt;
    return this.#hosts[at % this.#hosts.length] as Host;
  }

  #firstAtOrBehind({ high, low }: Readonly<Hash64>): number {
    let from = 0;
    let to = this.#hosts.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const pointHigh = this.#high[middle] as number;
      const isBefore =
        pointHigh < high || (pointHigh === high && (this.#low[middle] as number) < low);
      if (isBefore) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Points while the ring is made. */
class Points {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly hosts: Host[] = [];
  readonly #scratch: Hash64 = { high: 0, low: 0 };

  constructor(size: number) {
    this.high = new Uint32Array(size);
    this.low = new Uint32Array(size);
  }

  add(host: Host, key: string, hash: (octets: string, into: Hash64) => void): void {
    hash(key, this.#scratch);
    this.high[this.hosts.length] = this.#scratch.high;
    this.low[this.hosts.length] = this.#scratch.low;
    this.hosts.push(host);
  }

  /** Indexes by hash. */
  order(): Uint32Array {
    const { high, low } = this;
    const order = Uint32Array.from(this.hosts, (_, index) => index);
    return order.sort((left, right) => {
      const byHigh = (high[left] as number) - (high[right] as number);
      return byHigh === 0 ? (low[left] as number) - (low[right] as number) : byHigh;
    });
  }
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
