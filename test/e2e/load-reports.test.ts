// Load reports of a whole proxy with several workers: every request is told of once, also those of a
// worker that was replaced.
import { create, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import {
  LoadStatsRequestSchema,
  LoadStatsResponseSchema,
} from '../../proxy/api/gen/envoy/service/load_stats/v3/lrs_pb.js';
import { ControlPlane } from '../support/control-plane.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { reportsOf } from '../support/report-streams.ts';
import { serverCluster } from '../support/served-twins.ts';
import { spawnServer } from '../support/spawn-server.ts';
import {
  bootstrapOf,
  httpListener,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

const REQUESTS = 100;
const DEADLINE_MS = 40_000;

t.test('exact over workers', async (t) => {
  const plane = await ControlPlane.listen();
  const upstream = await startEchoUpstream('a');
  const route = { match: { prefix: '/' }, route: { cluster: 'a' } };
  const listener = httpListener('in', { virtual_hosts: [virtualHost(['*'], [route])] });
  const service = { envoy_grpc: { cluster_name: 'lrs' } };
  const api = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [service] };
  const clusters = [serverCluster('lrs', plane.port), staticCluster('a', upstream.port)];
  const bootstrap = {
    ...bootstrapOf([listener], clusters),
    node: { id: 'node', cluster: 'test' },
    cluster_manager: { load_stats_config: api },
  };
  const proxy = await spawnServer(() => bootstrap, { flags: ['--concurrency', '2'] });
  t.teardown(async () => {
    proxy.kill('SIGKILL');
    await proxy.exited;
    plane.close();
    await upstream.close();
  });
  const stream = await plane.stream(0);
  await eventually(() => stream.octets.length > 0);
  const loadReportingInterval = { seconds: 0n, nanos: 50_000_000 };
  const message = create(LoadStatsResponseSchema, { clusters: ['a'], loadReportingInterval });
  stream.sendOctets(toBinary(LoadStatsResponseSchema, message));
  await eventually(() => stream.octets.length > 1);
  const told = () => {
    const stats = reportsOf(stream, LoadStatsRequestSchema).flatMap((each) => each.clusterStats);
    const localities = stats.flatMap(({ upstreamLocalityStats }) => upstreamLocalityStats);
    const sum = (key: 'totalIssuedRequests' | 'totalSuccessfulRequests') =>
      localities.reduce((total, each) => total + Number(each[key]), 0);
    return [sum('totalIssuedRequests'), sum('totalSuccessfulRequests')];
  };
  const address = await proxy.listener('in');
  const get = () => fetch(`http://${address}/`, { headers: { connection: 'close' } });
  const many = async () => {
    for (let sent = 0; sent < REQUESTS; sent += 20) {
      const some = await Promise.all(Array.from({ length: 20 }, get));
      await Promise.all(some.map((response) => response.arrayBuffer()));
    }
  };
  await many();
  proxy.kill('SIGUSR2');
  await many();
  await eventually(() => told()[0] === 2 * REQUESTS && told()[1] === 2 * REQUESTS, DEADLINE_MS);
  t.same(told(), [2 * REQUESTS, 2 * REQUESTS]);
});
