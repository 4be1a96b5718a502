// Load balancing policies with Envoy's defaults.
import type {
  LeastRequestConfig,
  LocalityRulesConfig,
  MaglevConfig,
  RandomConfig,
  RingHashConfig,
  RoundRobinConfig,
  SubsetPolicyConfig,
  SubsetsConfig,
} from '../../proxy/model/load-balancing.ts';

const NO_LOCALITIES = { kind: 'none' } as const;

/** Rules for zones with some members replaced. */
export function zoneAware(
  members: Partial<Extract<LocalityRulesConfig, { kind: 'zone-aware' }>> = {},
): LocalityRulesConfig {
  return {
    ...{ kind: 'zone-aware', routingEnabledPercent: 100, minClusterSize: 6 },
    ...{ failsOnPanic: false, forcedLocalMinSize: null, basis: 'hosts' },
    ...members,
  };
}

/** ROUND_ROBIN without localities and slow start. */
export const ROUND_ROBIN: RoundRobinConfig = {
  kind: 'round-robin',
  locality: NO_LOCALITIES,
  slowStart: null,
};

/** RANDOM without localities. */
export const RANDOM: RandomConfig = { kind: 'random', locality: NO_LOCALITIES };

/** LEAST_REQUEST with some members replaced. */
export function leastRequestConfig(members: Partial<LeastRequestConfig> = {}): LeastRequestConfig {
  return {
    ...{ kind: 'least-request', choiceCount: 2, activeRequestBias: 1 },
    ...{ locality: NO_LOCALITIES, slowStart: null },
    ...members,
  };
}

const CONSISTENT = { usesHostname: false, balanceFactorPercent: 0, isLocalityWeighted: false };

/** RING_HASH with some members replaced. */
export function ringHashConfig(members: Partial<RingHashConfig> = {}): RingHashConfig {
  return {
    ...{ kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8_388_608 },
    ...{ hashFunction: 'xx-hash', consistent: CONSISTENT },
    ...members,
  };
}

/** MAGLEV with some members replaced. */
export function maglevConfig(members: Partial<MaglevConfig> = {}): MaglevConfig {
  return { kind: 'maglev', tableSize: 65_537, consistent: CONSISTENT, ...members };
}

/** Subsets of round robin without selectors, some members replaced. */
export function subsetConfig(members: Partial<SubsetsConfig> = {}): SubsetPolicyConfig {
  const subsets: SubsetsConfig = {
    ...{ fallback: 'none', defaultSubset: {}, selectors: [], allowsRedundantKeys: false },
    ...{ isLocalityWeightAware: false, scalesLocalityWeight: false, panicModeAny: false },
    ...{ listAsAny: false, triesFallbackList: false },
    ...members,
  };
  return { kind: 'subset', subsets, inner: ROUND_ROBIN };
}
