// cluster.v3.Cluster of type ORIGINAL_DST: where its connections find out where they go.
import {
  type Cluster,
  Cluster_LbPolicy as LbPolicy,
  type Cluster_OriginalDstLbConfig as OriginalDstLbConfig,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterConfig, OriginalDstConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { durationMs } from './field-values.ts';

/** Envoy cluster.v3.Cluster.cleanup_interval. Shorter makes hosts anew, longer keeps more of them. */
export const DEFAULT_CLEANUP_INTERVAL_MS = 5000;
/** Envoy cluster.v3.Cluster.OriginalDstLbConfig.http_header_name. */
export const DEFAULT_ORIGINAL_DST_HEADER = 'x-envoy-original-dst-host';

/** null for clusters of another type; what is refused goes to `context`. */
export function compileOriginalDst(
  message: Cluster,
  discovery: ClusterConfig['discovery'] | null,
  context: CompileContext,
): OriginalDstConfig | null {
  if (discovery !== 'original-dst') return null;
  if (message.lbPolicy !== LbPolicy.CLUSTER_PROVIDED) {
    const policy = `LB policy ${LbPolicy[message.lbPolicy]} is not valid for Cluster type ORIGINAL_DST`;
    const only = "Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'";
    context.reject('lb_policy', `cluster: ${policy}. ${only}`);
  }
  if (message.loadAssignment !== undefined) {
    const rule = 'ORIGINAL_DST clusters must have no load assignment configured';
    context.reject('load_assignment', rule);
  }
  const { lbConfig } = message;
  const fields = lbConfig.case === 'originalDstLbConfig' ? lbConfig.value : null;
  const cleanup = { path: 'cleanup_interval', value: message.cleanupInterval };
  return {
    httpHeader: headerName(fields, context.at('original_dst_lb_config')),
    portOverride: fields?.upstreamPortOverride ?? null,
    cleanupIntervalMs: durationMs(context, cleanup, DEFAULT_CLEANUP_INTERVAL_MS),
  };
}

function headerName(fields: OriginalDstLbConfig | null, context: CompileContext): string {
  const name = fields?.httpHeaderName ?? '';
  if (fields?.useHttpHeader === true) {
    return name === '' ? DEFAULT_ORIGINAL_DST_HEADER : name.toLowerCase();
  }
  if (name === '') return '';
  const rule = `invalid config http_header_name=${name} and use_http_header is false`;
  const advice = 'Set use_http_header to true if http_header_name is desired.';
  context.reject('http_header_name', `ORIGINAL_DST cluster: ${rule}. ${advice}`);
  return '';
}
