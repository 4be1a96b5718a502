import t from 'tap';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import type { DnsConfig } from '../../../proxy/model/dns.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { DnsClusters } from '../../../proxy/upstream/dns/dns-clusters.ts';
import type { ResolvedEndpoint } from '../../../proxy/upstream/resolved-endpoint.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeDnsResolver } from '../../support/fake-dns-resolver.ts';
import { seededRandom } from '../../support/seeded-random.ts';

interface DnsFixture {
  readonly clock: FakeClock;
  readonly resolver: FakeDnsResolver;
  readonly clusters: DnsClusters;
  /** What the sink was told, as `cluster: ip:port#index …`. */
  readonly told: string[];
  count(name: string): number | undefined;
}

function dnsFixture(): DnsFixture {
  const clock = new FakeClock();
  const resolver = new FakeDnsResolver();
  const stats = new StatsStore(null);
  const told: string[] = [];
  const clusters = new DnsClusters({
    clock,
    timers: clock.timers,
    random: seededRandom(1),
    resolver,
    stats,
    log: SILENT_LOG.logger('dns'),
    sink: (cluster, endpoints) => told.push(`${cluster}: ${endpoints.map(text).join(' ')}`),
  });
  return { clock, resolver, clusters, told, count: (name) => stats.snapshot().counters[name] };
}

function text(endpoint: ResolvedEndpoint): string {
  return `${endpoint.ip}:${endpoint.port}#${endpoint.endpointIndex}`;
}

function dnsCluster(
  members: Partial<ClusterConfig> = {},
  dns: Partial<DnsConfig> = {},
): ClusterConfig {
  return clusterConfig({
    discovery: 'strict-dns',
    endpoints: [endpointConfig({ address: 'app.test' })],
    ...members,
    dns: { ...clusterConfig().dns, ...dns },
  });
}

t.test('every address of a STRICT_DNS name is a host, and only changes are told', async (t) => {
  const { clock, resolver, clusters, told, count } = dnsFixture();
  clusters.follow(dnsCluster());
  t.strictSame(clusters.unresolved(), ['c']);
  t.equal(clusters.endpoints().size, 0);
  resolver.answer('app.test', ['10.0.0.1', '10.0.0.2']);
  t.strictSame(told, ['c: 10.0.0.1:8080#0 10.0.0.2:8080#0']);
  t.strictSame(clusters.unresolved(), []);
  t.strictSame(clusters.endpoints().get('c')?.map(text), ['10.0.0.1:8080#0', '10.0.0.2:8080#0']);

  clock.advance(4990);
  t.strictSame(resolver.openNames, []);
  clock.advance(20);
  resolver.answer('app.test', ['10.0.0.2', '10.0.0.1']);
  t.equal(told.length, 1, 'another order says nothing');
  t.equal(count('cluster.c.update_no_rebuild'), 1);
  clock.advance(5010);
  resolver.answer('app.test', ['10.0.0.3', '10.0.0.3']);
  t.strictSame(told.slice(1), ['c: 10.0.0.3:8080#0']);
  t.equal(count('cluster.c.update_attempt'), 3);
  t.equal(count('cluster.c.update_success'), 3);
});

t.test('a failure keeps the last addresses, an empty answer removes them', async (t) => {
  const { clock, resolver, clusters, told, count } = dnsFixture();
  clusters.follow(dnsCluster());
  resolver.answer('app.test', ['10.0.0.1']);
  clock.advance(5010);
  resolver.fail('app.test');
  t.equal(told.length, 1);
  t.equal(count('cluster.c.update_failure'), 1);
  t.equal(clusters.endpoints().get('c')?.length, 1);
  clock.advance(5010);
  resolver.answer('app.test', []);
  t.strictSame(told.slice(1), ['c: ']);
});

