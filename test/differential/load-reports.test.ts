// Load reports (LRS) beside Envoy: what a server is sent when it asks for clusters, for localities,
// for endpoints, and what is counted.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, toBinary, toJson } from '@bufbuild/protobuf';
import t, { type Test } from 'tap';
import { ClusterStatsSchema } from '../../proxy/api/gen/envoy/config/endpoint/v3/load_report_pb.js';
import {
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../proxy/api/gen/envoy/service/load_stats/v3/lrs_pb.js';
import type { ServedStream } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { reportOf, reportsOf } from '../support/report-streams.ts';
import { playToBoth, type ServedTwin, serverCluster } from '../support/served-twins.ts';
import { httpListener, virtualHost } from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

/** Answers what the path asks for. */
async function startUpstream(t: Test): Promise<number> {
  const server = http.createServer(KEPT, ({ url }, response) => {
    const metrics = { 'endpoint-load-metrics': 'TEXT named_metrics.queue=2,cpu_utilization=0.5' };
    if (url === '/orca') response.writeHead(200, metrics).end();
    else if (url !== '/wait') response.writeHead(Number(url?.slice(1))).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function bootstrap(port: number, upstream: number): Record<string, unknown> {
  const address = (number: number) => ({
    socket_address: { address: '127.0.0.1', port_value: number },
  });
  const lb_endpoints = [{ endpoint: { address: address(upstream) } }];
  const localities = [
    { locality: { region: 'us', zone: 'west' }, lb_endpoints, load_balancing_weight: 1 },
  ];
  const drop_percentage = { numerator: 100, denominator: 'HUNDRED' };
  const clusters = [
    {
      ...{ name: 'a', type: 'STATIC', connect_timeout: '5s' },
      lrs_report_endpoint_metrics: ['named_metrics.*', 'mem_utilization'],
      load_assignment: { cluster_name: 'service', endpoints: localities },
    },
    {
      ...{ name: 'dropping', type: 'STATIC', connect_timeout: '5s' },
      load_assignment: {
        cluster_name: 'dropping',
        endpoints: [{ lb_endpoints }],
        policy: { drop_overloads: [{ category: 'throttled', drop_percentage }] },
      },
    },
    {
      ...{ name: 'dead', type: 'STATIC', connect_timeout: '5s' },
      load_assignment: {
        cluster_name: 'dead',
        endpoints: [{ lb_endpoints: [{ endpoint: { address: address(1) } }] }],
      },
    },
  ];
  const routes = ['dropping', 'dead'].map((cluster) => ({
    match: { prefix: `/${cluster}` },
    route: { cluster },
  }));
  const toA = { match: { prefix: '/' }, route: { cluster: 'a', timeout: '0s' } };
  const listener = httpListener('in', { virtual_hosts: [virtualHost(['*'], [...routes, toA])] });
  const service = { envoy_grpc: { cluster_name: 'lrs' } };
  return {
    node: { id: 'node', cluster: 'test', locality: { region: 'us' } },
    static_resources: {
      listeners: [listener],
      clusters: [serverCluster('lrs', port), ...clusters],
    },
    cluster_manager: {
      load_stats_config: {
        ...{ api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [service] },
      },
    },
  };
}

function ask(stream: ServedStream, fields: Omit<Partial<LoadStatsResponse>, '$typeName'>): void {
  const interval = { loadReportingInterval: { seconds: 0n, nanos: 150_000_000 } };
  const message = create(LoadStatsResponseSchema, { ...interval, ...fields });
  stream.sendOctets(toBinary(LoadStatsResponseSchema, message));
}

async function portOf(admin: string): Promise<number> {
  const text = await (await fetch(`${admin}/listeners`)).text();
  return Number(/^in::.*:(\d+)$/m.exec(text)?.[1]);
}

/** What reports from `first` on say of each cluster, without times and ports. */
function seen(stream: ServedStream, first: number): unknown {
  const parts = new Set<string>();
  for (const { clusterStats } of reportsOf(stream, LoadStatsRequestSchema).slice(first)) {
    for (const stats of clusterStats) {
      for (const { loadMetricStats } of stats.upstreamLocalityStats) {
        loadMetricStats.sort((a, b) => (a.metricName < b.metricName ? -1 : 1));
      }
      // Envoy counts its own streams to servers in their cluster.
      if (stats.clusterName === 'lrs') stats.upstreamLocalityStats = [];
      const { load_report_interval: _time, ...rest } = toJson(ClusterStatsSchema, stats, {
        useProtoFieldName: true,
      }) as Record<string, unknown>;
      parts.add(JSON.stringify(rest).replace(/"port_value":\d{2,}/g, '"port_value":0'));
    }
  }
  return [...parts].sort().map((part) => JSON.parse(part));
}

/** Sums over reports from `first` on: where one ends is a matter of time. */
function summed(stream: ServedStream, first: number): unknown {
  const sums: Record<string, number> = {};
  const add = (key: string, count: bigint | number) => {
    if (Number(count) > 0) sums[key] = (sums[key] ?? 0) + Number(count);
  };
  const reports = reportsOf(stream, LoadStatsRequestSchema).slice(first);
  for (const stats of reports.flatMap(({ clusterStats }) => clusterStats)) {
    const { clusterName } = stats;
    add(`${clusterName} dropped`, stats.totalDroppedRequests);
    for (const { category, droppedCount } of stats.droppedRequests) {
      add(`${clusterName} dropped ${category}`, droppedCount);
    }
    for (const each of stats.upstreamLocalityStats) {
      const place = `${clusterName} ${each.locality?.region}/${each.locality?.zone}`;
      add(`${place} success`, each.totalSuccessfulRequests);
      add(`${place} error`, each.totalErrorRequests);
      add(`${place} issued`, each.totalIssuedRequests);
      for (const metric of each.loadMetricStats) {
        add(`${place} ${metric.metricName}`, metric.totalMetricValue);
        add(`${place} ${metric.metricName} count`, metric.numRequestsFinishedWithMetric);
      }
    }
  }
  return sums;
}

/** Until two reports came that began after this. */
async function reported(stream: ServedStream): Promise<void> {
  const before = stream.octets.length;
  await eventually(() => stream.octets.length >= before + 2);
}

async function script({ admin, plane }: ServedTwin) {
  const stream = await plane.stream(0);
  const first = await reportOf(stream, LoadStatsRequestSchema, 1);
  const { clientFeatures = [], id, locality } = first.node ?? {};
  const log: unknown[] = [stream.method, id, locality?.region, first.clusterStats];
  log.push(clientFeatures.filter((name) => name.includes('lrs')));
  const port = await portOf(await admin);
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  await get('/200');
  ask(stream, { clusters: ['a', 'missing', 'dropping', 'dead'] });
  await reported(stream);
  log.push(['nothing happened', seen(stream, 1)]);
  const all = async (paths: readonly string[]) => {
    const from = stream.octets.length;
    for (const path of paths) await get(path);
    await reported(stream);
    return [paths, summed(stream, from)];
  };
  log.push(await all(['/200', '/404', '/500', '/200', '/dropping', '/dropping', '/dead', '/orca']));
  const waiting = new AbortController();
  fetch(`http://127.0.0.1:${port}/wait`, { signal: waiting.signal }).catch(() => undefined);
  await eventually(() => {
    const last = reportsOf(stream, LoadStatsRequestSchema).at(-1)?.clusterStats ?? [];
    const [locality] = last.flatMap(({ upstreamLocalityStats }) => upstreamLocalityStats);
    return locality?.totalRequestsInProgress === 1n && locality.totalIssuedRequests === 0n;
  });
  const from = stream.octets.length;
  await reported(stream);
  log.push(['one waits', seen(stream, from)]);
  ask(stream, { sendAllClusters: true, reportEndpointGranularity: true });
  await reported(stream);
  const later = stream.octets.length;
  await reported(stream);
  log.push(['all, with endpoints', seen(stream, later)]);
  waiting.abort();
  const last = await reportOf(stream, LoadStatsRequestSchema, stream.octets.length);
  const microseconds = last.clusterStats.map(
    ({ loadReportInterval: it }) => Number(it?.seconds) * 1e6 + Number(it?.nanos) / 1000,
  );
  log.push(microseconds.every((each) => each > 140_000 && Number.isInteger(each)));
  log.push(last.clusterStats.map(({ clusterName }) => clusterName).sort());
  log.push(last.node?.id);
  const stats = await (await fetch(`${await admin}/stats?filter=load_reporter`)).text();
  log.push(
    stats
      .trim()
      .split('\n')
      .map((line) => line.replace(/(responses: )\d+/, '$1n'))
      .sort(),
  );
  return log;
}

t.test('reports as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const upstream = await startUpstream(t);
  const { envoy, ours } = await playToBoth((port) => bootstrap(port, upstream), script);
  t.same(ours, envoy);
});
