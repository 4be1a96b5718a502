import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { StreamInfo } from '../../proxy/http/stream-info.ts';
import type { ClusterConfig, OriginalDstConfig } from '../../proxy/model/cluster.ts';
import type { LoadBalancerContext } from '../../proxy/upstream/cluster-manager.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { parseDestination } from '../../proxy/upstream/original-dst-hosts.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from '../support/cluster-config.ts';
import { FakeWaiter } from '../support/fake-waiter.ts';
import { upstreamFixture } from '../support/upstream-fixture.ts';

const DIRECT = socketAddress('10.0.0.1', 15001);

function fixture(
  dst: Partial<OriginalDstConfig> = {},
  sourceAddresses: ClusterConfig['sourceAddresses'] = [],
) {
  const upstream = upstreamFixture();
  const clusters = new WorkerClusters(upstream.context);
  const originalDst = { httpHeader: '', portOverride: null, cleanupIntervalMs: 5000, ...dst };
  const discovery = 'original-dst';
  const config = clusterConfig({ discovery, originalDst, sourceAddresses, endpoints: [] });
  clusters.apply({ upserted: [config], removed: [] });
  const cluster = clusters.get('c') as WorkerCluster;
  return { ...upstream, clusters, cluster };
}

/** A connection that was meant for `local`, with a request if it has a header. */
function going(local: string, header = '', client = '10.9.9.9'): LoadBalancerContext {
  const remote = socketAddress(client, 40_000);
  const downstream = {
    ...{ id: 1, requestedServerName: '', filterChainName: '', tls: null },
    ...{ filterState: null, directLocalAddress: DIRECT },
    localAddress: parseDestination(local) ?? DIRECT,
    ...{ directRemoteAddress: remote, remoteAddress: remote },
  };
  const headers = header === '' ? HeaderList.empty() : HeaderList.of('x-dst', header);
  const target = { path: '/', authority: 'a', scheme: 'http' };
  const request = new RequestHead('HTTP/1.1', 'GET', target, headers);
  return { request, info: new StreamInfo(downstream, 0, 0) };
}

t.test('goes where the connection was going, with one host for each address', async (t) => {
  const { cluster, stat } = fixture();
  const first = cluster.pickHost(going('10.1.1.1:80'));
  t.equal(first?.address.text, '10.1.1.1:80');
  t.equal(cluster.pickHost(going('10.1.1.1:80')), first);
  t.not(cluster.pickHost(going('[fd00::1]:80')), first);
  t.equal(stat('cluster.c.membership_total'), 2);
  t.same(
    cluster.hostSet.hosts.map(({ address }) => address.text),
    ['10.1.1.1:80', '[fd00::1]:80'],
  );
});

t.test('a connection that nothing redirected has no destination', async (t) => {
  const { cluster } = fixture({ httpHeader: 'x-dst' });
  t.equal(cluster.pickHost(going(DIRECT.text)), null);
  t.equal(cluster.pickHost(going('10.1.1.1:80', DIRECT.text)), null, 'nor by its header');
});

t.test('with a source address of its own only its own connections lead back', async (t) => {
  const { cluster } = fixture({}, [{ ip: '127.0.0.6', port: 0, socketOptions: [] }]);
  t.equal(cluster.pickHost(going(DIRECT.text))?.address.text, DIRECT.text);
  t.equal(cluster.pickHost(going(DIRECT.text, '', '127.0.0.6')), null);
});

t.test('takes the destination from a header where it is asked to', async (t) => {
  const { cluster, stat } = fixture({ httpHeader: 'x-dst' });
  t.equal(cluster.pickHost(going('10.1.1.1:80', '10.2.2.2:90'))?.address.text, '10.2.2.2:90');
  t.equal(cluster.pickHost(going('10.1.1.1:80', 'db:90'))?.address.text, '10.1.1.1:80');
  t.equal(stat('cluster.c.original_dst_host_invalid'), 1);
  t.equal(cluster.pickHost(going('10.1.1.1:80'))?.address.text, '10.1.1.1:80');
});

t.test('replaces the port', async (t) => {
  const { cluster } = fixture({ portOverride: 15008 });
  t.equal(cluster.pickHost(going('10.1.1.1:80'))?.address.text, '10.1.1.1:15008');
});

t.test('forgets hosts that nothing was sent to for an interval', async (t) => {
  const { cluster, clock, stat, connector } = fixture();
  const old = cluster.pickHost(going('10.1.1.1:80')) as Host;
  const waiter = new FakeWaiter();
  cluster.tunnelPool(old).acquire(waiter);
  connector.last().accept();
  clock.advance(5010);
  t.equal(stat('cluster.c.membership_total'), 1, 'it was used in this interval');
  clock.advance(5010);
  t.equal(stat('cluster.c.membership_total'), 0);
  t.ok(old.isRemoved);
  t.notOk(connector.last().isClosed, 'what flows goes on');
  t.not(cluster.pickHost(going('10.1.1.1:80')), old);
});

t.test('a cluster that was removed leaves no timer', async (t) => {
  const { cluster, clusters, clock } = fixture();
  cluster.pickHost(going('10.1.1.1:80'));
  clusters.apply({ upserted: [], removed: ['c'] });
  t.equal(clock.timers.armedCount, 0);
  const late = cluster.pickHost(going('10.1.1.2:80'));
  t.equal(late?.isRemoved, true, 'a session that has the cluster already is still served');
  t.equal(clock.timers.armedCount, 0);
});

t.test('an address is numeric and has a port', async (t) => {
  t.equal(parseDestination('1.2.3.4:80')?.text, '1.2.3.4:80');
  t.equal(parseDestination('[::1]:80')?.text, '[::1]:80');
  const bad = ['', '1.2.3.4', '1.2.3.4:', '1.2.3.4:0', '1.2.3.4:65536', '1.2.3:80', '::1:80'];
  for (const text of [...bad, '[1.2.3.4]:80', 'a:80', '1.2.3.4:80 ', '[::1%lo]:80']) {
    t.equal(parseDestination(text), null, text);
  }
});
