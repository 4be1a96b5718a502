import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { LiveRuntime } from '../../../proxy/model/runtime.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';
import { checkIntervals } from '../../support/health-config.ts';

const BASIC: JsonObject = {
  ...{ timeout: '1s', interval: '5s', unhealthyThreshold: 3, healthyThreshold: 2 },
};
const HTTP: JsonObject = { httpHealthCheck: { path: '/hc' } };
const RUNTIME = new Map([
  ['health_check.min_interval', 10],
  ['health_check.max_interval', 20],
  ['health_check.verify_cluster', 0],
]);

function compile(check: JsonObject, members: JsonObject = {}, environment = testEnvironment()) {
  const endpoint = { address: { socketAddress: { address: '127.0.0.1', portValue: 80 } } };
  const loadAssignment: JsonValue = { endpoints: [{ lbEndpoints: [{ endpoint }] }] };
  const healthChecks = [{ ...BASIC, ...check }];
  const json: JsonValue = { name: 'c', loadAssignment, healthChecks, ...members };
  return compileJson({ schema: ClusterSchema, json, environment }, compileCluster);
}

function healthCheck(check: JsonObject, members: JsonObject = {}) {
  const { value, rejections } = compile(check, members);
  t.strictSame(problemLines(rejections), []);
  return value?.healthCheck ?? null;
}

function rejections(check: JsonObject, members: JsonObject = {}): readonly string[] {
  return problemLines(compile(check, members).rejections);
}

t.test('fills in Envoy’s defaults', async (t) => {
  const every5s = { intervalMs: 5000, unhealthyMs: 5000, unhealthyEdgeMs: 5000 };
  t.same(healthCheck(HTTP), {
    ...{ name: '', timeoutMs: 1000, unhealthyThreshold: 3, healthyThreshold: 2 },
    intervals: checkIntervals({
      ...{ ...every5s, healthyEdgeMs: 5000 },
      ...{ noTrafficMs: 60_000, noTrafficHealthyMs: 60_000 },
    }),
    ...{ reusesConnection: true, alwaysLogsFailures: false, alwaysLogsSuccesses: false },
    eventLogPaths: [],
    applicationProtocols: [],
    checker: {
      ...{ kind: 'http', host: '', path: '/hc', method: 'GET', protocol: 'http1' },
      ...{ send: new Uint8Array(0), receive: [], responseBufferBytes: 1024 },
      ...{ addHeaders: [], removeHeaders: [], serviceName: null },
      ...{ expectedStatuses: [{ start: 200, end: 201 }], retriableStatuses: [] },
    },
  });
});

t.test('intervals stand in for one another', async (t) => {
  const check = healthCheck({
    ...{ ...HTTP, unhealthyInterval: '2s', noTrafficInterval: '3s', initialJitter: '0.1s' },
    ...{ intervalJitter: '0.2s', intervalJitterPercent: 7 },
  });
  t.same(
    check?.intervals,
    checkIntervals({
      ...{ intervalMs: 5000, unhealthyMs: 2000, unhealthyEdgeMs: 2000, healthyEdgeMs: 5000 },
      ...{ noTrafficMs: 3000, noTrafficHealthyMs: 3000 },
      ...{ initialJitterMs: 100, jitterMs: 200, jitterPercent: 7 },
    }),
  );
});

t.test('runtime bounds intervals and switches names off', async (t) => {
  const matched = { httpHealthCheck: { path: '/', serviceNameMatcher: { exact: 's' } } };
  t.match(healthCheck(matched)?.checker, { serviceName: { kind: 'exact', text: 's' } });
  const { value } = compile(matched, {}, testEnvironment({ runtime: RUNTIME }));
  t.match(value?.healthCheck?.intervals, { minMs: 10, maxMs: 20 });
  t.match(value?.healthCheck?.checker, { serviceName: null });
});

t.test('and does so while the proxy runs', async (t) => {
  const runtime = new LiveRuntime(new Map());
  const matched = { httpHealthCheck: { path: '/', serviceNameMatcher: { exact: 's' } } };
  const { value } = compile(matched, {}, testEnvironment({ runtime }));
  const check = value?.healthCheck;
  t.match(check?.checker, { serviceName: { kind: 'exact', text: 's' } });
  t.match(check?.intervals, { minMs: 0 });
  runtime.replace(RUNTIME);
  t.match(check?.checker, { serviceName: null });
  t.match(check?.intervals, { minMs: 10, maxMs: 20 });
});

t.test('payloads are hexadecimal text or octets', async (t) => {
  const send = { text: '0aFF' };
  const receive = [{ binary: 'AQI=' }, { text: '03' }];
  t.same(healthCheck({ tcpHealthCheck: { send, receive } })?.checker, {
    ...{ kind: 'tcp', send: Buffer.from([10, 255]) },
    receive: [new Uint8Array([1, 2]), Buffer.from([3])],
  });
  for (const text of ['0', 'xy']) {
    t.strictSame(rejections({ tcpHealthCheck: { send: { text } } }), [
      `health_checks[0].tcp_health_check.send.text: invalid hex string '${text}': write octets as two hexadecimal digits each`,
    ]);
  }
});

