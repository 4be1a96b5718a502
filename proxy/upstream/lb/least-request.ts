// LEAST_REQUEST: the least busy of a few hosts drawn at random; where weights differ, earliest
// deadline first on the weight divided by how busy the host is. «Busy» is what this worker sees.
import { type Random, randomBelow } from '../../base/random.ts';
import type { LoadBalancerConfig } from '../../model/cluster.ts';
import type { Host } from '../host.ts';
import { EdfSchedule, haveEqualWeights } from './edf-schedule.ts';
import type { HostPicker } from './load-balancer.ts';

type LeastRequestConfig = Extract<LoadBalancerConfig, { kind: 'least-request' }>;

/** Hosts of equal weight. */
class EqualLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #choiceCount: number;
  readonly #random: Random;

  constructor(hosts: readonly Host[], choiceCount: number, random: Random) {
    this.#hosts = hosts;
    this.#choiceCount = choiceCount;
    this.#random = random;
  }

  pick(): Host {
    let best = this.#draw();
    for (let choice = 1; choice < this.#choiceCount; choice += 1) {
      const candidate = this.#draw();
      if (candidate.stats.rqActive < best.stats.rqActive) best = candidate;
    }
    return best;
  }

  #draw(): Host {
    return this.#hosts[randomBelow(this.#random, this.#hosts.length)] as Host;
  }
}

/** Hosts of different weights. */
class WeightedLeastRequest implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #bias: number;
  readonly #schedule: EdfSchedule;

  constructor(hosts: readonly Host[], bias: number, random: Random) {
    this.#hosts = hosts;
    this.#bias = bias;
    this.#schedule = new EdfSchedule(hosts.length, (item) => this.#weight(hosts[item] as Host));
    for (let skipped = randomBelow(random, hosts.length); skipped > 0; skipped -= 1) this.pick();
  }

  pick(): Host {
    const host = this.#hosts[this.#schedule.first()] as Host;
    this.#schedule.postpone(this.#weight(host));
    return host;
  }

  #weight(host: Host): number {
    const { weight } = host.endpoint;
    const busy = host.stats.rqActive + 1;
    if (this.#bias === 0) return weight;
    return this.#bias === 1 ? weight / busy : weight / busy ** this.#bias;
  }
}

/** Envoy lb_policy LEAST_REQUEST for one list of hosts. */
export function leastRequest(
  hosts: readonly Host[],
  config: LeastRequestConfig,
  random: Random,
): HostPicker {
  return haveEqualWeights(hosts.map((host) => host.endpoint.weight))
    ? new EqualLeastRequest(hosts, config.choiceCount, random)
    : new WeightedLeastRequest(hosts, config.activeRequestBias, random);
}
