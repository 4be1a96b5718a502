// Load balancing policies as extensions (envoy.extensions.load_balancing_policies.*).
import type { Message } from '@bufbuild/protobuf';
import type { LoadBalancingPolicy } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  type ClientSideWeightedRoundRobin,
  ClientSideWeightedRoundRobinSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.js';
import { ClusterProvidedSchema } from '../../api/gen/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb.js';
import {
  type LeastRequest,
  LeastRequestSchema,
  LeastRequest_SelectionMethod as SelectionMethod,
} from '../../api/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js';
import {
  type Maglev,
  MaglevSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js';
import {
  type OverrideHost,
  OverrideHostSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/override_host/v3/override_host_pb.js';
import {
  type Random,
  RandomSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.js';
import {
  RingHash_HashFunction as HashFunction,
  type RingHash,
  RingHashSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js';
import {
  type RoundRobin,
  RoundRobinSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js';
import {
  type Subset,
  SubsetSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb.js';
import {
  type WrrLocality,
  WrrLocalitySchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';
import { compileClientWeights, localityWeighted } from './lb-client-weights.ts';
import { compileOverrideHost } from './lb-override-host.ts';
import {
  compileConsistentHashing,
  compileLocalityRules,
  compileSlowStart,
  leastRequest,
  maglev,
  ringHash,
} from './lb-policy-parts.ts';
import { compileSubsets } from './lb-subsets.ts';

type PolicyCompiler = (message: Message, context: CompileContext) => LoadBalancerConfig | null;

const COMPILERS: Readonly<Record<string, PolicyCompiler>> = {
  [RoundRobinSchema.typeName]: (message, context) =>
    compileRoundRobin(message as RoundRobin, context),
  [LeastRequestSchema.typeName]: (message, context) =>
    compileLeastRequest(message as LeastRequest, context),
  [RandomSchema.typeName]: (message, context) => compileRandom(message as Random, context),
  [RingHashSchema.typeName]: (message, context) => compileRingHash(message as RingHash, context),
  [MaglevSchema.typeName]: (message, context) => compileMaglev(message as Maglev, context),
  [SubsetSchema.typeName]: (message, context) => compileSubset(message as Subset, context),
  [ClientSideWeightedRoundRobinSchema.typeName]: (message, context) =>
    compileClientWeights(message as ClientSideWeightedRoundRobin, context),
  [WrrLocalitySchema.typeName]: (message, context) =>
    compileWrrLocality(message as WrrLocality, context),
  [OverrideHostSchema.typeName]: (message, context) =>
    compileOverride(message as OverrideHost, context),
};

/** Their names as people say them. */
const KNOWN_POLICIES = [
  ...['round_robin', 'least_request', 'random', 'ring_hash', 'maglev'],
  ...['client_side_weighted_round_robin', 'wrr_locality', 'override_host', 'subset'],
];

/** For messages: what there is. */
export const SUPPORTED = `${KNOWN_POLICIES.join(', ')} are supported`;

/** There is such a policy. */
function isKnownPolicy(typeName: string): boolean {
  return typeName === ClusterProvidedSchema.typeName || Object.hasOwn(COMPILERS, typeName);
}

/** The first policy of a list that is known is that the cluster's type brings one. */
export function isProvidedByList({ policies }: LoadBalancingPolicy): boolean {
  const types = policies.map(({ typedExtensionConfig }) =>
    typeIn(typedExtensionConfig?.typedConfig),
  );
  return types.find(isKnownPolicy) === ClusterProvidedSchema.typeName;
}

/**
 * The first policy of a list that is known, as Envoy takes it; null: there is none, or a rejection
 * says what is wrong with it. `onUnknown` rejects the list as the place calls for.
 */
export function compileFirstKnown(
  message: LoadBalancingPolicy | undefined,
  context: CompileContext,
  onUnknown: (names: string) => void,
): LoadBalancerConfig | null {
  const policies = message?.policies ?? [];
  for (const [index, { typedExtensionConfig }] of policies.entries()) {
    const any = typedExtensionConfig?.typedConfig;
    if (any === undefined || !isKnownPolicy(typeIn(any))) continue;
    const path = `policies[${index}].typed_extension_config.typed_config`;
    const policy = unpack(any, context, path);
    if (policy === null) return null;
    const compile = COMPILERS[policy.$typeName];
    if (compile !== undefined) return compile(policy, context.at(path));
    context.reject(path, 'cluster_provided cannot stand inside another policy');
    return null;
  }
  const names = policies.map(({ typedExtensionConfig }) => typedExtensionConfig?.name ?? '');
  onUnknown(names.join(', '));
  return null;
}

function compileRandom(message: Random, context: CompileContext): LoadBalancerConfig {
  const at = context.at('locality_lb_config');
  const choice = message.localityLbConfig?.localityConfigSpecifier;
  return { kind: 'random', locality: compileLocalityRules(choice, at) };
}

function compileSubset(message: Subset, context: CompileContext): LoadBalancerConfig | null {
  const subsets = compileSubsets(message, context);
  const path = 'subset_lb_policy';
  const inner = compileFirstKnown(message.subsetLbPolicy, context.at(path), (names) => {
    const rule = "didn't find a registered load balancer factory implementation for subset lb";
    context.reject(path, `cluster: ${rule} with names from [${names}]: ${SUPPORTED}`);
  });
  if (inner === null) return null;
  return { kind: 'subset', subsets, inner };
}

function compileWrrLocality(
  message: WrrLocality,
  context: CompileContext,
): LoadBalancerConfig | null {
  const path = 'endpoint_picking_policy';
  const policy = compileFirstKnown(message.endpointPickingPolicy, context.at(path), () => {
    context.reject(path, 'No supported endpoint picking policy.');
  });
  return localityWeighted(policy, context);
}

function compileOverride(
  message: OverrideHost,
  context: CompileContext,
): LoadBalancerConfig | null {
  const path = 'fallback_policy';
  const fallback = compileFirstKnown(message.fallbackPolicy, context.at(path), (names) => {
    const rule = "didn't find a registered fallback load balancer factory with names from";
    context.reject(path, `dynamic forwarding LB: ${rule} ${names}: ${SUPPORTED}`);
  });
  return fallback === null ? null : compileOverrideHost(message, fallback, context);
}

function compileRoundRobin(message: RoundRobin, context: CompileContext): LoadBalancerConfig {
  const at = context.at('locality_lb_config');
  return {
    kind: 'round-robin',
    locality: compileLocalityRules(message.localityLbConfig?.localityConfigSpecifier, at),
    slowStart: compileSlowStart(message.slowStartConfig, context),
  };
}

function compileLeastRequest(message: LeastRequest, context: CompileContext): LoadBalancerConfig {
  const at = context.at('locality_lb_config');
  const locality = compileLocalityRules(message.localityLbConfig?.localityConfigSpecifier, at);
  const slowStart = compileSlowStart(message.slowStartConfig, context);
  const scansAll = message.selectionMethod === SelectionMethod.FULL_SCAN || message.enableFullScan;
  return leastRequest(message, { locality, slowStart, scansAll: scansAll === true }, context);
}

/** The fields of the message itself are older names of those in consistent_hashing_lb_config. */
function compileRingHash(message: RingHash, context: CompileContext): LoadBalancerConfig {
  const { useHostnameForHashing, hashBalanceFactor, localityWeightedLbConfig } = message;
  const common = message.consistentHashingLbConfig ?? { useHostnameForHashing, hashBalanceFactor };
  const isLocalityWeighted = localityWeightedLbConfig !== undefined;
  const hashing = compileConsistentHashing(common, { isLocalityWeighted });
  const usesMurmur = message.hashFunction === HashFunction.MURMUR_HASH_2;
  return ringHash(message, { usesMurmur, hashing }, context);
}

function compileMaglev(message: Maglev, context: CompileContext): LoadBalancerConfig {
  const isLocalityWeighted = message.localityWeightedLbConfig !== undefined;
  const hashing = compileConsistentHashing(message.consistentHashingLbConfig, {
    isLocalityWeighted,
  });
  return maglev(message, hashing, context);
}
