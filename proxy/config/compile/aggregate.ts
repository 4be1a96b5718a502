// envoy.clusters.aggregate: a cluster that is made of others.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterConfig as AggregateMessage } from '../../api/gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import { isClusterProvided } from './load-balancer.ts';

/** Names of an aggregate's members; what is refused goes to `context`. */
export function compileAggregate(
  message: Cluster,
  members: AggregateMessage,
  context: CompileContext,
): readonly string[] {
  if (!isClusterProvided(message)) {
    const rule = `cluster provided LB not specified but cluster '${message.name}' provided one`;
    context.reject('lb_policy', `cluster manager: ${rule}: set CLUSTER_PROVIDED`);
  }
  if (message.lbSubsetConfig !== undefined && message.lbSubsetConfig.subsetSelectors.length > 0) {
    const rule = 'LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config';
    context.reject('lb_subset_config', `cluster: ${rule}: set it in the members`);
  }
  if (message.healthChecks.length > 0) {
    context.warn('health_checks', 'an aggregate has no hosts of its own: its members check theirs');
  }
  return members.clusters;
}
