// Consistent hashing with bounded loads: a host that has more than its share of the requests in
// flight passes on what hashes to it. Which others are asked, and in which order, the hash says too.
import { type Hash64, hashModulo } from '../../../base/xx-hash.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickRequest } from '../load-balancer.ts';
import type { HashedHost } from './hashed-hosts.ts';

/** A ring or a table: it always has a host. */
export interface HashedPicker extends HostPicker {
  pick(request: PickRequest): Host;
}

/** A picker around another. Looks at every host at worst: only for who asked for it. */
export class BoundedLoadPicker implements HostPicker {
  readonly #inner: HashedPicker;
  readonly #hosts: readonly HashedHost[];
  readonly #weights: ReadonlyMap<Host, number>;
  readonly #factorPercent: number;
  /** A permutation of the hosts, shuffled anew for each request that needs it. */
  readonly #order: Uint32Array;

  constructor(inner: HashedPicker, hosts: readonly HashedHost[], factorPercent: number) {
    this.#inner = inner;
    this.#hosts = hosts;
    this.#weights = new Map(hosts.map(({ host, weight }) => [host, weight]));
    this.#factorPercent = factorPercent;
    this.#order = new Uint32Array(hosts.length);
  }

  pick(request: PickRequest): Host {
    const first = this.#inner.pick(request);
    const slots = this.#totalSlots();
    let least = overload(first, this.#weights.get(first) ?? 0, slots);
    if (least <= 1) return first;
    let best = first;
    const draw = new SeededDraw(request.hash);
    const order = this.#order;
    for (let at = 0; at < order.length; at += 1) order[at] = at;
    for (let at = 0; at < order.length; at += 1) {
      const other = at + draw.below(order.length - at);
      const { host, weight } = this.#hosts[order[other] as number] as HashedHost;
      order[other] = order[at] as number;
      const load = overload(host, weight, slots);
      if (load <= 1) return host;
      if (load >= least) continue;
      least = load;
      best = host;
    }
    return best;
  }

  /** Requests that all hosts may have in flight, this one included. */
  #totalSlots(): number {
    let active = 1;
    for (const { host } of this.#hosts) active += host.stats.rqActive;
    return Math.ceil((active * this.#factorPercent) / 100);
  }
}

/** Over 1: the host has more than its share. */
function overload(host: Host, weight: number, totalSlots: number): number {
  return host.stats.rqActive / Math.max(1, Math.ceil(totalSlots * weight));
}

/** The same numbers for the same hash (xorshift, 32 bits). */
class SeededDraw {
  #state: number;

  constructor(hash: Readonly<Hash64>) {
    this.#state = (hashModulo(hash, 0xffff_ffff) + 1) | 0;
  }

  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}