t.test('a LOGICAL_DNS cluster uses the first address and takes none for a failure', async (t) => {
  const { clock, resolver, clusters, told, count } = dnsFixture();
  clusters.follow(dnsCluster({ discovery: 'logical-dns' }));
  resolver.answer('app.test', ['10.0.0.1', '10.0.0.2']);
  clock.advance(5010);
  resolver.answer('app.test', ['10.0.0.2', '10.0.0.1']);
  clock.advance(5010);
  resolver.answer('app.test', []);
  t.strictSame(told, ['c: 10.0.0.1:8080#0', 'c: 10.0.0.2:8080#0']);
  t.equal(count('cluster.c.update_failure'), 1);
  t.equal(count('cluster.c.update_success'), 2);
});

t.test('a cluster is resolved by its first answer or failure', async (t) => {
  const { resolver, clusters, told } = dnsFixture();
  clusters.follow(
    dnsCluster({
      endpoints: [endpointConfig({ address: 'a.test' }), endpointConfig({ address: 'b.test' })],
    }),
  );
  let isSettled = false;
  const settled = clusters.settled().then(() => {
    isSettled = true;
  });
  await Promise.resolve();
  t.equal(isSettled, false);
  resolver.fail('a.test');
  await settled;
  t.strictSame(told, ['c: ']);
  resolver.answer('b.test', ['10.0.0.9']);
  t.strictSame(told.slice(1), ['c: 10.0.0.9:8080#1']);
});

t.test('addresses and pipes among the endpoints need no answer', async (t) => {
  const { resolver, clusters, told } = dnsFixture();
  clusters.follow(
    dnsCluster({
      endpoints: [
        endpointConfig({ address: '10.0.0.1' }),
        endpointConfig({ address: 'app.test' }),
        endpointConfig({ address: '/run/app.sock', port: -1 }),
        endpointConfig({ address: '::1' }),
      ],
    }),
  );
  await clusters.settled();
  resolver.answer('app.test', ['10.0.0.7']);
  t.strictSame(told, [
    'c: 10.0.0.1:8080#0 /run/app.sock:-1#2 ::1:8080#3',
    'c: 10.0.0.1:8080#0 10.0.0.7:8080#1 /run/app.sock:-1#2 ::1:8080#3',
  ]);
});

t.test('clusters with one name share its questions', async (t) => {
  const { clock, resolver, clusters, told } = dnsFixture();
  clusters.follow(dnsCluster({ name: 'a' }));
  clusters.follow(dnsCluster({ name: 'b' }));
  t.strictSame(resolver.asked, ['app.test']);
  resolver.answer('app.test', ['10.0.0.1']);
  t.equal(told.length, 2);
  clock.advance(3000);
  clusters.follow(dnsCluster({ name: 'late' }));
  t.equal(told.length, 3, 'told at once what is known');
  t.equal(resolver.asked.length, 1);
  for (let round = 0; round < 600; round += 1) {
    clock.advance(100);
    if (resolver.openNames.length > 0) resolver.answer('app.test', ['10.0.0.1']);
  }
  t.ok(resolver.asked.length <= 13, `${resolver.asked.length} questions in 63 s`);
});

t.test(
  'no jitter and no time to live makes a name be asked for more than once in 5 s',
  async (t) => {
    const { clock, resolver, clusters } = dnsFixture();
    const dns = { respectTtl: true, failureRefreshBaseMs: 5000, failureRefreshMaxMs: 20000 };
    clusters.follow(dnsCluster({}, dns));
    const askedAt = [clock.nowMs()];
    for (let round = 0; round < 1200; round += 1) {
      if (resolver.openNames.length > 0) {
        if (round % 3 === 0) resolver.fail('app.test');
        else resolver.answer('app.test', ['10.0.0.1'], 1);
      }
      clock.advance(100);
      if (resolver.asked.length > askedAt.length) askedAt.push(clock.nowMs());
    }
    t.ok(askedAt.length > 10);
    const gaps = askedAt.slice(1).map((atMs, index) => atMs - (askedAt[index] as number));
    t.ok(Math.min(...gaps) >= 4900, `shortest gap ${Math.min(...gaps)} ms`);
  },
);

