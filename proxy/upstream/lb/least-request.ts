// LEAST_REQUEST: the least busy of a few hosts drawn at random, or of all; where weights differ,
// earliest deadline first on the weight divided by how busy the host is. «Busy» is what this worker
// sees.
import { type Random, randomBelow } from '../../base/random.ts';
import type { LeastRequestConfig } from '../../model/load-balancing.ts';
import type { Host, HostStats } from '../host.ts';
import { EdfSchedule, haveEqualWeights } from './edf-schedule.ts';
import { anyStartsSlowly, type HostWeight, hostWeight } from './host-weight.ts';
import type { HostPicker, PickerServices } from './load-balancer.ts';

/** Hosts of equal weight. */
class EqualLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  /** Beside the hosts, which among many are not in any cache. */
  readonly #stats: readonly HostStats[];
  readonly #choiceCount: number;
  readonly #random: Random;

  constructor(hosts: readonly Host[], choiceCount: number, random: Random) {
    this.#hosts = hosts;
    this.#stats = hosts.map(({ stats }) => stats);
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
    return (this.#stats[index] as HostStats).rqActive;
  }
}

/** Hosts of different weights. */
class WeightedLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #weightOf: HostWeight;
  readonly #bias: number;
  readonly #schedule: EdfSchedule;

  constructor(
    hosts: readonly Host[],
    options: { readonly weightOf: HostWeight; readonly bias: number },
    random: Random,
  ) {
    this.#hosts = hosts;
    this.#weightOf = options.weightOf;
    this.#bias = options.bias;
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
    if (this.#bias === 0) return weight;
    return this.#bias === 1 ? weight / busy : weight / busy ** this.#bias;
  }
}

/** Envoy lb_policy LEAST_REQUEST for one list of hosts. */
export function leastRequest(
  hosts: readonly Host[],
  { choiceCount, activeRequestBias: bias, slowStart }: LeastRequestConfig,
  { random, nowMs }: PickerServices,
): HostPicker {
  const isEqual = haveEqualWeights(hosts.map((host) => host.endpoint.weight));
  if (isEqual && !anyStartsSlowly(hosts, slowStart, nowMs)) {
    return new EqualLeastRequest(hosts, choiceCount, random);
  }
  return new WeightedLeastRequest(hosts, { weightOf: hostWeight(slowStart, nowMs), bias }, random);
}
