// What workers counted, as the messages of LRS say it: summed over workers, grouped by locality.
import { create } from '@bufbuild/protobuf';
import {
  type ClusterStats,
  type ClusterStats_DroppedRequests,
  ClusterStats_DroppedRequestsSchema,
  ClusterStatsSchema,
  type EndpointLoadMetricStats,
  EndpointLoadMetricStatsSchema,
  type UpstreamEndpointStats,
  UpstreamEndpointStatsSchema,
  type UpstreamLocalityStats,
  UpstreamLocalityStatsSchema,
} from '../../api/gen/envoy/config/endpoint/v3/load_report_pb.js';
import { PIPE_PORT } from '../../base/address.ts';
import type { ClusterLoad, EndpointLoad } from '../../upstream/load-counts.ts';
import type { MetricLoad } from '../../upstream/reported-metrics.ts';

/** One cluster's part of a report. */
export interface ReportedCluster {
  readonly name: string;
  /** EdsClusterConfig.service_name; '' : none. */
  readonly serviceName: string;
  /** What workers said, one after the other. */
  readonly loads: readonly ClusterLoad[];
  /** Since the last report of it, or since it is reported. */
  readonly intervalMs: number;
  /** LoadStatsResponse.report_endpoint_granularity */
  readonly tellsEndpoints: boolean;
}

/** ClusterStats as Envoy sends them: localities in order of priority and name. */
export function clusterStats(reported: ReportedCluster): ClusterStats {
  const { intervalMs, loads, name, serviceName, tellsEndpoints } = reported;
  return create(ClusterStatsSchema, {
    clusterName: name,
    clusterServiceName: serviceName,
    upstreamLocalityStats: localitiesOf(loads).map((each) => localityStats(each, tellsEndpoints)),
    totalDroppedRequests: BigInt(loads.reduce((sum, { dropped }) => sum + dropped, 0)),
    droppedRequests: droppedRequests(loads),
    loadReportInterval: {
      seconds: BigInt(Math.floor(intervalMs / 1000)),
      nanos: Math.round((intervalMs % 1000) * 1000) * 1000,
    },
  });
}

function droppedRequests(loads: readonly ClusterLoad[]): ClusterStats_DroppedRequests[] {
  const sums = new Map<string, number>();
  for (const { dropCategory, dropped } of loads) {
    if (dropped > 0) sums.set(dropCategory, (sums.get(dropCategory) ?? 0) + dropped);
  }
  return [...sums].map(([category, count]) =>
    create(ClusterStats_DroppedRequestsSchema, { category, droppedCount: BigInt(count) }),
  );
}

/** Endpoints that are alike, summed over workers; by priority, then by locality. */
function localitiesOf(loads: readonly ClusterLoad[]): readonly (readonly EndpointLoad[])[] {
  const groups = new Map<string, Map<string, EndpointLoad>>();
  for (const endpoint of loads.flatMap(({ endpoints }) => endpoints)) {
    const { ip, locality, port, priority } = endpoint;
    const { region, subZone, zone } = locality;
    const key = [String(priority).padStart(3, '0'), region, zone, subZone].join('\u0000');
    const group = groups.get(key) ?? new Map<string, EndpointLoad>();
    groups.set(key, group);
    const address = `${ip} ${port}`;
    const known = group.get(address);
    group.set(address, known === undefined ? endpoint : sumOf(known, endpoint));
  }
  return [...groups]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, group]) => [...group.values()]);
}

function sumOf(left: EndpointLoad, right: EndpointLoad): EndpointLoad {
  return {
    ...left,
    success: left.success + right.success,
    error: left.error + right.error,
    issued: left.issued + right.issued,
    active: left.active + right.active,
    metrics: [...left.metrics, ...right.metrics],
  };
}

function localityStats(
  endpoints: readonly EndpointLoad[],
  tellsEndpoints: boolean,
): UpstreamLocalityStats {
  const [first] = endpoints;
  const sum = endpoints.reduce(sumOf);
  return create(UpstreamLocalityStatsSchema, {
    locality: first?.locality ?? {},
    priority: first?.priority ?? 0,
    ...requestCounts(sum),
    loadMetricStats: metricStats(sum.metrics),
    upstreamEndpointStats: tellsEndpoints ? endpoints.map(endpointStats) : [],
  });
}

function endpointStats(endpoint: EndpointLoad): UpstreamEndpointStats {
  const { ip, port } = endpoint;
  return create(UpstreamEndpointStatsSchema, {
    address:
      port === PIPE_PORT
        ? { address: { case: 'pipe', value: { path: ip } } }
        : {
            address: {
              case: 'socketAddress',
              value: { address: ip, portSpecifier: { case: 'portValue', value: port } },
            },
          },
    ...requestCounts(endpoint),
    loadMetricStats: metricStats(endpoint.metrics),
  });
}

function requestCounts({ active, error, issued, success }: EndpointLoad) {
  return {
    totalSuccessfulRequests: BigInt(success),
    totalErrorRequests: BigInt(error),
    totalIssuedRequests: BigInt(issued),
    totalRequestsInProgress: BigInt(active),
  };
}

function metricStats(metrics: readonly MetricLoad[]): EndpointLoadMetricStats[] {
  const sums = new Map<string, { count: number; total: number }>();
  for (const { count, name, total } of metrics) {
    const sum = sums.get(name) ?? { count: 0, total: 0 };
    sums.set(name, { count: sum.count + count, total: sum.total + total });
  }
  return [...sums].map(([metricName, { count, total }]) =>
    create(EndpointLoadMetricStatsSchema, {
      metricName,
      numRequestsFinishedWithMetric: BigInt(count),
      totalMetricValue: total,
    }),
  );
}