t.test('respect_dns_ttl asks again when the answer runs out', async (t) => {
  const { clock, resolver, clusters } = dnsFixture();
  clusters.follow(dnsCluster({}, { respectTtl: true }));
  t.equal(resolver.questions[0]?.wantsTtl, true);
  resolver.answer('app.test', ['10.0.0.1'], 30000);
  clock.advance(29990);
  t.equal(resolver.asked.length, 1);
  clock.advance(20);
  t.equal(resolver.asked.length, 2);
});

t.test('dns_min_refresh_rate counts for answers that live shorter', async (t) => {
  const { clock, resolver, clusters } = dnsFixture();
  clusters.follow(dnsCluster({}, { respectTtl: true, minTtlMs: 20_000 }));
  resolver.answer('app.test', ['10.0.0.1'], 7000);
  clock.advance(19990);
  t.equal(resolver.asked.length, 1);
  clock.advance(20);
  t.equal(resolver.asked.length, 2);
  resolver.answer('app.test', ['10.0.0.1'], 0);
  clock.advance(5010);
  t.equal(resolver.asked.length, 3, 'one that does not live at all is left to dns_refresh_rate');
});

t.test('dns_jitter spreads the questions', async (t) => {
  const { clock, resolver, clusters } = dnsFixture();
  clusters.follow(dnsCluster({}, { jitterMs: 10000 }));
  const gaps = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    resolver.answer('app.test', ['10.0.0.1']);
    const startMs = clock.nowMs();
    while (resolver.openNames.length === 0) clock.advance(8);
    gaps.add(Math.round(clock.nowMs() - startMs));
  }
  t.equal(gaps.size, 5);
  t.ok(Math.min(...gaps) >= 5000 && Math.max(...gaps) <= 15010, [...gaps].join(' '));
});

t.test('a name that keeps failing is asked for less and less often', async (t) => {
  const { clock, resolver, clusters } = dnsFixture();
  const dns = { refreshMs: 1000, failureRefreshBaseMs: 1000, failureRefreshMaxMs: 64000 };
  clusters.follow(dnsCluster({}, dns));
  const gaps: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    resolver.fail('app.test');
    const startMs = clock.nowMs();
    while (resolver.openNames.length === 0) clock.advance(8);
    gaps.push(clock.nowMs() - startMs);
  }
  t.ok(Math.min(...gaps) >= 1000);
  t.ok(Math.max(...gaps) <= 64010);
  t.ok(Math.max(...gaps.slice(20)) > 10000, 'the delay grew');
});

t.test('a new configuration is resolved anew, an equal one is not', async (t) => {
  const { resolver, clusters, told } = dnsFixture();
  clusters.follow(dnsCluster());
  resolver.answer('app.test', ['10.0.0.1']);
  clusters.follow(dnsCluster());
  t.equal(told.length, 1);
  clusters.follow(dnsCluster({ endpoints: [endpointConfig({ address: 'new.test', port: 9 })] }));
  t.strictSame(clusters.unresolved(), ['c']);
  resolver.answer('new.test', ['10.0.0.2']);
  t.strictSame(told.slice(1), ['c: 10.0.0.2:9#0']);
  clusters.follow(clusterConfig());
  t.equal(clusters.endpoints().size, 0, 'it is static now');
});

t.test('a forgotten cluster hears no late answer and leaves no timer', async (t) => {
  const { clock, resolver, clusters, told, count } = dnsFixture();
  clusters.follow(dnsCluster());
  const settled = clusters.settled();
  clusters.forget('c');
  clusters.forget('unknown');
  await settled;
  resolver.answer('app.test', ['10.0.0.1']);
  t.strictSame(told, []);
  t.equal(clock.timers.armedCount, 0);
  t.equal(count('cluster.c.update_attempt'), undefined);
  clusters.follow(dnsCluster());
  clusters.stop();
  t.equal(clock.timers.armedCount, 0);
});
