// Pools of plain TCP connections: one for each tunnel that ends here.
import t from 'tap';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../../proxy/http/message.ts';
import type { RequestSender } from '../../../proxy/http/stream.ts';
import type { ClusterConfig } from '../../../proxy/model/cluster.ts';
import type { StreamWaiter, UpstreamConnectionInfo } from '../../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../../proxy/upstream/host.ts';
import { CLIENT_CODECS } from '../../../proxy/upstream/pool/client-codecs.ts';
import type { WorkerCluster } from '../../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from '../../support/cluster-config.ts';
import type { FakeConnection } from '../../support/fake-connector.ts';
import { limits } from '../../support/pool-fixture.ts';
import { upstreamFixture } from '../../support/upstream-fixture.ts';

class Tunnel implements StreamWaiter {
  readonly events: string[] = [];
  sender: RequestSender | null = null;
  connection: UpstreamConnectionInfo | null = null;

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    this.sender = sender;
    this.connection = connection;
    const target = { path: '', authority: 'h:1', scheme: 'http' };
    sender.sendRequestHead(
      new RequestHead('HTTP/1.1', 'CONNECT', target, HeaderList.empty()),
      false,
    );
  }

  onPoolFailure(reason: string, detail: string): void {
    this.events.push(`failed ${reason} ${detail}`.trim());
  }

  onResponseHead({ status }: ResponseHead): void {
    this.events.push(String(status));
  }

  onData(data: Buffer, endStream: boolean): void {
    this.events.push(`${data.toString('latin1')}${endStream ? ' end' : ''}`);
  }

  onReset(reason: string): void {
    this.events.push(`reset ${reason}`);
  }

  onInformational(): void {
    this.events.push('1xx');
  }

  onTrailers(): void {
    this.events.push('trailers');
  }

  onWritable(): void {
    this.events.push('writable');
  }

  send(text: string, endStream = false): void {
    this.sender?.sendData(Buffer.from(text), endStream);
  }
}

function tunnels(members: Partial<ClusterConfig> = {}) {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters({ ...fixture.context, codecs: CLIENT_CODECS });
  clusters.apply({ upserted: [clusterConfig(members)], removed: [] });
  const cluster = clusters.get('c') as WorkerCluster;
  const host = cluster.hostSet.hosts[0] as Host;
  const open = (): Tunnel => {
    const tunnel = new Tunnel();
    cluster.tunnelPool(host).acquire(tunnel);
    return tunnel;
  };
  const connection = (index: number) => fixture.connector.connections[index] as FakeConnection;
  const count = (name: string): number => fixture.stat(`cluster.c.upstream_${name}`);
  return { ...fixture, clusters, cluster, host, open, connection, count };
}

t.test('each tunnel has a connection of its own, which is all it asks for', async (t) => {
  const { open, connection, count, cluster, host } = tunnels();
  const [first, second] = [open(), open()];
  t.same(first.events, []);
  connection(0).accept();
  connection(1).accept();
  t.same([first.events, second.events], [['200'], ['200']]);
  t.equal(first.connection?.protocol, null);
  first.send('abc');
  t.equal(connection(0).written, 'abc', 'and nothing of the head leaves');
  t.equal(cluster.tunnelPool(host), cluster.tunnelPool(host));
  t.not(cluster.tunnelPool(host), cluster.httpPool(host, 'HTTP/1.1'));
  t.same([count('cx_total'), count('rq_total'), count('cx_http1_total')], [2, 2, 0]);
});

t.test('a connection ends behind its tunnel, with all that was said', async (t) => {
  const { open, connection, count } = tunnels();
  const tunnel = open();
  connection(0).accept();
  connection(0).receive('bye');
  connection(0).receiveEnd();
  t.same(tunnel.events, ['200', 'bye', ' end']);
  t.notOk(connection(0).isClosed, 'the client may go on');
  tunnel.send('last words', true);
  t.equal(connection(0).written, 'last words');
  t.equal(connection(0).closeMode, 'flush', 'they still leave');
  t.same([count('cx_active'), count('rq_active'), count('cx_destroy_with_active_rq')], [0, 0, 1]);
  open();
  t.equal(connection(1).isConnecting, true, 'and is never used again');
});

t.test('a client that ends its side hears the server out', async (t) => {
  const { open, connection } = tunnels();
  const tunnel = open();
  connection(0).accept();
  tunnel.send('bye', true);
  t.ok(connection(0).isHalfClosed);
  connection(0).receive('see you');
  connection(0).receiveEnd();
  t.same(tunnel.events, ['200', 'see you', ' end']);
  t.ok(connection(0).isClosed);
});

t.test('a connection that fails fails its tunnel', async (t) => {
  const { open, connection, count, clock } = tunnels();
  const refused = open();
  connection(0).refuse();
  t.same(refused.events, ['failed connection-failure delayed connect error: Connection refused']);
  const slow = open();
  clock.advance(clusterConfig().connectTimeoutMs + 1000);
  t.same(slow.events, ['failed connection-timeout']);
  t.same([count('cx_connect_fail'), count('cx_connect_timeout')], [2, 1]);
  const cut = open();
  connection(2).accept();
  connection(2).end('peer-reset', 'Connection reset by peer');
  t.same(cut.events, ['200', 'reset connection-termination']);
  t.equal(count('cx_destroy_remote_with_active_rq'), 1);
});

t.test('max_requests does not count tunnels, the other limits do', async (t) => {
  const free = tunnels(limits({ maxRequests: 0 }));
  const tunnel = free.open();
  free.connection(0).accept();
  t.same(tunnel.events, ['200']);
  const full = tunnels(limits({ maxPendingRequests: 0 }));
  t.same(full.open().events, ['failed overflow']);
  const one = tunnels(limits({ maxConnections: 1 }));
  const [first, second] = [one.open(), one.open()];
  one.connection(0).accept();
  t.equal(one.connector.connections.length, 1);
  t.same(second.events, [], 'it waits');
  first.sender?.reset('local-reset');
  one.connection(1).accept();
  t.same(second.events, ['200']);
});

t.test('a host that goes away keeps its tunnels', async (t) => {
  const { open, connection, clusters, cluster } = tunnels();
  const tunnel = open();
  connection(0).accept();
  clusters.apply({ upserted: [], removed: ['c'] });
  tunnel.send('still here');
  t.equal(connection(0).written, 'still here');
  cluster.close();
  t.same(tunnel.events, ['200', 'reset connection-termination']);
});