t.test('a request with content needs a method that has some', async (t) => {
  const send = { text: '00' };
  t.match(rejections({ httpHealthCheck: { path: '/', send } }), [
    /^health_checks\[0\]\.http_health_check\.send: .* payload with method 'GET'/,
  ]);
  t.match(healthCheck({ httpHealthCheck: { path: '/', send, method: 'POST' } })?.checker, {
    method: 'POST',
  });
});

t.test('what cannot be received is refused', async (t) => {
  const receive = [{ text: '0000' }, { text: '000000' }];
  const limited = { path: '/', receive, responseBufferSize: '4' };
  t.strictSame(rejections({ httpHealthCheck: limited }), [
    "health_checks[0].http_health_check.receive: The expected response length '5' is over than http health response buffer size '4'",
  ]);
  t.ok(healthCheck({ httpHealthCheck: { ...limited, responseBufferSize: '0' } }));
});

t.test('status ranges are checked', async (t) => {
  const ranges = (start: string, end: string) =>
    rejections({ httpHealthCheck: { path: '/', expectedStatuses: [{ start, end }] } });
  const at =
    'health_checks[0].http_health_check.expected_statuses[0]: Invalid http expected status range: expecting';
  t.strictSame(ranges('200', '200'), [`${at} start < end, but found start=200 and end=200`]);
  t.strictSame(ranges('99', '200'), [`${at} start >= 100, but found start=99`]);
  t.strictSame(ranges('200', '601'), [`${at} end <= 600, but found end=601`]);
});

t.test('gRPC needs HTTP/2', async (t) => {
  const check = { grpcHealthCheck: { serviceName: 's', authority: 'a' } };
  t.match(rejections(check), [/c cluster must support HTTP\/2 for gRPC healthchecking/]);
  t.match(healthCheck(check, { http2ProtocolOptions: {} })?.checker, {
    ...{ kind: 'grpc', serviceName: 's', authority: 'a' },
  });
});

t.test('several checks need names of their own', async (t) => {
  const checks = (...names: readonly string[]) => ({
    healthChecks: names.map((name) => ({ ...BASIC, ...HTTP, name })),
  });
  const { value, rejections: none } = compile({}, checks('a', 'b', 'c'));
  t.strictSame(none, []);
  t.equal(value?.healthCheck?.name, 'a');
  t.strictSame(
    value?.moreHealthChecks?.map(({ name }) => name),
    ['b', 'c'],
  );
  t.equal(compile({}, checks('')).value?.moreHealthChecks, undefined);
  t.strictSame(rejections({}, checks('a', '', 'a')), [
    'health_checks[1].name: health check at index 1 is missing a name; all health checks must have a name when multiple health checks are configured',
    "health_checks[2].name: duplicate health check name 'a' at index 2; all health check names must be unique within a cluster",
  ]);
});

t.test('HTTP/3 and internal listeners are refused', async (t) => {
  t.match(rejections({ httpHealthCheck: { path: '/', codecClientType: 'HTTP3' } }), [
    /codec_client_type: HTTP3 is not supported yet: use HTTP1 or HTTP2/,
  ]);
  const endpoint = { address: { envoyInternalAddress: { serverListenerName: 'x' } } };
  const inside = { loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint }] }] } };
  t.match(rejections(HTTP, inside), [/health_checks: internal listeners cannot be checked/]);
});

t.test('original destinations are not checked, which is said', async (t) => {
  const members = { type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', loadAssignment: null };
  const { value, warnings } = compile(HTTP, members);
  t.equal(value?.healthCheck, null);
  t.match(problemLines(warnings), [/health_checks: has no effect/]);
});

t.test('event logs are files that can be opened', async (t) => {
  const eventLogger = [
    {
      name: 'envoy.health_check.event_sink.file',
      typedConfig: typed('extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink', {
        eventLogPath: '/two',
      }),
    },
  ];
  const logs = { ...HTTP, eventLogPath: '/one', eventLogger };
  t.strictSame(healthCheck(logs)?.eventLogPaths, ['/one', '/two']);
  const probeLogFile = (path: string) => (path === '/two' ? 'no such directory' : null);
  const refused = compile(logs, {}, testEnvironment({ probeLogFile }));
  t.strictSame(problemLines(refused.rejections), [
    'health_checks[0].event_logger[0]: no such directory',
  ]);
});

t.test('an endpoint says where and whether it is checked', async (t) => {
  const compiled = (healthCheckConfig: JsonObject, address?: JsonObject) => {
    const own = address ?? { socketAddress: { address: '127.0.0.1', portValue: 80 } };
    const endpoint = { address: own, healthCheckConfig };
    return compile(HTTP, { loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint }] }] } });
  };
  const address = { socketAddress: { address: '127.0.0.2', portValue: 81 } };
  const config = { address, portValue: 82, hostname: 'h', disableActiveHealthCheck: true };
  t.match(compiled(config).value?.endpoints[0]?.check, {
    ...{ address: { text: '127.0.0.2:81' }, port: 82, hostname: 'h', isDisabled: true },
  });
  const pipe = compiled({ portValue: 1 }, { pipe: { path: '/x' } });
  t.match(problemLines(pipe.rejections), [/port_value: .*non-zero port for non-IP address/]);
});

t.test('what happens to connections and hosts of clusters', async (t) => {
  const members = { closeConnectionsOnHostHealthFailure: true, ignoreHealthOnHostRemoval: true };
  const { value } = compile(HTTP, members);
  t.match(value, { closesOnHealthFailure: true, ignoresHealthOnRemoval: true });
});
