// /clusters: every cluster with its hosts, as text or as admin.v3.Clusters.
import { compileSafeRegex } from '../base/safe-regex.ts';
import { addressJson } from './address-json.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  jsonReply,
  textReply,
} from './endpoint.ts';
import type { ClusterLimits, ClusterStatus, HostStatus } from './status.ts';

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

/** config.cluster.v3.CircuitBreakers: what holds for a priority without thresholds. */
const DEFAULT_LIMITS: ClusterLimits = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
};

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
    ...limitsText('default_priority', cluster.limits),
    ...limitsText('high_priority', cluster.highPriorityLimits ?? DEFAULT_LIMITS),
    `added_via_api::${cluster.addedViaApi}`,
    ...cluster.hosts.flatMap(hostText),
  ];
  return lines.map((line) => `${cluster.name}::${line}\n`).join('');
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
    ['rq_pending_active', host.rqPendingActive ?? 0],
    ['rq_success', host.rqSuccess],
    ['rq_timeout', host.rqTimeout],
    ['rq_total', host.rqTotal],
    ['hostname', host.hostname],
    ['health_flags', host.healthFlags],
    ['weight', host.weight],
    ['region', host.locality.region],
    ['zone', host.locality.zone],
    ['sub_zone', host.locality.subZone],
    ['canary', false],
    ['priority', host.priority],
    // -1: no outlier detection has worked out a rate.
    ['success_rate', -1],
    ['local_origin_success_rate', -1],
  ];
  return values.map(([name, value]) => `${host.address}::${name}::${value}`);
}

/** Fields that hold their default are left out, as in ProtoJSON. */
function clusterJson(cluster: ClusterStatus): object {
  const high = cluster.highPriorityLimits ?? DEFAULT_LIMITS;
  return {
    name: cluster.name,
    ...(cluster.addedViaApi ? { added_via_api: true } : {}),
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
      { type: 'GAUGE', ...counterJson('rq_pending_active', host.rqPendingActive ?? 0) },
    ],
    health_status: { eds_health_status: host.health.toUpperCase() },
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

function counterJson(name: string, value: number): object {
  return value === 0 ? { name } : { value: String(value), name };
}
