// How a cluster chooses among its hosts: lb_policy, or load_balancing_policy in its place.
import {
  type Cluster,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
  Cluster_LbPolicy as LbPolicy,
  type LoadBalancingPolicy,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { LoadBalancerConfig, PickingConfig } from '../../model/load-balancing.ts';
import { enumMember } from './field-values.ts';
import { compileFirstKnown, isProvidedByList, SUPPORTED } from './lb-policies.ts';
import {
  compileConsistentHashing,
  compileLocalityRules,
  compileSlowStart,
  leastRequest,
  maglev,
  ringHash,
} from './lb-policy-parts.ts';
import { compileSubsets } from './lb-subsets.ts';

type Kind = Exclude<PickingConfig['kind'], 'client-side-weighted-round-robin'>;

const POLICY_KINDS: Readonly<Partial<Record<LbPolicy, Kind>>> = {
  [LbPolicy.ROUND_ROBIN]: 'round-robin',
  [LbPolicy.LEAST_REQUEST]: 'least-request',
  [LbPolicy.RANDOM]: 'random',
  [LbPolicy.RING_HASH]: 'ring-hash',
  [LbPolicy.MAGLEV]: 'maglev',
};

/** The balancer of a cluster; null and a rejection when its policy is not supported. */
export function compileLoadBalancer(
  message: Cluster,
  context: CompileContext,
): LoadBalancerConfig | null {
  if (message.loadBalancingPolicy !== undefined) {
    return compilePolicyList(message, message.loadBalancingPolicy, context);
  }
  if (message.lbPolicy === LbPolicy.LOAD_BALANCING_POLICY_CONFIG) {
    context.reject('load_balancing_policy', 'cluster: field load_balancing_policy need to be set');
    return null;
  }
  if (message.lbPolicy === LbPolicy.CLUSTER_PROVIDED) {
    context.reject('lb_policy', notProvided(message.name));
    return null;
  }
  const choice = { value: message.lbPolicy, names: LbPolicy, table: POLICY_KINDS };
  const kind = enumMember(context, 'lb_policy', choice);
  if (kind === null) return null;
  const inner = compileByName(kind, message, context);
  const subsets = message.lbSubsetConfig;
  // As Envoy: without selectors there are no subsets, whatever else is said of them.
  if (subsets === undefined || subsets.subsetSelectors.length === 0) return inner;
  const at = context.at('lb_subset_config');
  if (subsets.localityWeightAware && !isLocalityWeighted(inner)) {
    const rule =
      'Locality weight aware subset LB requires that a locality_weighted_lb_config be set';
    at.reject('locality_weight_aware', `${rule} in ${message.name}`);
  }
  return { kind: 'subset', subsets: compileSubsets(subsets, at), inner };
}

function isLocalityWeighted(config: PickingConfig): boolean {
  if ('consistent' in config) return config.consistent.isLocalityWeighted;
  return config.locality.kind === 'weighted';
}

/** The older form: the policy's options stand in fields of the cluster. */
function compileByName(kind: Kind, message: Cluster, context: CompileContext): PickingConfig {
  const { lbConfig, commonLbConfig } = message;
  const at = context.at('common_lb_config');
  const locality = compileLocalityRules(commonLbConfig?.localityConfigSpecifier, at);
  const hashing = compileConsistentHashing(commonLbConfig?.consistentHashingLbConfig, {
    isLocalityWeighted: locality.kind === 'weighted',
  });
  switch (kind) {
    case 'round-robin': {
      const own = lbConfig.case === 'roundRobinLbConfig' ? lbConfig.value : undefined;
      const path = context.at('round_robin_lb_config');
      return { kind, locality, slowStart: compileSlowStart(own?.slowStartConfig, path) };
    }
    case 'least-request': {
      const own = lbConfig.case === 'leastRequestLbConfig' ? lbConfig.value : undefined;
      const path = context.at('least_request_lb_config');
      const slowStart = compileSlowStart(own?.slowStartConfig, path);
      return leastRequest(own, { locality, slowStart, scansAll: false }, path);
    }
    case 'random':
      return { kind, locality };
    case 'ring-hash': {
      const own = lbConfig.case === 'ringHashLbConfig' ? lbConfig.value : undefined;
      const usesMurmur = own?.hashFunction === HashFunction.MURMUR_HASH_2;
      return ringHash(own, { usesMurmur, hashing }, context.at('ring_hash_lb_config'));
    }
    case 'maglev': {
      const own = lbConfig.case === 'maglevLbConfig' ? lbConfig.value : undefined;
      return maglev(own, hashing, context.at('maglev_lb_config'));
    }
  }
}

function compilePolicyList(
  cluster: Cluster,
  message: LoadBalancingPolicy,
  context: CompileContext,
): LoadBalancerConfig | null {
  const path = 'load_balancing_policy';
  if (isProvidedByList(message)) {
    context.reject(`${path}.policies`, notProvided(cluster.name));
    return null;
  }
  return compileFirstKnown(message, context.at(path), (names) => {
    const rule = "didn't find a registered load balancer factory implementation for cluster";
    const subject = `'${cluster.name}' with names from [${names}]`;
    context.reject(`${path}.policies`, `cluster: ${rule}: ${subject}: ${SUPPORTED}`);
  });
}

/** The cluster says that its type brings the balancer. */
export function isClusterProvided({ lbPolicy, loadBalancingPolicy: list }: Cluster): boolean {
  return list === undefined ? lbPolicy === LbPolicy.CLUSTER_PROVIDED : isProvidedByList(list);
}

function notProvided(name: string): string {
  const rule = `cluster provided LB specified but cluster '${name}' did not provide one`;
  return `cluster manager: ${rule}. Check cluster documentation: ORIGINAL_DST, envoy.clusters.aggregate and envoy.clusters.dynamic_forward_proxy do`;
}
