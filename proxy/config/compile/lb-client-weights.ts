// client_side_weighted_round_robin.v3, by itself or as the endpoint policy of wrr_locality.v3.
import type { ClientSideWeightedRoundRobin } from '../../api/gen/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { ClientWeightsConfig, LoadBalancerConfig } from '../../model/load-balancing.ts';
import { durationMs } from './field-values.ts';
import { compileLocalityRules, compileSlowStart } from './lb-policy-parts.ts';

/** Envoy ClientSideWeightedRoundRobin.blackout_period, weight_expiration_period, weight_update_period. */
const DEFAULT_BLACKOUT_MS = 10_000;
const DEFAULT_EXPIRATION_MS = 180_000;
const DEFAULT_UPDATE_MS = 1000;
/** Shorter periods count as this. */
const LEAST_UPDATE_MS = 100;
/** Envoy ClientSideWeightedRoundRobin.error_utilization_penalty: 1 by its documentation, 0 in 1.40. */
const DEFAULT_ERROR_PENALTY = 0;

/** Weights from load reports; localities are looked at as round robin does by default. */
export function compileClientWeights(
  message: ClientSideWeightedRoundRobin,
  context: CompileContext,
): ClientWeightsConfig {
  if (message.enableOobLoadReport === true) {
    const rule = 'is not supported: reports are read from responses';
    context.reject(
      'enable_oob_load_report',
      `${rule}; leave it out and let upstreams send them so`,
    );
  }
  const ms = (path: string, value: typeof message.blackoutPeriod, byDefault: number): number =>
    durationMs(context, { path, value }, byDefault);
  const updateMs = ms('weight_update_period', message.weightUpdatePeriod, DEFAULT_UPDATE_MS);
  return {
    kind: 'client-side-weighted-round-robin',
    locality: compileLocalityRules(undefined, context),
    slowStart: compileSlowStart(message.slowStartConfig, context),
    blackoutMs: ms('blackout_period', message.blackoutPeriod, DEFAULT_BLACKOUT_MS),
    expirationMs: ms(
      'weight_expiration_period',
      message.weightExpirationPeriod,
      DEFAULT_EXPIRATION_MS,
    ),
    updateMs: Math.max(LEAST_UPDATE_MS, updateMs),
    metricNames: [...message.metricNamesForComputingUtilization],
    errorPenalty: message.errorUtilizationPenalty ?? DEFAULT_ERROR_PENALTY,
  };
}

/** wrr_locality: localities share by their weights, hosts by their reports. */
export function localityWeighted(
  policy: LoadBalancerConfig | null,
  context: CompileContext,
): LoadBalancerConfig | null {
  if (policy === null) return null;
  if (policy.kind === 'client-side-weighted-round-robin') {
    return { ...policy, locality: { kind: 'weighted' } };
  }
  const rule =
    'only supports ClientSideWeightedRoundRobinLoadBalancer as its endpoint picking policy';
  context.reject('endpoint_picking_policy', `Currently WrrLocalityLoadBalancer ${rule}.`);
  return null;
}
