// Chooses the priority and the health class that a request goes to, and lets the cluster's policy
// pick from those hosts. Built anew from each snapshot of the hosts.
import { type Random, randomBelow } from '../../base/random.ts';
import type { LoadBalancerConfig, PriorityRulesConfig } from '../../model/cluster.ts';
import type { Counter } from '../../stats/metrics.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet, PriorityHosts } from '../host-set.ts';
import type { HostPicker, LoadBalancer } from './load-balancer.ts';
import { type PriorityLoad, priorityLoad } from './priority-load.ts';
import { makeHostPicker } from './registry.ts';

/** What a balancer is made with. */
export interface BalancerOptions {
  readonly config: LoadBalancerConfig;
  readonly priorities: PriorityRulesConfig;
  readonly random: Random;
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

  constructor(hostSet: HostSet, options: BalancerOptions) {
    this.#random = options.random;
    this.#healthyPanic = options.healthyPanic;
    this.#shares = makeShares(hostSet, options);
  }

  pick(context: LoadBalancerContext): Host | null {
    const share = this.#share();
    if (share.panics) this.#healthyPanic.inc();
    return share.picker === null ? null : share.picker.pick(context);
  }

  #share(): Share {
    const shares = this.#shares;
    if (shares.length === 1) return shares[0] as Share;
    const point = randomBelow(this.#random, 100) + 1;
    let index = 0;
    while ((shares[index] as Share).upTo < point) index += 1;
    return shares[index] as Share;
  }
}

function makeShares(hostSet: HostSet, options: BalancerOptions): readonly Share[] {
  const { priorities } = hostSet;
  const load = priorityLoad(
    priorities.map((priority) => ({
      total: priority.all.length,
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
      shares.push(makeShare(upTo, hostsFor(priority, kind, load.panics[index] === true), options));
    }
  }
  return shares;
}

interface ChosenHosts {
  readonly hosts: readonly Host[];
  readonly panics: boolean;
}

function hostsFor(
  priority: PriorityHosts,
  kind: keyof Pick<PriorityLoad, 'healthy' | 'degraded'>,
  panics: boolean,
): ChosenHosts {
  return { hosts: panics ? priority.all : priority[kind], panics };
}

function makeShare(upTo: number, chosen: ChosenHosts, options: BalancerOptions): Share {
  const { hosts, panics } = chosen;
  const picker = hosts.length === 0 ? null : makeHostPicker(hosts, options.config, options.random);
  return { upTo, picker, panics };
}
