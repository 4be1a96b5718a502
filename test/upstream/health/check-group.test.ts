import t from 'tap';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { CheckGroup } from '../../../proxy/upstream/health/check-group.ts';
import { printFlags } from '../../../proxy/upstream/host-health.ts';
import { CLIENT_CODECS } from '../../../proxy/upstream/pool/client-codecs.ts';
import type { ResolvedEndpoint } from '../../../proxy/upstream/resolved-endpoint.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeConnector } from '../../support/fake-connector.ts';
import { healthCheckConfig } from '../../support/health-config.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { testTlsServices } from '../../support/tls-services.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const DEGRADED = 'HTTP/1.1 200 OK\r\nx-envoy-degraded: 1\r\ncontent-length: 0\r\n\r\n';
const UNAVAILABLE = 'HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n';
const A = '10.0.0.1:80';

/** Two checks of the hosts of a name. */
function twice(members: Partial<ClusterConfig> = {}): ClusterConfig {
  return clusterConfig({
    discovery: 'strict-dns',
    endpoints: [endpointConfig({ address: 'a.test', port: 80 })],
    healthCheck: healthCheckConfig({ name: 'one', healthyThreshold: 1 }),
    moreHealthChecks: [healthCheckConfig({ name: 'two', healthyThreshold: 1 })],
    ...members,
  });
}

function found(...ips: readonly string[]): readonly ResolvedEndpoint[] {
  return ips.map((ip) => ({ endpointIndex: 0, ip, port: 80 }));
}

function fixture() {
  const clock = new FakeClock();
  const connector = new FakeConnector();
  const random = seededRandom(1);
  const store = new StatsStore(null);
  const flags = new Map<string, number>();
  const told: string[] = [];
  const owner = {
    onFlags: (_: CheckGroup, address: string, value: number | null) => {
      if (value === null) flags.delete(address);
      else flags.set(address, value);
    },
    onEvent: () => undefined,
    onHealthy: (_: CheckGroup, address: string) => void told.push(`healthy ${address}`),
    onWarm: () => void told.push('warm'),
    onEndpoints: ({ endpoints }: CheckGroup) =>
      void told.push(`endpoints ${endpoints?.map(({ ip }) => ip)}`),
  };
  const follow = (config: ClusterConfig, before: CheckGroup | null = null) =>
    new CheckGroup({
      ...{ config, owner, before },
      scope: () => store.scope('cluster').scope('c'),
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
    });
  return {
    ...{ clock, connector, told, flags, follow },
    flagsOf: (address = A) => printFlags(flags.get(address) ?? 0),
    gauge: (name: string) => store.snapshot().gauges[`cluster.c.health_check.${name}`],
    /** Answers the check on the connection that was made as the `index`th. */
    answer: (index: number, response: string): void => {
      const connection = connector.connections[index];
      if (connection?.isConnecting) connection.accept();
      connection?.receive(response);
    },
  };
}

t.test('a host is as well as the worst of its checks finds it', async (t) => {
  const { follow, answer, clock, flagsOf, gauge, told } = fixture();
  const group = follow(twice());
  group.setEndpoints(found('10.0.0.1'));
  t.equal(flagsOf(), '/failed_active_hc');
  answer(0, OK);
  t.equal(flagsOf(), '/failed_active_hc', 'one result is not all');
  t.notOk(group.isWarm);
  answer(1, OK);
  t.equal(flagsOf(), 'healthy');
  t.ok(group.isWarm);
  t.strictSame(told, ['endpoints 10.0.0.1', 'warm', `healthy ${A}`], 'each told once');
  t.strictSame([gauge('healthy'), gauge('name.one.healthy'), gauge('name.two.healthy')], [1, 1, 1]);
  clock.advance(1100);
  answer(0, DEGRADED);
  answer(1, UNAVAILABLE);
  t.equal(flagsOf(), '/failed_active_hc/degraded_active_hc');
  t.strictSame([gauge('healthy'), gauge('degraded')], [0, 1]);
  t.strictSame([gauge('name.one.healthy'), gauge('name.two.healthy')], [1, 0]);
  clock.advance(1100);
  told.length = 0;
  answer(0, OK);
  t.strictSame(told, [], 'who passes one check is not back yet');
  answer(1, OK);
  t.strictSame(told, [`healthy ${A}`]);
  group.stop();
  t.strictSame([gauge('healthy') ?? 0, gauge('degraded') ?? 0], [0, 0]);
});

t.test('a host that went is kept as long as all its checks pass', async (t) => {
  const { follow, answer, clock, connector, flags, told } = fixture();
  const group = follow(twice());
  group.setEndpoints(found('10.0.0.1'));
  answer(0, OK);
  answer(1, OK);
  group.setEndpoints(found('10.0.0.2'));
  t.equal(told.at(-1), 'endpoints 10.0.0.2,10.0.0.1');
  clock.advance(1100);
  answer(1, UNAVAILABLE);
  t.equal(told.at(-1), 'endpoints 10.0.0.2');
  t.notOk(flags.has(A));
  t.ok(connector.connections[0]?.isClosed, 'the other check of it ends');
});

t.test('a host that went while one check fails it goes', async (t) => {
  const { follow, answer, connector, flags, told } = fixture();
  const group = follow(twice());
  group.setEndpoints(found('10.0.0.1'));
  answer(0, OK);
  answer(1, UNAVAILABLE);
  group.setEndpoints(found());
  t.equal(told.at(-1), 'endpoints ');
  t.notOk(flags.has(A));
  t.ok(connector.connections.slice(0, 2).every(({ isClosed }) => isClosed));
});

t.test('another configuration keeps what each check knows', async (t) => {
  const { follow, answer, flagsOf, connector } = fixture();
  const before = follow(twice());
  before.setEndpoints(found('10.0.0.1'));
  answer(0, OK);
  answer(1, UNAVAILABLE);
  const names = ['two', 'one', 'three'].map((name) => healthCheckConfig({ name }));
  const [healthCheck = null, ...moreHealthChecks] = names;
  const after = follow(twice({ healthCheck, moreHealthChecks }), before);
  before.stop();
  after.setEndpoints(found('10.0.0.1'));
  t.equal(flagsOf(), '/failed_active_hc');
  t.equal(after.memberOf('one')?.flagsOf(A), 0);
  t.equal(after.memberOf('three')?.flagsOf(A), 0, 'a new one begins with what the first knew');
  t.equal(connector.connections.length, 5);
});
