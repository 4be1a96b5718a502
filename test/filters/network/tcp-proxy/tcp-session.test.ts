import t from 'tap';
import { parseTextFormat } from '../../../../proxy/formatter/parse.ts';
import type { TcpTunnelingConfig } from '../../../../proxy/model/tcp-proxy.ts';
import { clusterLimits } from '../../../support/cluster-config.ts';
import { tcpRig } from '../../../support/tcp-rig.ts';

t.test('connects when the client does and hands octets on both ways', async (t) => {
  const rig = tcpRig();
  rig.upstream().accept();
  rig.upstream().receive('greeting');
  t.equal(rig.client.written, 'greeting', 'a server may speak first');
  rig.client.receive('question');
  t.equal(rig.upstream().written, 'question');
  t.equal(rig.stat('tcp.t.downstream_cx_rx_bytes_total'), 8);
  t.equal(rig.stat('tcp.t.downstream_cx_tx_bytes_total'), 8);
});

t.test('each side ends on its own, and the log line comes with the end of both', async (t) => {
  const rig = tcpRig();
  rig.upstream().accept();
  rig.client.receive('all');
  rig.client.receiveEnd();
  t.ok(rig.upstream().isHalfClosed);
  t.notOk(rig.client.isClosed);
  rig.upstream().receive('answer');
  rig.upstream().receiveEnd();
  t.equal(rig.client.closeMode, 'flush');
  t.equal(rig.client.written, 'answer');
  t.same(rig.logged, []);
  rig.session.onClose('local-close', '');
  t.same(rig.logged, ['TcpConnectionEnd - 3/6']);
  t.equal(rig.upstream().closeMode, 'flush');
  t.equal(rig.clock.timers.armedCount, 0, 'no timer is left');
});

t.test('an upstream that ends first lets the client go on', async (t) => {
  const rig = tcpRig();
  const upstream = rig.upstream();
  upstream.accept();
  upstream.receive('bye');
  upstream.receiveEnd();
  t.ok(rig.client.isHalfClosed);
  rig.client.receive('more');
  t.equal(upstream.written, 'more');
  rig.client.receiveEnd();
  t.equal(rig.client.closeMode, 'flush');
  t.equal(rig.stat('cluster.c.upstream_cx_destroy_local_with_active_rq'), 1);
});

t.test('keeps what comes before there is an upstream, and reads no more meanwhile', async (t) => {
  const rig = tcpRig();
  rig.client.receive('early');
  t.ok(rig.client.isPaused);
  rig.client.receiveEnd();
  rig.upstream().accept();
  t.equal(rig.upstream().written, 'early');
  t.notOk(rig.client.isPaused);
  t.ok(rig.upstream().isHalfClosed);
});

t.test('a reset goes through to the other side', async (t) => {
  const fromClient = tcpRig();
  fromClient.upstream().accept();
  fromClient.client.end('peer-reset', 'Connection reset by peer');
  t.equal(fromClient.upstream().closeMode, 'reset');
  t.same(fromClient.logged, ['TcpConnectionEnd - 0/0']);

  const fromUpstream = tcpRig();
  fromUpstream.upstream().accept();
  fromUpstream.upstream().end('peer-reset', 'Connection reset by peer');
  t.equal(fromUpstream.client.closeMode, 'reset');
  fromUpstream.session.onClose('local-close', '');
  t.same(fromUpstream.logged, ['TcpConnectionEnd UR 0/0']);
});

t.test('a failed connect is tried max_connect_attempts times', async (t) => {
  const rig = tcpRig({ proxy: { maxConnectAttempts: 3 } });
  rig.upstream().refuse();
  rig.upstream().refuse();
  t.notOk(rig.client.isClosed);
  rig.upstream().refuse();
  t.equal(rig.client.closeMode, 'now');
  t.equal(rig.connector.connections.length, 3);
  t.equal(rig.stat('cluster.c.upstream_cx_connect_attempts_exceeded'), 1);
  rig.session.onClose('local-close', '');
  t.same(rig.logged, ['TcpConnectionEnd UF,URX 0/0']);
});

t.test('a connect that takes too long fails like one that is refused', async (t) => {
  const rig = tcpRig({ cluster: { connectTimeoutMs: 100 } });
  rig.clock.advance(120);
  t.equal(rig.client.closeMode, 'now');
  rig.session.onClose('local-close', '');
  t.same(rig.logged, ['TcpConnectionEnd UF,URX 0/0']);
});

