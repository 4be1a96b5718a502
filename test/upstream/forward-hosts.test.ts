import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { StreamInfo } from '../../proxy/http/stream-info.ts';
import type { DnsCacheConfig } from '../../proxy/model/dns-cache.ts';
import type { LoadBalancerContext } from '../../proxy/upstream/cluster-manager.ts';
import type { CachedName } from '../../proxy/upstream/dns/cached-name.ts';
import type { DnsCache } from '../../proxy/upstream/dns/dns-cache.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from '../support/cluster-config.ts';
import { FakeDnsResolver } from '../support/fake-dns-resolver.ts';
import { upstreamFixture } from '../support/upstream-fixture.ts';

const LOCAL = socketAddress('10.0.0.1', 15_001);

function cacheConfig(members: Partial<DnsCacheConfig> = {}): DnsCacheConfig {
  const config = {
    name: 'names',
    dns: {
      ...{ refreshMs: 60_000, failureRefreshBaseMs: 60_000, failureRefreshMaxMs: 60_000 },
      ...{ respectTtl: true, minTtlMs: 5000, jitterMs: 0, family: 'auto' as const },
      resolver: { kind: 'getaddrinfo' as const },
    },
    ...{ hostTtlMs: 300_000, maxHosts: 3, queryTimeoutMs: 5000, maxPendingRequests: 10 },
    preresolved: [],
    ...members,
  };
  return { ...config, key: JSON.stringify(config) };
}

class Waiter {
  readonly told: string[] = [];
  onNameAnswered({ key, addresses, failure }: CachedName): void {
    this.told.push(`${key} ${addresses.map(({ text }) => text).join(' ') || failure}`);
  }
}

function fixture(members: Partial<DnsCacheConfig> = {}) {
  const upstream = upstreamFixture();
  const resolver = new FakeDnsResolver();
  const clusters = new WorkerClusters({ ...upstream.context, resolver });
  const cache = cacheConfig(members);
  const forwardProxy = { cache, defaultPort: 80 };
  const config = clusterConfig({ discovery: 'forward-proxy', forwardProxy, endpoints: [] });
  clusters.apply({ upserted: [config], removed: [] });
  const names = clusters.dnsCaches.find(cache) as DnsCache;
  const waiter = new Waiter();
  return {
    ...{ ...upstream, clusters, config, resolver, names, waiter },
    cluster: () => clusters.get('c') as WorkerCluster,
    dnsStat: (name: string) => upstream.stat(`dns_cache.names.${name}`),
    find: (key: string) => {
      const found = names.find(key, waiter);
      return typeof found === 'string' ? found : found.addresses.map(({ text }) => text).join(' ');
    },
  };
}

function going(authority: string | null, serverName = '', port = ''): LoadBalancerContext {
  const filterState = port === '' ? null : new Map([['envoy.upstream.dynamic_port', port]]);
  const downstream = {
    ...{ id: 1, requestedServerName: serverName, filterChainName: '', tls: null, filterState },
    ...{ directLocalAddress: LOCAL, localAddress: LOCAL },
    ...{ directRemoteAddress: LOCAL, remoteAddress: LOCAL },
  };
  const target = { path: '/', authority: authority ?? '', scheme: 'http' };
  const head = new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty());
  return { request: authority === null ? null : head, info: new StreamInfo(downstream, 0, 0) };
}

t.test('a name that was looked up is a host, for requests and for connections', async (t) => {
  const { find, resolver, waiter, cluster, stat, dnsStat } = fixture();
  t.equal(cluster().pickHost(going('a.test')), null, 'nobody asked for it');
  t.equal(find('a.test:80'), 'loading');
  t.equal(find('a.test:80'), 'loading');
  t.same(resolver.asked, ['a.test']);
  resolver.answer('a.test', ['10.0.0.7', '10.0.0.8'], 30_000);
  t.same(waiter.told, ['a.test:80 10.0.0.7:80 10.0.0.8:80'], 'one that waits twice is told once');
  const host = cluster().pickHost(going('a.test'));
  t.equal(host?.address.text, '10.0.0.7:80');
  t.same(
    host?.moreAddresses.map(({ text }) => text),
    ['10.0.0.8:80'],
  );
  t.equal(cluster().pickHost(going('a.test:80')), host);
  t.equal(cluster().pickHost(going('a.test:81')), null);
  t.equal(cluster().pickHost(going(null, 'a.test')), host);
  t.equal(cluster().pickHost(going(null, 'a.test', '443')), null);
  t.equal(cluster().pickHost(going(null)), null);
  t.equal(cluster().pickHost(going('')), null);
  t.equal(find('a.test:80'), '10.0.0.7:80 10.0.0.8:80');
  t.equal(stat('cluster.c.membership_total'), 1);
  t.same([dnsStat('num_hosts'), dnsStat('dns_query_success')], [1, 1]);
});

