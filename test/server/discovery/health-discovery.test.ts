import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import { NodeSchema } from '../../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import { HealthStatus } from '../../../proxy/api/gen/envoy/config/core/v3/health_check_pb.js';
import {
  HealthCheckRequestOrEndpointHealthResponseSchema,
  HealthCheckSpecifierSchema,
} from '../../../proxy/api/gen/envoy/service/health/v3/hds_pb.js';
import { Compiler } from '../../../proxy/server/compiler.ts';
import { HdsClusters } from '../../../proxy/server/discovery/hds-clusters.ts';
import { HealthDiscovery } from '../../../proxy/server/discovery/health-discovery.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import type { HealthChecks } from '../../../proxy/upstream/health/health-checks.ts';
import { HEALTH_FLAG } from '../../../proxy/upstream/host-health.ts';
import { ReconnectBackOff } from '../../../proxy/xds/reconnect-back-off.ts';
import type { StreamSink } from '../../../proxy/xds/xds-server.ts';
import { eventually } from '../../support/eventually.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const SCHEMA = HealthCheckRequestOrEndpointHealthResponseSchema;
const SECONDS = { seconds: 1n, nanos: 0 };
const FAST = { seconds: 0n, nanos: 20_000_000 };

/** With a server and checks that the test plays. */
function rig() {
  const stats = new StatsStore(null);
  const streams: { sink: StreamSink; sent: Buffer[] }[] = [];
  const lines: string[] = [];
  const followed = new Map<string, number>();
  const flags = new Map<string, number>();
  const checks = {
    follow: ({ name, endpoints }: { name: string; endpoints: readonly unknown[] }) =>
      followed.set(name, endpoints.length),
    forget: (name: string) => followed.delete(name),
    stop: () => followed.clear(),
  };
  const compiler = new Compiler(new Map(), null);
  const discovery = new HealthDiscovery({
    server: {
      name: 'hds',
      openStream: (_method, sink) => {
        const stream = { sink, sent: [] as Buffer[] };
        streams.push(stream);
        const send = (octets: Uint8Array) => stream.sent.push(Buffer.from(octets)) > 0;
        return { send, cancel: () => undefined };
      },
      close: () => undefined,
    },
    node: () => create(NodeSchema, { id: 'node' }),
    backOff: new ReconnectBackOff({ baseMs: 2, maxMs: 5 }, seededRandom(1)),
    stats,
    log: { enabled: () => true, log: (_level, message) => lines.push(message) },
    clusters: new HdsClusters({
      checks: checks as unknown as HealthChecks,
      flagsOf: (cluster, address) => flags.get(`${cluster} ${address}`) ?? 0,
      compiler: () => compiler,
    }),
  });
  const ask = (names: readonly string[], isWrong = false) => {
    const transportSocketMatches = isWrong ? [UNKNOWN] : [];
    const clusterHealthChecks = names.map((clusterName) => ({
      ...{ clusterName, healthChecks: [CHECK], transportSocketMatches },
      localityEndpoints: [{ endpoints: [endpoint(80), endpoint(81), endpoint(82, true)] }],
    }));
    const message = create(HealthCheckSpecifierSchema, { interval: FAST, clusterHealthChecks });
    streams.at(-1)?.sink.onMessage(toBinary(HealthCheckSpecifierSchema, message));
  };
  const last = () => {
    const octets = streams.at(-1)?.sent.at(-1);
    return octets === undefined ? null : fromBinary(SCHEMA, octets).requestType;
  };
  const counters = () => stats.snapshot().counters;
  return { ask, counters, discovery, flags, followed, last, lines, streams };
}

const CHECK = {
  ...{ timeout: SECONDS, interval: SECONDS, noTrafficInterval: SECONDS },
  ...{ unhealthyThreshold: 1, healthyThreshold: 1 },
  healthChecker: { case: 'tcpHealthCheck', value: {} },
} as const;

const endpoint = (port: number, disableActiveHealthCheck = false) => ({
  address: {
    address: {
      case: 'socketAddress',
      value: { address: '10.0.0.1', portSpecifier: { case: 'portValue', value: port } },
    },
  } as const,
  healthCheckConfig: { disableActiveHealthCheck },
});

/** A transport socket that does not exist. */
const UNKNOWN = { name: 'x', transportSocket: { name: 'no.such.socket' } } as const;

t.test('checks what it is asked to, and tells how it is at the interval', async (t) => {
  const { ask, counters, discovery, flags, followed, last, streams } = rig();
  t.teardown(() => discovery.stop());
  await discovery.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  t.equal(last()?.case, 'healthCheckRequest');
  flags.set('a 10.0.0.1:81', HEALTH_FLAG.failedActiveCheck | HEALTH_FLAG.activeCheckTimeout);
  ask(['a', 'b']);
  t.same(
    [...followed],
    [
      ['a', 2],
      ['b', 2],
    ],
    'one endpoint is not to be checked',
  );
  await eventually(() => last()?.case === 'endpointHealthResponse');
  const told = last();
  if (told?.case !== 'endpointHealthResponse') throw new Error('no response');
  const { clusterEndpointsHealth, endpointsHealth } = told.value;
  const statuses = clusterEndpointsHealth[0]?.localityEndpointsHealth[0]?.endpointsHealth;
  const { HEALTHY, TIMEOUT } = HealthStatus;
  t.same(
    statuses?.map(({ healthStatus }) => healthStatus),
    [HEALTHY, TIMEOUT],
  );
  t.equal(endpointsHealth.length, 4);
  ask(['b']);
  t.same([...followed.keys()], ['b']);
  ask(['b']);
  t.match(counters(), { 'hds_delegate.requests': 3, 'hds_delegate.updates': 2 });
});

t.test('what is wrong changes nothing, and is counted and logged', async (t) => {
  const { ask, counters, discovery, followed, lines, streams } = rig();
  t.teardown(() => discovery.stop());
  await discovery.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  ask(['a']);
  ask(['b', 'c'], true);
  streams[0]?.sink.onMessage(Buffer.from([0xff]));
  t.same([...followed.keys()], ['a']);
  t.match(lines[0], /^Unable to validate health check specifier: b: /);
  t.match(counters(), { 'hds_delegate.errors': 2, 'hds_delegate.updates': 1 });
});

t.test('a stream that ends is begun again, and checks go on', async (t) => {
  const { ask, counters, discovery, followed, last, streams } = rig();
  await discovery.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  ask(['a']);
  streams[0]?.sink.onEnd({ code: 14, message: 'gone' });
  t.same([...followed.keys()], ['a']);
  await eventually(() => streams.length === 2);
  streams[1]?.sink.onOpen();
  t.equal(last()?.case, 'healthCheckRequest');
  ask(['a']);
  await eventually(() => last()?.case === 'endpointHealthResponse');
  t.match(counters(), { 'hds_delegate.errors': 1, 'hds_delegate.updates': 2 });
  discovery.stop();
  t.equal(followed.size, 0);
});
