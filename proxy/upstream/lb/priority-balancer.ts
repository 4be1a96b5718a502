// Chooses the priority and the health class that a request goes to, and lets the cluster's policy
// pick from those hosts. Built anew from each snapshot of the hosts.
import { type Random, randomBelow } from '../../base/random.ts';
import { hashModulo } from '../../base/xx-hash.ts';
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { ChosenPriority, LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import { type LoadBalancer, type PickingOptions, PickRequest } from './load-balancer.ts';
import type { LoadBalancerStats } from './load-balancer-stats.ts';
import {
  type PriorityCounts,
  type PriorityLoad,
  priorityCounts,
  priorityLoad,
  retryLoad,
} from './priority-load.ts';
import { PriorityPickers } from './priority-pickers.ts';
import { isHashing } from './registry.ts';

const UINT32 = 2 ** 32;

/** A share of the traffic with the hosts that get it. */
interface Share extends ChosenPriority {
  /** The share ends here: upper bound in percent, over all shares in order. */
  readonly upTo: number;
}

/** See the file's head. */
export class PriorityBalancer implements LoadBalancer {
  readonly #counts: readonly PriorityCounts[];
  readonly #rules: PriorityRulesConfig;
  readonly #panics: readonly boolean[];
  readonly #shares: readonly Share[];
  readonly #pickers: PriorityPickers;
  readonly #random: Random;
  readonly #stats: LoadBalancerStats;
  readonly #hashes: boolean;
  readonly #request = new PickRequest();

  /** `previous`: what picked from the hosts before these. */
  constructor(hostSet: HostSet, options: PickingOptions, previous: LoadBalancer | null = null) {
    this.#random = options.random;
    this.#stats = options.stats;
    this.#rules = options.priorities;
    this.#hashes = isHashing(options.config);
    this.#counts = hostSet.priorities.map((priority) => priorityCounts(priority, this.#rules));
    const load = priorityLoad(this.#counts, this.#rules);
    this.#panics = load.panics;
    this.#shares = sharesOf(load);
    this.#pickers = new PriorityPickers(
      hostSet,
      options,
      previous instanceof PriorityBalancer ? previous.#pickers : null,
    );
    if (this.#hashes) {
      // Rings and tables are large: not while a request waits.
      for (const share of this.#shares) this.#pickers.of(share, this.#panicsAt(share));
      this.#pickers.inheritNoMore();
    }
  }

  pick(context: LoadBalancerContext): Host | null {
    const attempts = context.hostSelectionAttempts ?? 0;
    if (this.#hashes) return this.#pickByHash(context, attempts);
    for (let attempt = 0; ; attempt += 1) {
      const host = this.#pickFrom(this.#choose(context));
      if (host === null || attempt >= attempts) return host;
      if (context.rejectsHost?.(host) !== true) return host;
    }
  }

  /** The same hash leads to the same priority as well. */
  #pickByHash(context: LoadBalancerContext, attempts: number): Host | null {
    this.#takeHash(context);
    const request = this.#request;
    request.attempt = 0;
    const share = this.#choose(context);
    let host = this.#pickFrom(share);
    while (host !== null && request.attempt < attempts && context.rejectsHost?.(host) === true) {
      request.attempt += 1;
      host = this.#pickers.of(share, this.#panicsAt(share))?.pick(request) ?? null;
    }
    return host;
  }

  #pickFrom(share: ChosenPriority): Host | null {
    const panics = this.#panicsAt(share);
    if (panics) this.#stats.healthyPanic.inc();
    return this.#pickers.of(share, panics)?.pick(this.#request) ?? null;
  }

  #panicsAt({ priority }: ChosenPriority): boolean {
    return this.#panics[priority] === true;
  }

  #takeHash(context: LoadBalancerContext): void {
    const { hash } = this.#request;
    const given = context.hash?.() ?? null;
    hash.high = given === null ? randomBelow(this.#random, UINT32) : given.high;
    hash.low = given === null ? randomBelow(this.#random, UINT32) : given.low;
  }

  #choose(context: LoadBalancerContext): ChosenPriority {
    const chosen = context.chosenPriority ?? null;
    if (chosen !== null) return chosen;
    const tried = context.triedPriorities ?? null;
    const shares =
      tried === null || tried.length === 0 ? this.#shares : this.#untried(tried, context);
    return shares.length === 1 ? (shares[0] as Share) : this.#draw(shares);
  }

  #draw(shares: readonly Share[]): Share {
    const point = this.#hashes
      ? hashModulo(this.#request.hash, 100) + 1
      : randomBelow(this.#random, 100) + 1;
    let index = 0;
    while ((shares[index] as Share).upTo < point) index += 1;
    return shares[index] as Share;
  }

  /** Only for retries: made each time. */
  #untried(tried: readonly number[], context: LoadBalancerContext): readonly Share[] {
    const load = retryLoad(this.#counts, this.#rules, tried);
    if (load !== null) return sharesOf(load);
    context.forgetTriedPriorities?.();
    return this.#shares;
  }
}

/** Healthy hosts of all priorities first, degraded ones then. */
function sharesOf(load: Pick<PriorityLoad, 'healthy' | 'degraded'>): readonly Share[] {
  const shares: Share[] = [];
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
