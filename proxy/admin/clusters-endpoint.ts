// /clusters: every cluster with its hosts, as text or as admin.v3.Clusters.
import { compileSafeRegex } from '../base/safe-regex.ts';
import { formatG } from '../stats/text.ts';
import { HEALTH_FLAG, printFlags } from '../upstream/host-health.ts';
import { addressJson } from './address-json.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  jsonReply,
  textReply,
} from './endpoint.ts';
import { lineText } from './line-text.ts';
import type { ClusterLimits, ClusterStatus, HostStatus, OutlierStatus } from './status.ts';

/** Upstream cluster status. */
export const CLUSTERS_ENDPOINT: Endpoint = {
  path: '/clusters',
  help: 'upstream cluster status',
  params: [
    {
      id: 'filter',
      help: 'Regular expression (Google re2) for filtering clusters by name',
      options: [],
    },
    { id: 'format', help: 'File format to use', options: ['text', 'json'] },
  ],
  mutates: false,
  handle: handleClusters,
};

/** Fields of admin.v3.HostHealthStatus for flags that are not the endpoints'. */
const HEALTH_FIELDS: readonly (readonly [flag: number, name: string])[] = [
  [HEALTH_FLAG.failedActiveCheck, 'failed_active_health_check'],
  [HEALTH_FLAG.failedOutlierCheck, 'failed_outlier_check'],
  [HEALTH_FLAG.degradedActiveCheck, 'failed_active_degraded_check'],
  [HEALTH_FLAG.pendingDynamicRemoval, 'pending_dynamic_removal'],
  [HEALTH_FLAG.pendingActiveCheck, 'pending_active_hc'],
  [HEALTH_FLAG.excludedByImmediateFailure, 'excluded_via_immediate_hc_fail'],
  [HEALTH_FLAG.activeCheckTimeout, 'active_hc_timeout'],
];

async function handleClusters(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const pattern = request.params.get('filter') ?? '';
  const filter = pattern === '' ? null : compileSafeRegex(pattern);
  if (filter !== null && 'error' in filter) return textReply('Invalid re2 regex', 400);
  const all = await context.backend.clusters();
  const clusters = all.filter((cluster) => filter === null || filter.find(cluster.name));
  if (request.params.get('format') === 'json') {
    return jsonReply({ cluster_statuses: clusters.map(clusterJson) });
  }
  return textReply(clusters.map(clusterText).join(''));
}

function clusterText(cluster: ClusterStatus): string {
  const lines = [
    `observability_name::${cluster.observabilityName}`,
    ...outlierText(cluster.outlier),
    ...limitsText('default_priority', cluster.limits),
    ...limitsText('high_priority', cluster.highPriorityLimits),
    `added_via_api::${cluster.addedViaApi}`,
    ...cluster.hosts.flatMap(hostText),
  ];
  return lines.map((line) => `${lineText(`${cluster.name}::${line}`)}\n`).join('');
}

function outlierText(outlier: OutlierStatus | null): readonly string[] {
  if (outlier === null) return [];
  return [
    `outlier::success_rate_average::${formatG(outlier.successRateAverage)}`,
    `outlier::success_rate_ejection_threshold::${formatG(outlier.successRateThreshold)}`,
    `outlier::local_origin_success_rate_average::${formatG(outlier.localOriginAverage)}`,
    `outlier::local_origin_success_rate_ejection_threshold::${formatG(outlier.localOriginThreshold)}`,
  ];
}

function limitsText(priority: string, limits: ClusterLimits): readonly string[] {
  return [
    `${priority}::max_connections::${limits.maxConnections}`,
    `${priority}::max_pending_requests::${limits.maxPendingRequests}`,
    `${priority}::max_requests::${limits.maxRequests}`,
    `${priority}::max_retries::${limits.maxRetries}`,
  ];
}

