// Clusters whose endpoints are told by a server or a file, and what it tells.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import type {
  ClusterConfig,
  EdsConfig,
  EndpointConfig,
  EndpointPolicy,
} from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileConfigSource, refuseFederatedName } from './config-source.ts';
import { compileDropOverload } from './drop-overload.ts';
import { compileEndpoints } from './endpoints.ts';
import { durationMs } from './field-values.ts';
import { deepFreeze } from './freeze.ts';
import { DEFAULT_OVERPROVISIONING_PERCENT } from './priority-rules.ts';

const ASSIGNMENT_URL = `type.googleapis.com/${ClusterLoadAssignmentSchema.typeName}`;

/** A ClusterLoadAssignment that came by itself. */
export interface AssignmentConfig {
  readonly serviceName: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly policy: EndpointPolicy;
  /** Without news for so long the endpoints are dropped; 0: never. */
  readonly staleAfterMs: number;
}

/** Where an EDS cluster's endpoints come from; null for other clusters, and when it was refused. */
export function compileEds(
  message: Cluster,
  discovery: ClusterConfig['discovery'] | null,
  context: CompileContext,
): EdsConfig | null {
  const { edsClusterConfig: eds, name } = message;
  if (discovery !== 'eds') {
    if (eds !== undefined)
      context.reject('eds_cluster_config', 'eds_cluster_config set in a non-EDS cluster');
    return null;
  }
  if (message.loadAssignment !== undefined) {
    context.warn('load_assignment', 'has no effect: endpoints come from eds_cluster_config');
  }
  if (eds?.edsConfig === undefined) {
    const rule = 'cannot create an EDS cluster without an EDS config';
    context.reject('eds_cluster_config', `${rule}: give eds_config, such as {ads: {}}`);
    return null;
  }
  const serviceName = eds.serviceName === '' ? name : eds.serviceName;
  const at = context.at('eds_cluster_config');
  refuseFederatedName(serviceName, 'service_name', at);
  const source = compileConfigSource(eds.edsConfig, ASSIGNMENT_URL, at.at('eds_config'));
  return source === null ? null : { serviceName, source };
}

/** A compiled, frozen assignment; null when anything in it was refused. */
export function compileAssignment(
  message: ClusterLoadAssignment,
  context: CompileContext,
): AssignmentConfig | null {
  const { policy } = message;
  const endpoints = compileEndpoints(message, 'static', context);
  const stale = { path: 'policy.endpoint_stale_after', value: policy?.endpointStaleAfter };
  const config = {
    serviceName: message.clusterName,
    endpoints,
    policy: {
      overprovisioningPercent: policy?.overprovisioningFactor ?? DEFAULT_OVERPROVISIONING_PERCENT,
      isHealthWeighted: policy?.weightedPriorityHealth ?? false,
      dropOverload: compileDropOverload(message, context, 'policy.drop_overloads'),
    },
    staleAfterMs: durationMs(context, stale, 0),
  };
  return context.failed ? null : deepFreeze(config);
}
