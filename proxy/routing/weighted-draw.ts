// Draws the entry of weighted_clusters that a request goes to.
import { hashModulo } from '../base/xx-hash.ts';
import type { RequestHead } from '../http/message.ts';
import { type WeightedSpecifier, weightedIndex } from './choose-cluster.ts';
import type { HashPolicies, RequestHash } from './hash-policy.ts';
import type { RouteMatchInput } from './route-table.ts';

/** For one draw at a time. As Envoy, which makes cookies for hosts only, not for clusters. */
const scratch: RequestHash = { high: 0, low: 0, setCookies: null };

/** One per route with weighted_clusters. */
export class WeightedDraw {
  readonly #specifier: WeightedSpecifier;
  /** null: the field, or chance, decides. */
  readonly #hashPolicies: HashPolicies | null;

  constructor(specifier: WeightedSpecifier, hashPolicies: HashPolicies | null) {
    this.#specifier = specifier;
    this.#hashPolicies = specifier.usesHash === true ? hashPolicies : null;
  }

  /** The entry's index; -1 when the weights do not fill their total. */
  index(head: RequestHead, { streamRandom, info }: RouteMatchInput): number {
    const policies = this.#hashPolicies;
    const isHashed = policies?.hash(head, info, scratch) === true;
    const number = isHashed ? hashModulo(scratch, this.#specifier.totalWeight) : streamRandom;
    return weightedIndex(this.#specifier, head, number);
  }
}
