// The subsets of a cluster's hosts, by what its selectors make of their metadata.
import {
  loadBalancingMetadata,
  type SubsetSelectorConfig,
  type SubsetsConfig,
} from '../../../model/load-balancing.ts';
import type { HostSet } from '../../host-set.ts';
import { type BalancerOfHosts, onlyHost, Subset } from './subset.ts';
import { subsetsOfHost } from './subset-key.ts';

/** See the file's head. */
export class SubsetIndex {
  /** Hosts too many in subsets that use only one. */
  readonly duplicates: number;
  readonly #subsets = new Map<string, Subset>();

  constructor(hostSet: HostSet, config: SubsetsConfig, make: BalancerOfHosts) {
    let duplicates = 0;
    for (const host of hostSet.hosts) {
      const metadata = loadBalancingMetadata(host.endpoint.metadata);
      if (metadata === null) continue;
      for (const selector of config.selectors) {
        for (const key of subsetsOfHost(selector.keys, metadata, config.listAsAny)) {
          const subset = this.#take(key, selector, make);
          if (selector.singleHostPerSubset && subset.hosts.length > 0) duplicates += 1;
          subset.hosts.push(host);
        }
      }
    }
    this.duplicates = duplicates;
  }

  get size(): number {
    return this.#subsets.size;
  }

  /** undefined: no host is in it. */
  get(key: string): Subset | undefined {
    return this.#subsets.get(key);
  }

  /** Subsets that `other` has not. */
  missingIn(other: SubsetIndex): number {
    let missing = 0;
    for (const key of this.#subsets.keys()) if (!other.#subsets.has(key)) missing += 1;
    return missing;
  }

  /** Two selectors with the same keys mean the same subset. */
  #take(key: string, selector: SubsetSelectorConfig, make: BalancerOfHosts): Subset {
    const known = this.#subsets.get(key);
    if (known !== undefined) return known;
    const subset = new Subset(selector.singleHostPerSubset ? onlyHost : make);
    this.#subsets.set(key, subset);
    return subset;
  }
}
