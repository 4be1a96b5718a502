// RANDOM: any host, all alike; weights are not looked at (as in Envoy).
import { type Random, randomBelow } from '../../base/random.ts';
import type { Host } from '../host.ts';
import type { HostPicker, PickerServices } from './load-balancer.ts';

class RandomPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #random: Random;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#random = random;
  }

  pick(): Host {
    return this.#hosts[randomBelow(this.#random, this.#hosts.length)] as Host;
  }
}

/** Envoy lb_policy RANDOM for one list of hosts. */
export function randomHost(
  hosts: readonly Host[],
  _config: unknown,
  { random }: PickerServices,
): HostPicker {
  return new RandomPicker(hosts, random);
}
