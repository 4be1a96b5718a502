// What the localities of a cluster weigh within a subset of its hosts.
import type { SubsetsConfig } from '../../../model/load-balancing.ts';
import type { HostSet } from '../../host-set.ts';
import { type LocalityHosts, localityKey } from '../localities.ts';

/** See the file's head. */
export class LocalitySizes {
  /** null: nobody looks at weights. */
  readonly weightOf: ((hosts: LocalityHosts) => number) | null;
  readonly #hostSet: HostSet;
  /** Hosts by priority and locality; null until somebody asks. */
  #sizes: Map<string, number> | null = null;

  constructor(hostSet: HostSet, config: SubsetsConfig) {
    this.#hostSet = hostSet;
    if (!config.isLocalityWeightAware) this.weightOf = null;
    else if (config.scalesLocalityWeight) this.weightOf = (hosts) => this.#scaled(hosts);
    else this.weightOf = ({ weight }) => weight;
  }

  /** As many hosts of a locality as are in the subset take as much of its weight. */
  #scaled({ weight, all }: LocalityHosts): number {
    const first = all[0];
    if (first === undefined) return 0;
    const { priority, locality } = first.endpoint;
    this.#sizes ??= this.#count();
    const size = this.#sizes.get(`${priority} ${localityKey(locality)}`) ?? 0;
    return size === 0 ? 0 : Math.round((weight * all.length) / size);
  }

  #count(): Map<string, number> {
    const sizes = new Map<string, number>();
    for (const { endpoint } of this.#hostSet.hosts) {
      const key = `${endpoint.priority} ${localityKey(endpoint.locality)}`;
      sizes.set(key, (sizes.get(key) ?? 0) + 1);
    }
    return sizes;
  }
}
