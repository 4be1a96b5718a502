// client_side_weighted_round_robin: round robin by weights that come of the hosts' load reports and
// are worked out anew from time to time.
import type { ClientWeightsConfig, RoundRobinConfig } from '../../model/load-balancing.ts';
import type { Host } from '../host.ts';
import type { PriorityHosts } from '../host-set.ts';
import { HostLoad } from './host-load.ts';
import type { NowMs } from './host-weight.ts';
import type { HostPicker, PickerServices, PickRequest, WeightsVersion } from './load-balancer.ts';
import { roundRobin } from './round-robin.ts';

const DEFAULT_WEIGHT = 1;

/** The weights of all hosts of a cluster, looked at as requests come. */
export class ClientWeights implements WeightsVersion {
  readonly #priorities: readonly PriorityHosts[];
  readonly #config: ClientWeightsConfig;
  readonly #nowMs: NowMs;
  #dueMs: number;
  #version = 0;

  /** `previous`: those of the hosts before these, whose time goes on. */
  constructor(
    priorities: readonly PriorityHosts[],
    config: ClientWeightsConfig,
    parts: { readonly nowMs: NowMs; readonly previous: ClientWeights | null },
  ) {
    this.#priorities = priorities;
    this.#config = config;
    this.#nowMs = parts.nowMs;
    const { previous } = parts;
    this.#dueMs = previous === null ? parts.nowMs() + config.updateMs : previous.#dueMs;
    for (const { all } of priorities) {
      for (const host of all) host.load ??= new HostLoad(config, parts.nowMs);
    }
  }

  version(): number {
    const nowMs = this.#nowMs();
    if (nowMs < this.#dueMs) return this.#version;
    this.#dueMs = nowMs + this.#config.updateMs;
    let isChanged = false;
    for (const { all } of this.#priorities) if (weigh(all, nowMs)) isChanged = true;
    if (isChanged) this.#version += 1;
    return this.#version;
  }
}

/** Hosts without a weight of their own get the median of those that have one. True: some changed. */
function weigh(hosts: readonly Host[], nowMs: number): boolean {
  const weights = hosts.map(({ load }) => load?.weightAt(nowMs) ?? null);
  const known = weights.filter((weight) => weight !== null).sort((left, right) => left - right);
  const median = known[known.length >> 1] ?? DEFAULT_WEIGHT;
  let isChanged = false;
  hosts.forEach(({ load }, index) => {
    const weight = weights[index] ?? median;
    if (load === null || load.weight === weight) return;
    load.weight = weight;
    isChanged = true;
  });
  return isChanged;
}

/** Round robin that begins anew with other weights. */
class ClientWeightedPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #config: RoundRobinConfig;
  readonly #services: PickerServices;
  readonly #weights: WeightsVersion;
  #version: number;
  #inner: HostPicker;

  constructor(
    hosts: readonly Host[],
    { locality, slowStart }: ClientWeightsConfig,
    parts: { readonly services: PickerServices; readonly weights: WeightsVersion },
  ) {
    this.#hosts = hosts;
    this.#config = { kind: 'round-robin', locality, slowStart };
    this.#services = parts.services;
    this.#weights = parts.weights;
    this.#version = parts.weights.version();
    this.#inner = roundRobin(hosts, this.#config, parts.services);
  }

  pick(request: PickRequest): Host | null {
    const version = this.#weights.version();
    if (version !== this.#version) {
      this.#version = version;
      this.#inner = roundRobin(this.#hosts, this.#config, this.#services);
    }
    return this.#inner.pick(request);
  }
}

/** The policy for one list of hosts. */
export function clientWeighted(
  hosts: readonly Host[],
  config: ClientWeightsConfig,
  services: PickerServices,
): HostPicker {
  const weights = services.clientWeights ?? null;
  // Only a balancer of priorities knows all hosts; without one they weigh what their endpoints say.
  if (weights === null) return roundRobin(hosts, { ...config, kind: 'round-robin' }, services);
  return new ClientWeightedPicker(hosts, config, { services, weights });
}
