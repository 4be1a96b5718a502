import t from 'tap';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import type { HealthCheckConfig } from '../../../proxy/model/health-check.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { HealthChecks } from '../../../proxy/upstream/health/health-checks.ts';
import { HostFlags } from '../../../proxy/upstream/host-flags.ts';
import { printFlags } from '../../../proxy/upstream/host-health.ts';
import { CLIENT_CODECS } from '../../../proxy/upstream/pool/client-codecs.ts';
import type { ResolvedEndpoint } from '../../../proxy/upstream/resolved-endpoint.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeConnector } from '../../support/fake-connector.ts';
import { checkIntervals, healthCheckConfig, httpCheck } from '../../support/health-config.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { testTlsServices } from '../../support/tls-services.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const UNAVAILABLE = 'HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n';
const A = '127.0.0.1:8080';

function fixture() {
  const clock = new FakeClock();
  const connector = new FakeConnector();
  const random = seededRandom(1);
  const store = new StatsStore(null);
  const sent: (readonly [string, readonly string[]])[] = [];
  const warm: string[] = [];
  const lines: string[] = [];
  const flags = new HostFlags({ sink: () => undefined, later: (task) => task() });
  const checks = new HealthChecks({
    services: {
      clock,
      ...{ timers: clock.timers, random, connector, codecs: CLIENT_CODECS },
      tls: testTlsServices(),
      codecServices: {
        nowMs: () => clock.nowMs(),
        timers: clock.timers,
        random,
        flushLater: (target) => target.flush(),
      },
      log: SILENT_LOG.logger('health_checker'),
    },
    stats: store,
    flags,
    later: (task) => task(),
    sendEndpoints: (cluster, endpoints) => void sent.push([cluster, endpoints.map(({ ip }) => ip)]),
    sendWarm: (cluster) => void warm.push(cluster),
    writeEvent: (path, line) => void lines.push(`${path} ${line}`),
  });
  const stat = (name: string): number => {
    const { counters, gauges } = store.snapshot();
    return (
      counters[`cluster.c.health_check.${name}`] ?? gauges[`cluster.c.health_check.${name}`] ?? -1
    );
  };
  return {
    ...{ clock, connector, checks, flags, sent, warm, lines, stat },
    /** Accepts the newest connection and answers the request on it. */
    answer: (response: string): void => {
      const connection = connector.last();
      if (connection.isConnecting) connection.accept();
      connection.receive(response);
    },
    flagsOf: (address = A) => printFlags(flags.get('c', address)),
  };
}

function checked(
  check: Partial<HealthCheckConfig> = {},
  members: Partial<ClusterConfig> = {},
): ClusterConfig {
  return clusterConfig({ healthCheck: healthCheckConfig(check), ...members });
}

t.test('asks a host at once, then at its intervals, on one connection', async (t) => {
  const { checks, connector, clock, answer, flagsOf, warm, stat } = fixture();
  checks.follow(checked());
  t.equal(flagsOf(), '/failed_active_hc');
  t.equal(stat('attempt'), 1);
  answer(OK);
  t.match(
    connector.last().written,
    /^GET \/hc HTTP\/1\.1\r\nhost: c\r\nuser-agent: Envoy\/HC\r\n\r\n$/,
  );
  t.equal(flagsOf(), 'healthy');
  t.strictSame(warm, ['c']);
  clock.advance(900);
  t.equal(stat('attempt'), 1);
  clock.advance(200);
  t.equal(stat('attempt'), 2);
  answer(OK);
  t.equal(connector.connections.length, 1);
  t.equal(stat('success'), 2);
});

t.test('makes a connection for each check where that is asked for', async (t) => {
  const { checks, connector, clock, answer } = fixture();
  checks.follow(checked({ reusesConnection: false }));
  answer(OK);
  t.equal(connector.last().isClosed, true);
  clock.advance(1100);
  t.equal(connector.connections.length, 2);
});

