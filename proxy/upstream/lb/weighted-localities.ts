// Localities share traffic by their weights, a locality whose hosts fail gets less; within one, the
// cluster's policy picks.
import type { Host } from '../host.ts';
import { EdfSchedule } from './edf-schedule.ts';
import type { HostPicker, PickRequest } from './load-balancer.ts';

/** Earliest deadline first over the pickers of localities. */
export class WeightedLocalities implements HostPicker {
  readonly #pickers: readonly HostPicker[];
  readonly #weights: readonly number[];
  readonly #schedule: EdfSchedule;

  /** `weights` go with `pickers`, all above 0; at least one. */
  constructor(pickers: readonly HostPicker[], weights: readonly number[]) {
    this.#pickers = pickers;
    this.#weights = weights;
    this.#schedule = new EdfSchedule(pickers.length, (item) => weights[item] as number);
  }

  pick(request: PickRequest): Host | null {
    const locality = this.#schedule.first();
    this.#schedule.postpone(this.#weights[locality] as number);
    return (this.#pickers[locality] as HostPicker).pick(request);
  }
}
