import type { JsonValue } from '@bufbuild/protobuf';
import { create, fromJson } from '@bufbuild/protobuf';
import t from 'tap';
import { NodeSchema } from '../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import { ApiConfigSourceSchema } from '../../proxy/api/gen/envoy/config/core/v3/config_source_pb.js';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { SYSTEM_CLOCK } from '../../proxy/server/system-clock.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { openApiSource } from '../../proxy/xds/open-api-source.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { RestServer, responseJson } from '../support/discovery-rigs.ts';
import { eventually } from '../support/eventually.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** Opens what a configuration says; clusters are called by their ports. */
function opened(api: JsonValue, isAggregated = false) {
  const loop = new EventLoop(SYSTEM_CLOCK);
  const stats = new StatsStore(null);
  const source = openApiSource({
    api: fromJson(ApiConfigSourceSchema, api),
    isAggregated,
    node: create(NodeSchema, { id: 'node' }),
    clusterOf: (name) => ({
      targets: () => [{ kind: 'tcp', host: '127.0.0.1', port: Number(name) }],
      tls: () => null,
      connectTimeoutMs: 10_000,
      keepalive: null,
    }),
    googleOf: () => {
      throw new Error('unexpected google_grpc');
    },
    clock: loop,
    timers: loop.timers,
    random: seededRandom(1),
    log: SILENT_LOG.logger('config'),
    stats,
  });
  const log = new DiscoveryLog();
  const watch = (typeUrl: string) => {
    const scope = stats.scope(typeUrl.slice(typeUrl.lastIndexOf('.') + 1));
    const names = new Set([ALL_NAMES]);
    source.subscribe({ typeUrl, names, fetchTimeoutMs: 0, stats: scope }, log);
  };
  return { source, log, watch, gauges: () => stats.snapshot().gauges };
}

const service = (port: number) => ({ envoy_grpc: { cluster_name: `${port}` } });

t.test('one stream for all types of an aggregated server', async (t) => {
  const plane = await ControlPlane.listen();
  const initial_metadata = [{ key: 'clusterid', value: 'k' }];
  const grpc_services = [{ ...service(plane.port), initial_metadata }];
  const { gauges, source, watch } = opened({ api_type: 'DELTA_GRPC', grpc_services }, true);
  t.teardown(() => {
    source.close();
    plane.close();
  });
  watch(TYPE_URLS.cluster);
  watch(TYPE_URLS.listener);
  const stream = await plane.stream(0);
  await stream.deltaRequest(2);
  t.match(stream.method, /DeltaAggregatedResources$/);
  t.same(stream.metadata.get('clusterid'), ['k']);
  t.equal(gauges()['control_plane.connected_state'], 1);
});

t.test('a stream for each type of another server, counted below its subscription', async (t) => {
  const plane = await ControlPlane.listen();
  const grpc_services = [service(plane.port)];
  const { gauges, source, watch } = opened({ api_type: 'GRPC', grpc_services });
  t.teardown(() => {
    source.close();
    plane.close();
  });
  watch(TYPE_URLS.cluster);
  watch(TYPE_URLS.listener);
  const methods = [(await plane.stream(0)).method, (await plane.stream(1)).method].sort();
  t.match(methods, [/StreamClusters$/, /StreamListeners$/]);
  t.equal(gauges()['Cluster.control_plane.connected_state'], 1);
});

t.test('goes to the second service while the first has never answered', async (t) => {
  const [gone, plane] = [await ControlPlane.listen(), await ControlPlane.listen()];
  gone.close();
  const retry_policy = { retry_back_off: { base_interval: '0.005s' } };
  const grpc_services = [{ ...service(gone.port), retry_policy }, service(plane.port)];
  const { source, watch } = opened({ api_type: 'GRPC', grpc_services }, true);
  t.teardown(() => {
    source.close();
    plane.close();
  });
  watch(TYPE_URLS.cluster);
  await (await plane.stream(0)).request(1);
  t.ok(source.isConnected);
});

t.test('polls a REST server', async (t) => {
  const server = new RestServer();
  await server.listen();
  server.body = responseJson(TYPE_URLS.cluster, '1', []);
  const cluster_names = [`${server.port}`];
  const { log, source, watch } = opened({
    api_type: 'REST',
    cluster_names,
    refresh_delay: '0.01s',
  });
  t.teardown(() => {
    source.close();
    server.close();
  });
  watch(TYPE_URLS.cluster);
  await eventually(() => log.told.length > 1);
  t.equal(server.requests[0]?.node?.id, 'node');
});

t.test('a type may be paused before anybody subscribes to it', async (t) => {
  const plane = await ControlPlane.listen();
  const grpc_services = [service(plane.port)];
  const { gauges, source, watch } = opened({ api_type: 'GRPC', grpc_services });
  t.teardown(() => {
    source.close();
    plane.close();
  });
  const resume = source.pause(TYPE_URLS.listener);
  const other = source.pause(TYPE_URLS.listener);
  t.notOk('control_plane.connected_state' in gauges(), 'nothing counts for nobody');
  watch(TYPE_URLS.listener);
  watch(TYPE_URLS.cluster);
  await eventually(() => plane.streams.length === 2);
  const all = () => plane.streams.flatMap(({ requests }) => requests.map((each) => each.typeUrl));
  await eventually(() => all().length === 1);
  resume();
  t.same(all(), [TYPE_URLS.cluster]);
  other();
  await eventually(() => all().length === 2);
});