function hostText(host: HostStatus): readonly string[] {
  const values: readonly (readonly [string, string | number | boolean])[] = [
    ['cx_active', host.cxActive],
    ['cx_connect_fail', host.cxConnectFail],
    ['cx_total', host.cxTotal],
    ['rq_active', host.rqActive],
    ['rq_error', host.rqError],
    ['rq_pending_active', host.rqPendingActive],
    ['rq_success', host.rqSuccess],
    ['rq_timeout', host.rqTimeout],
    ['rq_total', host.rqTotal],
    ['hostname', host.hostname],
    ['health_flags', printFlags(host.healthFlags)],
    ['weight', host.weight],
    ['region', host.locality.region],
    ['zone', host.locality.zone],
    ['sub_zone', host.locality.subZone],
    ['canary', host.isCanary],
    ['priority', host.priority],
    ['success_rate', formatG(host.successRate)],
    ['local_origin_success_rate', formatG(host.localOriginSuccessRate)],
  ];
  return values.map(([name, value]) => `${host.address}::${name}::${value}`);
}

/** Fields that hold their default are left out, as in ProtoJSON. */
function clusterJson(cluster: ClusterStatus): object {
  const { highPriorityLimits: high, outlier } = cluster;
  return {
    name: cluster.name,
    ...(cluster.addedViaApi ? { added_via_api: true } : {}),
    ...percentJson('success_rate_ejection_threshold', outlier?.successRateThreshold ?? -1),
    ...percentJson(
      'local_origin_success_rate_ejection_threshold',
      outlier?.localOriginThreshold ?? -1,
    ),
    ...(cluster.hosts.length > 0 ? { host_statuses: cluster.hosts.map(hostJson) } : {}),
    circuit_breakers: {
      thresholds: [limitsJson(cluster.limits), { priority: 'HIGH', ...limitsJson(high) }],
    },
    observability_name: cluster.observabilityName,
  };
}

function limitsJson(limits: ClusterLimits): object {
  return {
    max_connections: limits.maxConnections,
    max_pending_requests: limits.maxPendingRequests,
    max_requests: limits.maxRequests,
    max_retries: limits.maxRetries,
  };
}

function hostJson(host: HostStatus): object {
  const { region, zone, subZone } = host.locality;
  return {
    address: addressJson(host.address),
    stats: [
      counterJson('cx_connect_fail', host.cxConnectFail),
      counterJson('cx_total', host.cxTotal),
      counterJson('rq_error', host.rqError),
      counterJson('rq_success', host.rqSuccess),
      counterJson('rq_timeout', host.rqTimeout),
      counterJson('rq_total', host.rqTotal),
      { type: 'GAUGE', ...counterJson('cx_active', host.cxActive) },
      { type: 'GAUGE', ...counterJson('rq_active', host.rqActive) },
      { type: 'GAUGE', ...counterJson('rq_pending_active', host.rqPendingActive) },
    ],
    health_status: healthJson(host.healthFlags),
    ...percentJson('success_rate', host.successRate),
    ...percentJson('local_origin_success_rate', host.localOriginSuccessRate),
    weight: host.weight,
    ...(host.hostname === '' ? {} : { hostname: host.hostname }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    locality: {
      ...(region === '' ? {} : { region }),
      ...(zone === '' ? {} : { zone }),
      ...(subZone === '' ? {} : { sub_zone: subZone }),
    },
  };
}

/** admin.v3.HostHealthStatus: a field for each reason, and one for what the endpoints say. */
function healthJson(flags: number): object {
  const set = HEALTH_FIELDS.filter(([flag]) => (flags & flag) !== 0);
  return {
    ...Object.fromEntries(set.map(([, name]) => [name, true])),
    eds_health_status: edsStatus(flags),
  };
}

function edsStatus(flags: number): string {
  if ((flags & HEALTH_FLAG.failedEds) !== 0) return 'UNHEALTHY';
  if ((flags & HEALTH_FLAG.degradedEds) !== 0) return 'DEGRADED';
  return (flags & HEALTH_FLAG.edsDraining) === 0 ? 'HEALTHY' : 'DRAINING';
}

/** type.v3.Percent; none where nothing is known. */
function percentJson(name: string, percent: number): object {
  return percent < 0 ? {} : { [name]: { value: percent } };
}

function counterJson(name: string, value: number): object {
  return value === 0 ? { name } : { value: String(value), name };
}
