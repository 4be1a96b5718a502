// What a cluster says about requests in the place of their routes, ready for use.
import type { ClusterConfig } from '../model/cluster.ts';
import type { RetryPolicyConfig } from '../model/retry-policy.ts';
import { HashPolicies } from '../routing/hash-policy.ts';
import { Mirror } from '../routing/mirror.ts';

/** One per cluster that has any: requests of all others cost a look at a null. */
export class ClusterPolicies {
  /** Wins over the route's but for the time of attempts; null: the route's. */
  readonly retry: RetryPolicyConfig | null;
  /** Wins over the route's, also where it finds nothing to hash; null: the route's. */
  readonly hashPolicies: HashPolicies | null;
  /** Win over the route's; null: the route's. */
  readonly mirrors: readonly Mirror[] | null;

  /** null: the cluster leaves everything to routes. */
  static of({ http: { policies } }: ClusterConfig): ClusterPolicies | null {
    return policies === undefined ? null : new ClusterPolicies(policies);
  }

  private constructor({
    retry,
    hashPolicies,
    mirrors,
  }: NonNullable<ClusterConfig['http']['policies']>) {
    this.retry = retry;
    this.hashPolicies = HashPolicies.of(hashPolicies);
    this.mirrors = mirrors.length === 0 ? null : mirrors.map((config) => new Mirror(config));
  }
}