t.test('is asked for again by its time to live, and forgotten when nobody wants it', async (t) => {
  const { find, resolver, cluster, clock, stat, dnsStat } = fixture({ hostTtlMs: 40_000 });
  find('a.test:80');
  resolver.answer('a.test', ['10.0.0.7'], 30_000);
  const host = cluster().pickHost(going('a.test'));
  clock.advance(29_000);
  t.same(resolver.openNames, []);
  clock.advance(2000);
  t.same(resolver.openNames, ['a.test']);
  resolver.answer('a.test', ['10.0.0.9'], 0);
  t.equal(host?.address.text, '10.0.0.9:80', 'new connections go there');
  t.equal(dnsStat('host_address_changed'), 2);
  clock.advance(6000);
  t.same(resolver.openNames, ['a.test'], 'at least dns_min_refresh_rate goes by');
  resolver.fail('a.test');
  t.equal(cluster().pickHost(going('a.test')), host, 'what was found is kept');
  clock.advance(62_000);
  t.equal(cluster().pickHost(going('a.test')), null);
  t.equal(host?.isRemoved, true);
  t.same([stat('cluster.c.membership_total'), dnsStat('host_removed')], [0, 1]);
  t.equal(dnsStat('num_hosts'), 0);
});

t.test('a name without an address is known as one', async (t) => {
  const { find, resolver, waiter, cluster, clock, dnsStat } = fixture();
  find('none.test:80');
  find('slow.test:80');
  resolver.answer('none.test', []);
  clock.advance(6000);
  t.same(waiter.told, [
    'none.test:80 cares_norecords:Domain_name_not_found',
    'slow.test:80 resolve_timeout',
  ]);
  t.equal(find('none.test:80'), '');
  t.equal(cluster().pickHost(going('none.test')), null);
  t.same([dnsStat('dns_query_timeout'), dnsStat('dns_query_failure')], [1, 1]);
  resolver.answer('slow.test', ['10.0.0.1']);
  t.equal(find('slow.test:80'), '', 'what comes too late does not count');
});

t.test('addresses, and what is no name, are never asked for', async (t) => {
  const { find, resolver, waiter } = fixture({ maxHosts: 9 });
  const keys = ['10.1.1.1:90', '[fd00::1]:80', 'a b:80', 'x:99999', '[a]:80', '..:80'];
  for (const key of keys) t.equal(find(key), 'loading');
  await Promise.resolve();
  t.same(resolver.asked, []);
  t.same(waiter.told, [
    '10.1.1.1:90 10.1.1.1:90',
    '[fd00::1]:80 [fd00::1]:80',
    ...keys.slice(2).map((key) => `${key} cares_failure:Misformatted_domain_name`),
  ]);
});

t.test('names and requests that wait are limited', async (t) => {
  const { find, resolver, names, waiter, dnsStat } = fixture({ maxHosts: 2 });
  t.equal(find('a.test:80'), 'loading');
  t.equal(find('b.test:80'), 'loading');
  t.equal(find('c.test:80'), 'hosts-overflow');
  t.equal(find('b.test:80'), 'hosts-overflow', 'as Envoy, while it is not answered');
  resolver.answer('a.test', ['10.0.0.1']);
  t.equal(find('a.test:80'), '10.0.0.1:80');
  t.equal(dnsStat('host_overflow'), 2);
  names.giveUp('b.test:80', waiter);
  names.giveUp('b.test:80', waiter);
  t.equal(dnsStat('circuit_breakers.rq_pending_remaining'), 10);

  const few = fixture({ maxPendingRequests: 1 });
  t.equal(few.find('a.test:80'), 'loading');
  t.equal(few.dnsStat('circuit_breakers.rq_pending_open'), 1);
  t.equal(few.find('b.test:80'), 'requests-overflow');
  few.resolver.answer('a.test', ['10.0.0.1']);
  t.equal(few.find('b.test:80'), 'loading');
  t.equal(few.dnsStat('dns_rq_pending_overflow'), 1);
});

t.test('a cluster that replaces one has its names; the last one ends the cache', async (t) => {
  const preresolved = ['a.test:80'];
  const { clusters, config, cluster, resolver, find, waiter, clock } = fixture({ preresolved });
  t.same(resolver.asked, ['a.test']);
  resolver.answer('a.test', ['10.0.0.1'], 30_000);
  const before = cluster().pickHost(going('a.test'));
  clusters.apply({ upserted: [{ ...config, connectTimeoutMs: 1 }], removed: [] });
  const after = cluster().pickHost(going('a.test'));
  t.equal(after?.address.text, '10.0.0.1:80');
  t.not(after, before);
  find('b.test:80');
  clusters.apply({ upserted: [], removed: ['c'] });
  t.same(waiter.told, ['b.test:80 canceled']);
  clock.advance(100_000);
  t.same(resolver.asked, ['a.test', 'b.test']);
});
