// Cluster.preconnect_policy and the fields that say who shares upstream connections.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { PoolRulesConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { LoadBalancerConfig } from '../../model/load-balancing.ts';

/** `loadBalancer`: null where it was refused. */
export function compilePoolRules(
  message: Cluster,
  loadBalancer: LoadBalancerConfig | null,
  context: CompileContext,
): PoolRulesConfig {
  const { preconnectPolicy, commonLbConfig } = message;
  const predictiveRatio = preconnectPolicy?.predictivePreconnectRatio ?? 1;
  const kind = loadBalancer?.kind ?? 'random';
  if (predictiveRatio > 1 && kind !== 'random' && kind !== 'round-robin') {
    context.warn(
      'preconnect_policy.predictive_preconnect_ratio',
      'the next hosts are known of round_robin and random only; set per_upstream_preconnect_ratio',
    );
  }
  return {
    preconnectRatio: preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
    predictiveRatio,
    isPerDownstream: message.connectionPoolPerDownstreamConnection,
    closesOnHostSetChange: commonLbConfig?.closeConnectionsOnHostSetChange ?? false,
  };
}
