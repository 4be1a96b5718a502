// Load balancing policies as extensions (envoy.extensions.load_balancing_policies.*).
import type { Message } from '@bufbuild/protobuf';
import {
  type LeastRequest,
  LeastRequestSchema,
  LeastRequest_SelectionMethod as SelectionMethod,
} from '../../api/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js';
import {
  type Maglev,
  MaglevSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js';
import { RandomSchema } from '../../api/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.js';
import {
  RingHash_HashFunction as HashFunction,
  type RingHash,
  RingHashSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js';
import {
  type RoundRobin,
  RoundRobinSchema,
} from '../../api/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';
import {
  compileConsistentHashing,
  compileLocalityRules,
  compileSlowStart,
  DEFAULT_LOCALITY,
  leastRequest,
  maglev,
  ringHash,
} from './lb-policy-parts.ts';

type PolicyCompiler = (message: Message, context: CompileContext) => LoadBalancerConfig;

const COMPILERS: Readonly<Record<string, PolicyCompiler>> = {
  [RoundRobinSchema.typeName]: (message, context) =>
    compileRoundRobin(message as RoundRobin, context),
  [LeastRequestSchema.typeName]: (message, context) =>
    compileLeastRequest(message as LeastRequest, context),
  [RandomSchema.typeName]: () => ({ kind: 'random', locality: DEFAULT_LOCALITY }),
  [RingHashSchema.typeName]: (message, context) => compileRingHash(message as RingHash, context),
  [MaglevSchema.typeName]: (message, context) => compileMaglev(message as Maglev, context),
};

/** Their names as people say them. */
export const KNOWN_POLICIES = ['round_robin', 'least_request', 'random', 'ring_hash', 'maglev'];

/** There is such a policy. */
export function isKnownPolicy(typeName: string): boolean {
  return Object.hasOwn(COMPILERS, typeName);
}

/** The compiled policy of a known type. */
export function compilePolicy(message: Message, context: CompileContext): LoadBalancerConfig {
  return (COMPILERS[message.$typeName] as PolicyCompiler)(message, context);
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
  const policy = leastRequest(message, context);
  return { ...policy, ...(scansAll === true ? { choiceCount: 0 } : {}), locality, slowStart };
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
