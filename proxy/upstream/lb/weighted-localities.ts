// Localities share traffic by their weights, a locality whose hosts fail gets less; within one, the
// cluster's policy picks.
import type { Host } from '../host.ts';
import { EdfSchedule } from './edf-schedule.ts';
import type { HostPicker, PickRequest } from './load-balancer.ts';

/** Hosts of one locality. */
export interface LocalityHosts {
  /** LocalityLbEndpoints.load_balancing_weight, 0: none. */
  readonly weight: number;
  /** All that count, whatever their health. */
  readonly total: number;
  /** Those that may be picked. */
  readonly eligible: readonly Host[];
}

/** `eligible` and `counted` by locality, in the order in which localities come. */
export function groupByLocality(
  counted: readonly Host[],
  eligible: readonly Host[],
): readonly LocalityHosts[] {
  const groups = new Map<string, { weight: number; total: number; eligible: Host[] }>();
  for (const { endpoint } of counted) {
    const key = localityKey(endpoint.locality);
    const group = groups.get(key);
    if (group !== undefined) group.total += 1;
    else groups.set(key, { weight: endpoint.localityWeight, total: 1, eligible: [] });
  }
  for (const host of eligible) {
    groups.get(localityKey(host.endpoint.locality))?.eligible.push(host);
  }
  return [...groups.values()];
}

/** One text for each locality. */
export function localityKey({ region, zone, subZone }: Host['endpoint']['locality']): string {
  return `${region}\n${zone}\n${subZone}`;
}

/** What a locality is worth with so many of its hosts usable; 0: it gets nothing. */
export function effectiveWeight(locality: LocalityHosts, overprovisioningPercent: number): number {
  if (locality.total === 0) return 0;
  const available = locality.eligible.length / locality.total;
  return locality.weight * Math.min(1, (overprovisioningPercent / 100) * available);
}

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

  pick(request: PickRequest): Host {
    const locality = this.#schedule.first();
    this.#schedule.postpone(this.#weights[locality] as number);
    return (this.#pickers[locality] as HostPicker).pick(request);
  }
}
