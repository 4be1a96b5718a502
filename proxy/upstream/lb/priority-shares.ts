// Which priority, healthy or degraded, the next request goes to: the shares of the traffic, worked
// out anew when the runtime moves the panic threshold.
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { ChosenPriority, LoadBalancerContext } from '../cluster-manager.ts';
import {
  type PriorityCounts,
  type PriorityLoad,
  priorityLoad,
  retryLoad,
} from './priority-load.ts';

/** A share of the traffic with the hosts that get it. */
export interface PriorityShare extends ChosenPriority {
  /** The share ends here: upper bound in percent, over all shares in order. */
  readonly upTo: number;
}

/** Of one snapshot of hosts. */
export class PriorityShares {
  readonly #counts: readonly PriorityCounts[];
  readonly #rules: PriorityRulesConfig;
  #thresholdPercent: number;
  #panics: readonly boolean[];
  #shares: readonly PriorityShare[];

  /** At least one priority. */
  constructor(counts: readonly PriorityCounts[], rules: PriorityRulesConfig) {
    this.#counts = counts;
    this.#rules = rules;
    this.#thresholdPercent = rules.panicThresholdPercent;
    const load = priorityLoad(counts, rules);
    this.#panics = load.panics;
    this.#shares = sharesOf(load);
  }

  /** In order of their bounds; at least one. */
  all(): readonly PriorityShare[] {
    this.#follow();
    return this.#shares;
  }

  /** Without these priorities, where there are others. Only for retries: made each time. */
  without(tried: readonly number[], context: LoadBalancerContext): readonly PriorityShare[] {
    if (tried.length === 0) return this.all();
    const load = retryLoad(this.#counts, this.#rules, tried);
    if (load !== null) return sharesOf(load);
    context.forgetTriedPriorities?.();
    return this.all();
  }

  /** Too few of the priority's hosts are usable: all of them are used. */
  panicsAt(priority: number): boolean {
    this.#follow();
    return this.#panics[priority] === true;
  }

  /** The runtime may have another threshold by now. */
  #follow(): void {
    const { panicThresholdPercent } = this.#rules;
    if (panicThresholdPercent === this.#thresholdPercent) return;
    this.#thresholdPercent = panicThresholdPercent;
    const load = priorityLoad(this.#counts, this.#rules);
    this.#panics = load.panics;
    this.#shares = sharesOf(load);
  }
}

/** The share that a point from 1 to 100 is in. */
export function shareAt(shares: readonly PriorityShare[], point: number): PriorityShare {
  let index = 0;
  while ((shares[index] as PriorityShare).upTo < point) index += 1;
  return shares[index] as PriorityShare;
}

/** Healthy hosts of all priorities first, degraded ones then. */
function sharesOf(load: Pick<PriorityLoad, 'healthy' | 'degraded'>): readonly PriorityShare[] {
  const shares: PriorityShare[] = [];
  let upTo = 0;
  for (const kind of ['healthy', 'degraded'] as const) {
    load[kind].forEach((percent, priority) => {
      if (percent === 0) return;
      upTo += percent;
      shares.push({ upTo, priority, kind });
    });
  }
  return shares;
}
