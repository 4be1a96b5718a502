// ROUND_ROBIN: hosts in turn, from a random start so that workers do not march in step; by
// earliest deadline first where weights differ.
import { type Random, randomBelow } from '../../base/random.ts';
import type { RoundRobinConfig } from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import { EdfSchedule, haveEqualWeights } from './edf-schedule.ts';
import { anyStartsSlowly, type HostWeight, hostWeight } from './host-weight.ts';
import type { HostPicker, PickerServices } from './load-balancer.ts';

/** Hosts of equal weight. */
class EqualRoundRobin implements HostPicker {
  readonly #hosts: readonly Host[];
  #next: number;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#next = randomBelow(random, hosts.length);
  }

  pick(): Host {
    const host = this.#hosts[this.#next] as Host;
    this.#next = this.#next + 1 === this.#hosts.length ? 0 : this.#next + 1;
    return host;
  }
}

/** Hosts of different weights. */
class WeightedRoundRobin implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #weightOf: HostWeight;
  readonly #schedule: EdfSchedule;

  constructor(hosts: readonly Host[], weightOf: HostWeight, random: Random) {
    this.#hosts = hosts;
    this.#weightOf = weightOf;
    this.#schedule = new EdfSchedule(hosts.length, (item) => weightOf(hosts[item] as Host));
    for (let skipped = randomBelow(random, hosts.length); skipped > 0; skipped -= 1) this.pick();
  }

  pick(): Host {
    const host = this.#hosts[this.#schedule.first()] as Host;
    this.#schedule.postpone(this.#weightOf(host));
    return host;
  }
}

/** Envoy lb_policy ROUND_ROBIN for one list of hosts. */
export function roundRobin(
  hosts: readonly Host[],
  { slowStart }: RoundRobinConfig,
  { random, nowMs }: PickerServices,
): HostPicker {
  const isEqual = haveEqualWeights(hosts.map(({ weight }) => weight));
  if (isEqual && !anyStartsSlowly(hosts, slowStart, nowMs)) {
    return new EqualRoundRobin(hosts, random);
  }
  return new WeightedRoundRobin(hosts, hostWeight(slowStart, nowMs), random);
}