t.test('says why there is no upstream', async (t) => {
  const noCluster = tcpRig({ proxy: { clusters: [{ name: 'x', weight: 1, metadataMatch: {} }] } });
  t.equal(noCluster.client.closeMode, 'now');
  t.equal(noCluster.stat('tcp.t.downstream_cx_no_route'), 1);
  const noHost = tcpRig({ cluster: { endpoints: [] } });
  t.equal(noHost.stat('cluster.c.upstream_cx_none_healthy'), 1);
  const limits = clusterLimits({ maxConnections: 0 });
  const overflow = tcpRig({ cluster: { limits } });
  t.equal(overflow.stat('cluster.c.upstream_cx_overflow'), 1);
  const rigs = [noCluster, noHost, overflow];
  for (const rig of rigs) rig.session.onClose('local-close', '');
  const flags = rigs.map((rig) => rig.logged[0]?.split(' ')[1]);
  t.same(flags, ['NC', 'UH', 'UO']);
});

t.test('a client that leaves while it connects takes its place in the queue with it', async (t) => {
  const rig = tcpRig();
  rig.client.end('peer-reset', '');
  t.equal(rig.stat('cluster.c.upstream_rq_pending_active'), 0);
  t.same(rig.logged, ['TcpConnectionEnd - 0/0']);
});

t.test('ends a session that is idle, not one that is slow', async (t) => {
  const rig = tcpRig({ proxy: { idleTimeoutMs: 1000 } });
  rig.upstream().accept();
  rig.clock.advance(900);
  rig.upstream().receive('.');
  rig.clock.advance(900);
  t.notOk(rig.client.isClosed);
  rig.clock.advance(200);
  t.equal(rig.client.closeMode, 'now');
  t.equal(rig.upstream().closeMode, 'now');
  t.equal(rig.stat('tcp.t.idle_timeout'), 1);
});

t.test('filters in front may give it another cluster and another idle timeout', async (t) => {
  const filterState = new Map([
    ['envoy.tcp_proxy.cluster', 'c'],
    ['envoy.tcp_proxy.per_connection_idle_timeout_ms', '100'],
  ]);
  const rig = tcpRig({
    proxy: { clusters: [{ name: 'x', weight: 1, metadataMatch: {} }] },
    filterState,
  });
  rig.upstream().accept();
  rig.clock.advance(120);
  t.equal(rig.stat('tcp.t.idle_timeout'), 1);
});

t.test('ends a session at max_downstream_connection_duration', async (t) => {
  const rig = tcpRig({ proxy: { maxDownstreamConnectionDurationMs: 500 } });
  rig.upstream().accept();
  rig.clock.advance(520);
  t.equal(rig.stat('tcp.t.max_downstream_connection_duration'), 1);
  rig.session.onClose('local-close', '');
  t.same(rig.logged, ['TcpConnectionEnd DT 0/0']);
});

t.test('writes lines when it is connected and at intervals', async (t) => {
  const proxy = { flushesLogOnConnected: true, accessLogFlushIntervalMs: 1000 };
  const rig = tcpRig({ proxy });
  rig.upstream().accept();
  rig.upstream().receive('abc');
  rig.clock.advance(1010);
  rig.clock.advance(1010);
  const periodic = 'TcpPeriodic - 0/3';
  t.same(rig.logged, ['TcpUpstreamConnected - 0/0', periodic, periodic]);
});

t.test('a tunnel begins with CONNECT and an answer that agrees', async (t) => {
  const rig = tcpRig({ proxy: { tunneling: tunneling() } });
  const upstream = rig.upstream();
  upstream.accept();
  rig.client.receive('early');
  t.equal(upstream.written, 'CONNECT db.test:5432 HTTP/1.1\r\nhost: db.test:5432\r\n\r\n');
  upstream.receive('HTTP/1.1 200 OK\r\n\r\ngreeting');
  t.equal(rig.client.written, 'greeting');
  t.match(upstream.written, /\r\n\r\nearly$/);
});

t.test('a proxy that does not agree to a tunnel is a failed connect', async (t) => {
  const rig = tcpRig({ proxy: { tunneling: tunneling() } });
  rig.upstream().accept();
  rig.upstream().receive('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  t.equal(rig.client.closeMode, 'now');
  rig.session.onClose('local-close', '');
  t.same(rig.logged, ['TcpConnectionEnd UF,URX 0/0']);
});

t.test('with use_post the end of the response is the end of the session', async (t) => {
  const rig = tcpRig({ proxy: { tunneling: { ...tunneling(), usesPost: true, postPath: '/t' } } });
  const upstream = rig.upstream();
  upstream.accept();
  upstream.receive('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  rig.client.receive('xy');
  t.match(upstream.written, /^POST \/t HTTP\/1.1\r\nhost: db.test:5432\r\n/);
  t.match(upstream.written, /2\r\nxy\r\n$/);
  upstream.receive('0\r\n\r\n');
  t.equal(rig.client.written, 'abc');
  t.equal(rig.client.closeMode, 'flush');
});

function tunneling(): TcpTunnelingConfig {
  const options = { forHeader: true, omitEmptyValues: false };
  const parsed = parseTextFormat('db.test:5432', options as never);
  if (!parsed.ok) throw new Error(parsed.error);
  const headers = { remove: [], set: [] };
  return { hostname: parsed.formatter, usesPost: false, postPath: '/', headers };
}
