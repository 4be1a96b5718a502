// LEAST_REQUEST: the least busy of a few hosts drawn at random, or of all; where weights differ,
// earliest deadline first on the weight divided by how busy the host is. «Busy» is what this worker
// sees.
import { type Random, randomBelow } from '../../base/random.ts';
import type { LeastRequestConfig } from '../../model/load-balancing.ts';
import { countSideBySide, type Host } from '../host.ts';
import { EdfSchedule, haveEqualWeights } from './edf-schedule.ts';
import { anyStartsSlowly, type HostWeight, hostWeight } from './host-weight.ts';
import type { HostPicker, PickerServices } from './load-balancer.ts';

/** Hosts of equal weight. */
class EqualLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  /** Counts of the hosts' requests side by side: as objects many hosts are not in any cache. */
  readonly #active: Int32Array;
  /** Where each host's is; null: in the order of the hosts from `#first` on. */
  readonly #cells: Int32Array | null;
  readonly #first: number;
  readonly #choiceCount: number;
  readonly #random: Random;

  constructor(hosts: readonly Host[], choiceCount: number, random: Random) {
    this.#hosts = hosts;
    this.#active = activeCellsOf(hosts);
    const cells = Int32Array.from(hosts, ({ stats }) => stats.activeCell);
    const first = cells[0] as number;
    this.#cells = cells.every((cell, index) => cell === first + index) ? null : cells;
    this.#first = first;
    this.#choiceCount = choiceCount;
    this.#random = random;
  }

  pick(): Host {
    if (this.#choiceCount === 0) return this.#leastOfAll();
    const count = this.#hosts.length;
    let best = randomBelow(this.#random, count);
    for (let choice = 1; choice < this.#choiceCount; choice += 1) {
      const candidate = randomBelow(this.#random, count);
      if (this.#activeOf(candidate) < this.#activeOf(best)) best = candidate;
    }
    return this.#hosts[best] as Host;
  }

  /** Ties are drawn: each of n equals takes the place of the one before by 1/n. */
  #leastOfAll(): Host {
    let best = 0;
    let ties = 1;
    for (let index = 1; index < this.#hosts.length; index += 1) {
      const difference = this.#activeOf(index) - this.#activeOf(best);
      if (difference > 0) continue;
      ties = difference < 0 ? 1 : ties + 1;
      if (difference < 0 || randomBelow(this.#random, ties) === 0) best = index;
    }
    return this.#hosts[best] as Host;
  }

  #activeOf(index: number): number {
    const cell = this.#cells === null ? this.#first + index : (this.#cells[index] as number);
    return this.#active[cell] as number;
  }
}

/** The array that counts the requests of all these hosts; they move into one where they have none. */
function activeCellsOf(hosts: readonly Host[]): Int32Array {
  const known = (hosts[0] as Host).stats.activeCells;
  const isShared = known !== null && hosts.every(({ stats }) => stats.activeCells === known);
  return isShared ? known : countSideBySide(hosts);
}

/** Hosts of different weights. */
class WeightedLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #weightOf: HostWeight;
  readonly #config: LeastRequestConfig;
  readonly #schedule: EdfSchedule;

  constructor(
    hosts: readonly Host[],
    options: { readonly weightOf: HostWeight; readonly config: LeastRequestConfig },
    random: Random,
  ) {
    this.#hosts = hosts;
    this.#weightOf = options.weightOf;
    this.#config = options.config;
    this.#schedule = new EdfSchedule(hosts.length, (item) => this.#weight(hosts[item] as Host));
    for (let skipped = randomBelow(random, hosts.length); skipped > 0; skipped -= 1) this.pick();
  }

  pick(): Host {
    const host = this.#hosts[this.#schedule.first()] as Host;
    this.#schedule.postpone(this.#weight(host));
    return host;
  }

  #weight(host: Host): number {
    const weight = this.#weightOf(host);
    const busy = host.stats.rqActive + 1;
    // Read each time: the runtime may have another one by now.
    const { activeRequestBias: bias } = this.#config;
    if (bias === 0) return weight;
    return bias === 1 ? weight / busy : weight / busy ** bias;
  }
}

/** Envoy lb_policy LEAST_REQUEST for one list of hosts. */
export function leastRequest(
  hosts: readonly Host[],
  config: LeastRequestConfig,
  { random, nowMs }: PickerServices,
): HostPicker {
  const { choiceCount, slowStart } = config;
  const isEqual = haveEqualWeights(hosts.map((host) => host.endpoint.weight));
  if (isEqual && !anyStartsSlowly(hosts, slowStart, nowMs)) {
    return new EqualLeastRequest(hosts, choiceCount, random);
  }
  return new WeightedLeastRequest(
    hosts,
    { weightOf: hostWeight(slowStart, nowMs), config },
    random,
  );
}
