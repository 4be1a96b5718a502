// Chooses the priority and the health class that a request goes to, and lets the cluster's policy
// pick from those hosts. Built anew from each snapshot of the hosts.
import { type Random, randomBelow } from '../../base/random.ts';
import { hashModulo } from '../../base/xx-hash.ts';
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';
import type { Counter } from '../../stats/metrics.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet, PriorityHosts } from '../host-set.ts';
import { type HostPicker, type LoadBalancer, PickRequest } from './load-balancer.ts';
import { priorityLoad } from './priority-load.ts';
import { isHashing, makeHostPicker } from './registry.ts';
import {
  effectiveWeight,
  groupByLocality,
  type LocalityHosts,
  WeightedLocalities,
} from './weighted-localities.ts';

const UINT32 = 2 ** 32;

/** What a balancer is made with. */
export interface BalancerOptions {
  readonly config: LoadBalancerConfig;
  readonly priorities: PriorityRulesConfig;
  readonly random: Random;
  /** Monotonic ms. */
  nowMs(): number;
  /** `lb_healthy_panic` */
  readonly healthyPanic: Counter;
}

/** A share of the traffic with the hosts that get it. */
interface Share {
  /** The share ends here: upper bound in percent, over all shares in order. */
  readonly upTo: number;
  readonly picker: HostPicker | null;
  readonly panics: boolean;
}

/** See the file's head. */
export class PriorityBalancer implements LoadBalancer {
  readonly #shares: readonly Share[];
  readonly #random: Random;
  readonly #healthyPanic: Counter;
  readonly #hashes: boolean;
  readonly #request = new PickRequest();

  constructor(hostSet: HostSet, options: BalancerOptions) {
    this.#random = options.random;
    this.#healthyPanic = options.healthyPanic;
    this.#hashes = isHashing(options.config);
    this.#shares = makeShares(hostSet, options);
  }

  pick(context: LoadBalancerContext): Host | null {
    const request = this.#request;
    if (this.#hashes) this.#takeHash(context);
    const share = this.#share();
    if (share.panics) this.#healthyPanic.inc();
    if (share.picker === null) return null;
    request.attempt = 0;
    let host = share.picker.pick(request);
    const attempts = context.hostSelectionAttempts ?? 0;
    while (request.attempt < attempts && context.rejectsHost?.(host) === true) {
      request.attempt += 1;
      host = share.picker.pick(request);
    }
    return host;
  }

  #takeHash(context: LoadBalancerContext): void {
    const { hash } = this.#request;
    const given = context.hash?.() ?? null;
    hash.high = given === null ? randomBelow(this.#random, UINT32) : given.high;
    hash.low = given === null ? randomBelow(this.#random, UINT32) : given.low;
  }

  /** With a hash the same for all requests that have it: a key sticks to its priority. */
  #share(): Share {
    const shares = this.#shares;
    if (shares.length === 1) return shares[0] as Share;
    const point = this.#hashes
      ? hashModulo(this.#request.hash, 100) + 1
      : randomBelow(this.#random, 100) + 1;
    let index = 0;
    while ((shares[index] as Share).upTo < point) index += 1;
    return shares[index] as Share;
  }
}

function makeShares(hostSet: HostSet, options: BalancerOptions): readonly Share[] {
  const { priorities } = hostSet;
  const load = priorityLoad(
    priorities.map((priority) => ({
      total: priority.counted.length,
      healthy: priority.healthy.length,
      degraded: priority.degraded.length,
    })),
    options.priorities,
  );
  const shares: Share[] = [];
  let upTo = 0;
  for (const kind of ['healthy', 'degraded'] as const) {
    for (const [index, priority] of priorities.entries()) {
      const percent = load[kind][index] ?? 0;
      if (percent === 0) continue;
      upTo += percent;
      const panics = load.panics[index] === true;
      shares.push({ upTo, picker: pickerFor(priority, panics ? 'all' : kind, options), panics });
    }
  }
  return shares;
}

/** null: nobody may be picked. */
function pickerFor(
  priority: PriorityHosts,
  kind: 'healthy' | 'degraded' | 'all',
  options: BalancerOptions,
): HostPicker | null {
  const { config } = options;
  const rules = 'locality' in config ? config.locality : null;
  if (kind === 'all' && rules?.kind === 'zone-aware' && rules.failsOnPanic) return null;
  const hosts = priority[kind];
  if (hosts.length === 0) return null;
  const localities =
    kind !== 'all' && rules?.kind === 'weighted'
      ? weightedLocalities(groupByLocality(priority.counted, hosts), options)
      : null;
  return localities ?? makeHostPicker(hosts, config, options);
}

/** null: no locality with hosts has a weight, so that all hosts are alike. */
function weightedLocalities(
  groups: readonly LocalityHosts[],
  options: BalancerOptions,
): HostPicker | null {
  const { overprovisioningPercent } = options.priorities;
  const weighed = groups
    .map((group) => ({ group, weight: effectiveWeight(group, overprovisioningPercent) }))
    .filter(({ weight }) => weight > 0);
  if (weighed.length === 0) return null;
  return new WeightedLocalities(
    weighed.map(({ group }) => makeHostPicker(group.eligible, options.config, options)),
    weighed.map(({ weight }) => weight),
  );
}
