// How a cluster chooses among its hosts: lb_policy, or load_balancing_policy in its place.
import {
  type Cluster,
  Cluster_LbPolicy as LbPolicy,
  type LoadBalancingPolicy,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { RuntimeDouble } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type LeastRequest,
  LeastRequestSchema,
  LeastRequest_SelectionMethod as SelectionMethod,
} from '../../api/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js';
import { RandomSchema } from '../../api/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.js';
import { RoundRobinSchema } from '../../api/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js';
import type { LoadBalancerConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeNameOf } from '../schema/any.ts';
import { unpack } from './extension-lookup.ts';
import { enumMember } from './field-values.ts';

/** Envoy cluster.v3.Cluster.LeastRequestLbConfig.choice_count. */
export const DEFAULT_CHOICE_COUNT = 2;
/** Envoy cluster.v3.Cluster.LeastRequestLbConfig.active_request_bias: 0 ignores active requests. */
export const DEFAULT_ACTIVE_REQUEST_BIAS = 1;

const POLICY_KINDS: Readonly<Partial<Record<LbPolicy, LoadBalancerConfig['kind']>>> = {
  [LbPolicy.ROUND_ROBIN]: 'round-robin',
  [LbPolicy.LEAST_REQUEST]: 'least-request',
  [LbPolicy.RANDOM]: 'random',
};
const TYPE_KINDS: Readonly<Record<string, LoadBalancerConfig['kind']>> = {
  [RoundRobinSchema.typeName]: 'round-robin',
  [LeastRequestSchema.typeName]: 'least-request',
  [RandomSchema.typeName]: 'random',
};

/** The fields that both forms of a least-request configuration have. */
type LeastRequestFields = Pick<LeastRequest, 'choiceCount' | 'activeRequestBias'>;

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
    const rule = `cluster provided LB specified but cluster '${message.name}' did not provide one`;
    context.reject('lb_policy', `cluster manager: ${rule}: only ORIGINAL_DST does`);
    return null;
  }
  const choice = { value: message.lbPolicy, names: LbPolicy, table: POLICY_KINDS };
  const kind = enumMember(context, 'lb_policy', choice);
  if (kind !== 'least-request') return kind === null ? null : { kind };
  const { lbConfig } = message;
  const fields = lbConfig.case === 'leastRequestLbConfig' ? lbConfig.value : undefined;
  return leastRequest(fields, context);
}

/** Envoy takes the first policy of the list that it knows. */
function compilePolicyList(
  cluster: Cluster,
  message: LoadBalancingPolicy,
  context: CompileContext,
): LoadBalancerConfig | null {
  for (const [index, { typedExtensionConfig }] of message.policies.entries()) {
    const any = typedExtensionConfig?.typedConfig;
    const kind = any === undefined ? undefined : TYPE_KINDS[typeNameOf(any.typeUrl)];
    if (any === undefined || kind === undefined) continue;
    if (kind !== 'least-request') return { kind };
    const path = `load_balancing_policy.policies[${index}].typed_extension_config.typed_config`;
    const fields = unpack(any, context, path) as LeastRequest | null;
    return fields === null ? null : leastRequestPolicy(fields, context.at(path));
  }
  const names = message.policies.map(
    ({ typedExtensionConfig }) => typedExtensionConfig?.name ?? '',
  );
  const rule = "didn't find a registered load balancer factory implementation for cluster";
  const supported = 'round_robin, least_request and random are supported';
  const subject = `'${cluster.name}' with names from [${names.join(', ')}]`;
  context.reject('load_balancing_policy.policies', `cluster: ${rule}: ${subject}: ${supported}`);
  return null;
}

function leastRequestPolicy(fields: LeastRequest, context: CompileContext): LoadBalancerConfig {
  if (fields.selectionMethod === SelectionMethod.FULL_SCAN || fields.enableFullScan === true) {
    context.reject('selection_method', 'FULL_SCAN is not supported yet: use N_CHOICES');
  }
  return leastRequest(fields, context);
}

function leastRequest(
  fields: LeastRequestFields | undefined,
  context: CompileContext,
): LoadBalancerConfig {
  const bias = runtimeDouble(fields?.activeRequestBias, context);
  if (bias !== null && bias < 0) {
    context.reject('active_request_bias', `must not be negative, is ${bias}`);
  }
  return {
    kind: 'least-request',
    choiceCount: fields?.choiceCount ?? DEFAULT_CHOICE_COUNT,
    activeRequestBias: bias ?? DEFAULT_ACTIVE_REQUEST_BIAS,
  };
}

function runtimeDouble(message: RuntimeDouble | undefined, context: CompileContext): number | null {
  if (message === undefined) return null;
  const value = Number(context.environment.runtime.get(message.runtimeKey) ?? Number.NaN);
  return Number.isFinite(value) ? value : message.defaultValue;
}
