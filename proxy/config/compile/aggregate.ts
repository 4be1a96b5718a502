// cluster.v3.Cluster.cluster_type: of the types that are extensions, envoy.clusters.aggregate.
import type {
  Cluster,
  Cluster_CustomClusterType as CustomClusterType,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  type ClusterConfig as AggregateMessage,
  ClusterConfigSchema,
} from '../../api/gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import { typeNameOf } from '../schema/any.ts';
import { unpack } from './extension-lookup.ts';
import { isClusterProvided } from './load-balancer.ts';

/** Names of an aggregate's members; null: the cluster is none, or a rejection says what is wrong. */
export function compileAggregate(
  message: Cluster,
  context: CompileContext,
): readonly string[] | null {
  const { clusterDiscoveryType: choice } = message;
  if (choice.case !== 'clusterType') return null;
  const at = context.at('cluster_type');
  if (!isClusterProvided(message)) {
    const rule = `cluster provided LB not specified but cluster '${message.name}' provided one`;
    context.reject('lb_policy', `cluster manager: ${rule}: set CLUSTER_PROVIDED`);
  }
  if (message.lbSubsetConfig !== undefined && message.lbSubsetConfig.subsetSelectors.length > 0) {
    const rule = 'LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config';
    context.reject('lb_subset_config', `cluster: ${rule}: set it in the members`);
  }
  const members = unpackAggregate(choice.value, at);
  if (members === null) return [];
  if (message.healthChecks.length > 0) {
    context.warn('health_checks', 'an aggregate has no hosts of its own: its members check theirs');
  }
  return members.clusters;
}

function unpackAggregate(
  { name, typedConfig }: CustomClusterType,
  context: CompileContext,
): AggregateMessage | null {
  const typeName = typeNameOf(typedConfig?.typeUrl ?? '');
  if (typedConfig === undefined || typeName !== ClusterConfigSchema.typeName) {
    const rule = `Didn't find a registered cluster factory implementation for name: '${name}'`;
    context.reject(
      '',
      `${rule}: only envoy.clusters.aggregate, with its typed_config, is supported`,
    );
    return null;
  }
  return unpack(typedConfig, context, 'typed_config') as AggregateMessage | null;
}
