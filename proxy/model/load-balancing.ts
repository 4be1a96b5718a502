// How a cluster chooses among its hosts, compiled from lb_policy or load_balancing_policy.
import type { FilterMetadata } from './match-tree.ts';

/** Load balancing policy: one that picks hosts, or one around another. */
export type LoadBalancerConfig = PickingConfig | SubsetPolicyConfig | OverrideHostPolicyConfig;

/** Policies that pick from a list of hosts. */
export type PickingConfig = HostPolicyConfig | HashingConfig;

/** Policies that do not look at the request. */
export type HostPolicyConfig =
  | RoundRobinConfig
  | LeastRequestConfig
  | RandomConfig
  | ClientWeightsConfig;

/** Policies that go by the request's hash. */
export type HashingConfig = RingHashConfig | MaglevConfig;

/** lb_subset_config, or subset.v3.Subset: another policy for each subset. */
export interface SubsetPolicyConfig {
  readonly kind: 'subset';
  readonly subsets: SubsetsConfig;
  readonly inner: LoadBalancerConfig;
}

/** override_host.v3.OverrideHost: the request says which hosts it wants. */
export interface OverrideHostPolicyConfig {
  readonly kind: 'override-host';
  /** Asked in order; each may name several. */
  readonly sources: readonly OverrideHostSourceConfig[];
  /** Where the address of the host that was picked is written; null: nowhere. */
  readonly selectedHostKey: MetadataPlace | null;
  /** Picks where the request names nobody, or nobody who is there. */
  readonly fallback: LoadBalancerConfig;
}

/** Where a request names hosts: a field, in lower case, or its dynamic metadata. */
export type OverrideHostSourceConfig =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'metadata'; readonly place: MetadataPlace };

/** type.metadata.v3.MetadataKey */
export interface MetadataPlace {
  readonly namespace: string;
  /** At least one. */
  readonly path: readonly string[];
}

/** client_side_weighted_round_robin.v3: hosts weigh what their load reports (ORCA) come to. */
export interface ClientWeightsConfig {
  readonly kind: 'client-side-weighted-round-robin';
  readonly locality: LocalityRulesConfig;
  readonly slowStart: SlowStartConfig | null;
  /** A host has to report for so long before its weight counts. */
  readonly blackoutMs: number;
  /** Without a report for so long its weight counts no more. */
  readonly expirationMs: number;
  /** Weights are worked out so often. */
  readonly updateMs: number;
  readonly metricNames: readonly string[];
  readonly errorPenalty: number;
}

/** random.v3.Random */
export interface RandomConfig {
  readonly kind: 'random';
  readonly locality: LocalityRulesConfig;
}

/** round_robin.v3.RoundRobin */
export interface RoundRobinConfig {
  readonly kind: 'round-robin';
  readonly locality: LocalityRulesConfig;
  /** null: a new host gets its full share at once. */
  readonly slowStart: SlowStartConfig | null;
}

/** least_request.v3.LeastRequest */
export interface LeastRequestConfig {
  readonly kind: 'least-request';
  /** Drawn hosts of which the least busy is taken; 0: all are looked at (FULL_SCAN). */
  readonly choiceCount: number;
  readonly activeRequestBias: number;
  readonly locality: LocalityRulesConfig;
  readonly slowStart: SlowStartConfig | null;
}

/** ring_hash.v3.RingHash */
export interface RingHashConfig {
  readonly kind: 'ring-hash';
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
  readonly hashFunction: 'xx-hash' | 'murmur-hash-2';
  readonly consistent: ConsistentHashingConfig;
}

/** maglev.v3.Maglev */
export interface MaglevConfig {
  readonly kind: 'maglev';
  /** A prime. */
  readonly tableSize: number;
  readonly consistent: ConsistentHashingConfig;
}

/** common.v3.ConsistentHashingLbConfig */
export interface ConsistentHashingConfig {
  readonly usesHostname: boolean;
  /** hash_balance_factor in percent, from 100; 0: hosts take whatever hashes to them. */
  readonly balanceFactorPercent: number;
  /** Weights of localities count besides those of hosts. */
  readonly isLocalityWeighted: boolean;
}

/** common.v3.LocalityLbConfig */
export type LocalityRulesConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'weighted' }
  | {
      readonly kind: 'zone-aware';
      readonly routingEnabledPercent: number;
      /** With fewer healthy hosts zones are not looked at. */
      readonly minClusterSize: number;
      readonly failsOnPanic: boolean;
      /** force_local_zone: with so many healthy hosts the own zone gets all; null: never. */
      readonly forcedLocalMinSize: number | null;
      /** locality_basis: zones are as large as the weight of their hosts, or as their number. */
      readonly basis: 'hosts' | 'weight';
    };

/** common.v3.SlowStartConfig */
export interface SlowStartConfig {
  readonly windowMs: number;
  readonly aggression: number;
  readonly minWeightPercent: number;
}

/** Cluster.LbSubsetConfig, or subset.v3.Subset around another policy. */
export interface SubsetsConfig {
  readonly fallback: 'none' | 'any-endpoint' | 'default-subset';
  readonly defaultSubset: Readonly<Record<string, unknown>>;
  readonly selectors: readonly SubsetSelectorConfig[];
  readonly allowsRedundantKeys: boolean;
  readonly isLocalityWeightAware: boolean;
  readonly scalesLocalityWeight: boolean;
  readonly panicModeAny: boolean;
  readonly listAsAny: boolean;
  /** metadata_fallback_policy FALLBACK_LIST: lists of `fallback_list` are tried in turn. */
  readonly triesFallbackList: boolean;
}

/** LbSubsetSelector */
export interface SubsetSelectorConfig {
  /** Sorted. */
  readonly keys: readonly string[];
  readonly singleHostPerSubset: boolean;
  readonly fallback: 'not-defined' | 'none' | 'any-endpoint' | 'default-subset' | 'keys-subset';
  readonly fallbackKeys: readonly string[];
}

/** `envoy.lb` of a resource's metadata, where subsets and hash keys are written. */
export function loadBalancingMetadata(
  metadata: FilterMetadata | Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | null {
  const found = metadata['envoy.lb'];
  return typeof found === 'object' && found !== null
    ? (found as Readonly<Record<string, unknown>>)
    : null;
}