t.test('takes a new connection when the host closed the old one between checks', async (t) => {
  const { checks, connector, clock, answer, stat } = fixture();
  checks.follow(checked());
  answer(OK);
  connector.last().receiveEnd();
  t.equal(connector.last().isClosed, true);
  clock.advance(1100);
  t.equal(connector.connections.length, 2);
  answer('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  clock.advance(1100);
  t.equal(connector.connections.length, 3);
  t.equal(stat('failure'), 0);
});

t.test('a check that takes too long fails, and its connection ends', async (t) => {
  const { checks, connector, clock, answer, flagsOf, stat } = fixture();
  checks.follow(checked());
  connector.last().accept();
  clock.advance(510);
  t.equal(connector.last().isClosed, true);
  t.equal(flagsOf(), '/failed_active_hc/active_hc_timeout');
  t.equal(stat('network_failure'), 1);
  clock.advance(1000);
  answer(UNAVAILABLE);
  t.equal(flagsOf(), '/failed_active_hc');
});

t.test('a host that cannot be reached fails by the network', async (t) => {
  const { checks, connector, clock, flagsOf, answer, stat } = fixture();
  checks.follow(checked({ unhealthyThreshold: 2 }));
  connector.last().refuse();
  t.equal(stat('network_failure'), 1);
  clock.advance(1100);
  answer(OK);
  clock.advance(1100);
  answer(OK);
  t.equal(flagsOf(), 'healthy');
  clock.advance(1100);
  connector.last().end('peer-reset');
  t.equal(flagsOf(), 'healthy', 'one failure is not enough');
  clock.advance(1100);
  connector.last().refuse();
  t.equal(flagsOf(), '/failed_active_hc');
});

t.test('a host is asked more often once its cluster has traffic', async (t) => {
  const { checks, clock, answer, stat } = fixture();
  checks.follow(checked({ intervals: checkIntervals({ noTrafficHealthyMs: 5000 }) }));
  answer(OK);
  clock.advance(4900);
  t.equal(stat('attempt'), 1);
  clock.advance(200);
  checks.onTraffic('c');
  answer(OK);
  clock.advance(1100);
  t.equal(stat('attempt'), 3);
});

t.test('workers may use a cluster once each of its hosts had a result', async (t) => {
  const { checks, connector, warm } = fixture();
  const endpoints = [endpointConfig(), endpointConfig({ port: 8081 })];
  checks.follow(checked({}, { endpoints }));
  t.strictSame(checks.waiting(), ['c']);
  let isSettled = false;
  const settled = checks.settled().then(() => {
    isSettled = true;
  });
  connector.connections[0]?.refuse();
  await Promise.resolve();
  t.strictSame([warm, isSettled], [[], false]);
  connector.connections[1]?.refuse();
  await settled;
  t.strictSame(warm, ['c']);
  t.strictSame(checks.warm(), ['c']);
});

t.test('checks go where an endpoint says, or nowhere', async (t) => {
  const { checks, connector, flagsOf, warm } = fixture();
  const check = { address: null, port: 9000, hostname: 'mine', isDisabled: false };
  const endpoints = [
    endpointConfig({ check }),
    endpointConfig({ port: 8081, check: { ...check, isDisabled: true } }),
  ];
  checks.follow(checked({}, { endpoints }));
  t.equal(connector.connections.length, 1);
  t.equal(connector.last().remoteAddress.text, '127.0.0.1:9000');
  connector.last().accept();
  t.match(connector.last().written, 'host: mine\r\n');
  connector.last().receive(OK);
  t.equal(flagsOf(), 'healthy');
  t.equal(flagsOf('127.0.0.1:8081'), 'healthy');
  t.strictSame(warm, ['c']);
});

t.test('a host that says so itself fails at once', async (t) => {
  const { checks, answer, flagsOf, stat } = fixture();
  checks.follow(checked());
  answer(OK);
  checks.onImmediateFailure('c', A);
  checks.onImmediateFailure('c', '127.0.0.1:1');
  checks.onImmediateFailure('unknown', A);
  t.equal(flagsOf(), '/failed_active_hc/excluded_via_immediate_hc_fail');
  t.equal(stat('passive_failure'), 1);
});

t.test('tells of each passed check of a healthy host', async (t) => {
  const { checks, clock, answer } = fixture();
  const told: string[] = [];
  checks.whenHealthy = (cluster, address) => void told.push(`${cluster} ${address}`);
  checks.follow(checked());
  answer(UNAVAILABLE);
  clock.advance(1100);
  answer(OK);
  t.strictSame(told, [], 'it is still failed');
  clock.advance(1100);
  answer(OK);
  t.strictSame(told, [`c ${A}`]);
});

t.test('another configuration keeps what is known; without checks nothing is', async (t) => {
  const { checks, connector, answer, flagsOf, warm, stat } = fixture();
  checks.follow(checked());
  answer(OK);
  const next = checked({ timeoutMs: 600 }, { connectTimeoutMs: 1 });
  checks.follow(next);
  checks.follow(next);
  t.equal(connector.connections.length, 2, 'the same again does nothing');
  t.equal(connector.connections[0]?.isClosed, true);
  t.equal(flagsOf(), 'healthy');
  t.strictSame(warm, ['c', 'c'], 'nothing has to be awaited');
  t.equal(stat('healthy'), 1);
  answer(UNAVAILABLE);
  t.equal(flagsOf(), '/failed_active_hc');
  checks.follow(clusterConfig());
  t.equal(flagsOf(), 'healthy');
  t.equal(connector.live().length, 0);
});

t.test('a removed cluster leaves nothing behind', async (t) => {
  const { checks, connector, clock, flags, stat } = fixture();
  checks.follow(checked());
  connector.last().accept();
  checks.forget('c');
  checks.forget('c');
  t.equal(connector.live().length, 0);
  t.equal(clock.timers.armedCount, 0);
  t.strictSame([...flags.all()], []);
  t.equal(stat('attempt'), -1);
});

t.test('events are written where the configuration says', async (t) => {
  const { checks, lines, answer } = fixture();
  checks.follow(checked({ eventLogPaths: ['/one', '/two'] }));
  answer(OK);
  t.equal(lines.length, 2);
  t.match(lines[0], /^\/one \{"health_checker_type":"HTTP","host":\{"socket_address":/);
  t.match(lines[1], /^\/two .*"add_healthy_event":\{"first_check":true\}.*\}\n$/);
});

const found = (...ips: readonly string[]): readonly ResolvedEndpoint[] =>
  ips.map((ip) => ({ ip, port: 80, endpointIndex: 0 }));

function dns(members: Partial<ClusterConfig> = {}): ClusterConfig {
  const endpoints = [endpointConfig({ address: 'a.test', port: 80 })];
  return checked({}, { discovery: 'strict-dns', endpoints, ...members });
}

t.test('a name’s host that passes is kept until it fails', async (t) => {
  const { checks, clock, connector, sent, answer, flagsOf } = fixture();
  checks.follow(dns());
  checks.setEndpoints('c', found('10.0.0.1'));
  answer(OK);
  checks.setEndpoints('c', found('10.0.0.2'));
  t.strictSame(sent.at(-1), ['c', ['10.0.0.2', '10.0.0.1']]);
  t.equal(flagsOf('10.0.0.1:80'), '/pending_dynamic_removal');
  answer(OK);
  clock.advance(1100);
  connector.connections[0]?.receive(UNAVAILABLE);
  t.strictSame(sent.at(-1), ['c', ['10.0.0.2']]);
  t.equal(connector.connections[0]?.isClosed, true);
  t.equal(flagsOf('10.0.0.1:80'), 'healthy', 'nothing is known of it any more');
  const all = checks.withKept(
    new Map([
      ['c', found('10.0.0.2')],
      ['d', found('10.0.0.9')],
    ]),
  );
  t.strictSame([...all.keys()], ['c', 'd']);
});

t.test('a kept host that comes back stays', async (t) => {
  const { checks, sent, answer, flagsOf } = fixture();
  checks.follow(dns());
  checks.setEndpoints('c', found('10.0.0.1'));
  answer(OK);
  checks.setEndpoints('c', []);
  t.equal(flagsOf('10.0.0.1:80'), '/pending_dynamic_removal');
  checks.setEndpoints('c', found('10.0.0.1'));
  t.equal(flagsOf('10.0.0.1:80'), 'healthy');
  t.strictSame(sent.at(-1), ['c', ['10.0.0.1']]);
});

t.test('hosts that fail go, and all do where health is to be ignored', async (t) => {
  const { checks, connector, sent, answer } = fixture();
  checks.follow(dns());
  checks.setEndpoints('c', found('10.0.0.1'));
  connector.last().refuse();
  checks.setEndpoints('c', []);
  t.strictSame(sent.at(-1), ['c', []]);
  checks.follow(dns({ ignoresHealthOnRemoval: true }));
  checks.setEndpoints('c', found('10.0.0.1'));
  answer(OK);
  checks.setEndpoints('c', []);
  t.strictSame(sent.at(-1), ['c', []]);
});

t.test('endpoints come before the word that the cluster may be used', async (t) => {
  const { checks, sent, warm } = fixture();
  checks.follow(dns());
  t.strictSame(warm, []);
  checks.setEndpoints('c', []);
  t.strictSame([sent, warm], [[['c', []]], ['c']]);
  checks.setEndpoints('unchecked', found('10.0.0.1'));
  t.strictSame(sent.at(-1), ['unchecked', ['10.0.0.1']]);
});

t.test('a logical host that moves is as healthy as it was', async (t) => {
  const { checks, connector, answer, flagsOf, stat } = fixture();
  checks.follow(dns({ discovery: 'logical-dns' }));
  checks.setEndpoints('c', found('10.0.0.1'));
  answer(OK);
  checks.setEndpoints('c', found('10.0.0.2'));
  t.equal(flagsOf('10.0.0.2:80'), 'healthy');
  t.equal(stat('healthy'), 1);
  t.equal(connector.last().remoteAddress.text, '10.0.0.2:80', 'it is asked there');
});

t.test('plain TCP: connects, or looks for octets in the answer', async (t) => {
  const { checks, connector, clock, flagsOf, stat } = fixture();
  checks.follow(checked({ checker: { kind: 'tcp', send: Buffer.from('hi'), receive: [] } }));
  connector.last().accept();
  t.equal(flagsOf(), 'healthy');
  t.equal(connector.last().isClosed, true);
  const receive = [Buffer.from('ab'), Buffer.from('cd')];
  checks.follow(checked({ checker: { kind: 'tcp', send: Buffer.from('hi'), receive } }));
  connector.last().accept();
  t.equal(connector.last().written, 'hi');
  connector.last().receive('xa');
  connector.last().receive('b.cd');
  t.equal(stat('success'), 2);
  clock.advance(1100);
  t.equal(connector.last().written, 'hihi', 'the connection serves again');
  connector.last().receive('cd');
  clock.advance(510);
  t.equal(stat('network_failure'), 1);
  t.equal(connector.last().isClosed, true);
});

t.test('content is looked at up to the buffer’s size', async (t) => {
  const { checks, clock, answer, flagsOf } = fixture();
  const receive = [Buffer.from('ok')];
  checks.follow(checked({ checker: httpCheck({ receive, responseBufferBytes: 4 }) }));
  answer('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n..ok..');
  t.equal(flagsOf(), 'healthy');
  clock.advance(1100);
  answer('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n...ok.');
  t.equal(flagsOf(), '/failed_active_hc');
});
