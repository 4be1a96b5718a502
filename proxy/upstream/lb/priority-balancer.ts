// Chooses the priority and the health class that a request goes to, and lets the cluster's policy
// pick from those hosts. Built anew from each snapshot of the hosts.
import { type Random, randomBelow } from '../../base/random.ts';
import { hashModulo } from '../../base/xx-hash.ts';
import type { ChosenPriority, LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import { ClientWeights } from './client-weights.ts';
import { type LoadBalancer, type PickingOptions, PickRequest } from './load-balancer.ts';
import type { LoadBalancerStats } from './load-balancer-stats.ts';
import { priorityCounts } from './priority-load.ts';
import { PriorityPickers } from './priority-pickers.ts';
import { type PriorityShare, PriorityShares, shareAt } from './priority-shares.ts';
import { isHashing } from './registry.ts';

const UINT32 = 2 ** 32;

/** See the file's head. */
export class PriorityBalancer implements LoadBalancer {
  readonly #shares: PriorityShares;
  readonly #pickers: PriorityPickers;
  /** null: hosts weigh what their endpoints say. */
  readonly #weights: ClientWeights | null;
  readonly #random: Random;
  readonly #stats: LoadBalancerStats;
  readonly #hashes: boolean;
  readonly #request = new PickRequest();

  /** `previous`: what picked from the hosts before these. */
  constructor(hostSet: HostSet, options: PickingOptions, previous: LoadBalancer | null = null) {
    this.#random = options.random;
    this.#stats = options.stats;
    this.#hashes = isHashing(options.config);
    const { priorities: rules } = options;
    const counts = hostSet.priorities.map((priority) => priorityCounts(priority, rules));
    this.#shares = new PriorityShares(counts, rules);
    this.#weights = weightsOf(hostSet, options, previous);
    this.#pickers = new PriorityPickers(
      hostSet,
      this.#weights === null ? options : { ...options, clientWeights: this.#weights },
      previous instanceof PriorityBalancer ? previous.#pickers : null,
    );
    if (this.#hashes) {
      // Rings and tables are large: not while a request waits.
      for (const share of this.#shares.all()) this.#pickers.of(share, this.#panicsAt(share));
      this.#pickers.inheritNoMore();
    }
  }

  get weights(): ClientWeights | null {
    return this.#weights;
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
    return this.#shares.panicsAt(priority);
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
    const tried = context.triedHosts ?? null;
    const shares =
      tried === null
        ? this.#shares.all()
        : this.#shares.without(
            tried.map(({ endpoint }) => endpoint.priority),
            context,
          );
    return shares.length === 1 ? (shares[0] as PriorityShare) : shareAt(shares, this.#point());
  }

  /** From 1 to 100; the same hash leads to the same priority as well. */
  #point(): number {
    if (this.#hashes) return hashModulo(this.#request.hash, 100) + 1;
    return randomBelow(this.#random, 100) + 1;
  }
}

function weightsOf(
  { priorities }: HostSet,
  { config, nowMs }: PickingOptions,
  before: LoadBalancer | null,
): ClientWeights | null {
  if (config.kind !== 'client-side-weighted-round-robin') return null;
  const previous = before instanceof PriorityBalancer ? before.weights : null;
  return new ClientWeights(priorities, config, { nowMs, previous });
}
