import fs from 'node:fs';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import t from 'tap';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import type { GrpcServerConfig } from '../../proxy/xds/grpc-server.ts';
import { resourceType, TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, packed } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { eventually } from '../support/eventually.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { grpcServer, muxRig } from '../support/xds-mux.ts';

const CDS = TYPE_URLS.cluster;
const cluster = (name: string) => packed('envoy.config.cluster.v3.Cluster', { name });

interface Case {
  readonly plane: ControlPlane;
  readonly log: DiscoveryLog;
  readonly rig: ReturnType<typeof muxRig>;
}

/** Watches all clusters of a server of its own. */
async function watching(
  t: { teardown(end: () => void): void },
  changes: Partial<GrpcServerConfig> = {},
  mux: Parameters<typeof muxRig>[1] = {},
): Promise<Case> {
  const plane = await ControlPlane.listen();
  const rig = muxRig(grpcServer(plane.port, changes), mux);
  t.teardown(() => {
    rig.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  const stats = rig.stats.scope('cds');
  const names = new Set([ALL_NAMES]);
  rig.mux.subscribe({ typeUrl: CDS, names, fetchTimeoutMs: 0, stats }, log);
  return { plane, log, rig };
}

t.test('asks over the aggregated stream, hands on what comes and acknowledges it', async (t) => {
  const { log, plane, rig } = await watching(t);
  const stream = await plane.stream(0);
  const first = await stream.request(1);
  t.equal(first.node?.id, 'node');
  t.same([first.typeUrl, first.resourceNames, first.versionInfo], [CDS, [], '']);
  const resources = [cluster('one'), cluster('two')];
  stream.send({ typeUrl: CDS, versionInfo: '1', nonce: 'a', resources });
  const ack = await stream.request(2);
  t.same([ack.versionInfo, ack.responseNonce, ack.errorDetail], ['1', 'a', undefined]);
  t.same([log.told, log.last.isWhole], [['one two'], true]);
  t.equal(rig.stats.snapshot().gauges['control_plane.connected_state'], 1);
});

t.test('a server that was away comes back with another version', async (t) => {
  const { log, plane, rig } = await watching(t);
  const stream = await plane.stream(0);
  await stream.request(1);
  stream.send({ typeUrl: CDS, versionInfo: '1', nonce: 'a', resources: [cluster('one')] });
  await stream.request(2);
  plane.close();
  await eventually(() => !rig.mux.isConnected && log.failures.length > 2);
  const again = await ControlPlane.listen({ port: plane.port });
  t.teardown(() => again.close());
  const next = await again.stream(0);
  const first = await next.request(1);
  t.same([first.versionInfo, first.responseNonce, first.node?.id], ['1', '', 'node']);
  next.send({ typeUrl: CDS, versionInfo: '0', nonce: 'a', resources: [cluster('two')] });
  t.equal((await next.request(2)).versionInfo, '0');
  t.same(log.told, ['one', 'two']);
});

t.test('a stream that is half open is found by its missing answer to a ping', async (t) => {
  const plane = await ControlPlane.listen();
  const relay = await TcpRelay.listen(plane.port);
  const server = grpcServer(relay.port, {
    ...{ keepaliveMs: 100, keepaliveTimeoutMs: 100, connectTimeoutMs: 300 },
  });
  const rig = muxRig(server);
  t.teardown(() => {
    rig.close();
    relay.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  const names = new Set([ALL_NAMES]);
  rig.mux.subscribe({ typeUrl: CDS, names, fetchTimeoutMs: 0, stats: null }, log);
  await (await plane.stream(0)).request(1);
  relay.isSilent = true;
  await eventually(() => log.failures.length > 0);
  relay.isSilent = false;
  await (await plane.stream(1)).request(1);
  t.ok(rig.mux.isConnected);
});

t.test('a server that accepts and never speaks is given up after connect_timeout', async (t) => {
  const { plane, rig } = await watching(t);
  rig.close();
  const relay = await TcpRelay.listen(plane.port);
  relay.isSilent = true;
  const silent = muxRig(grpcServer(relay.port, { connectTimeoutMs: 50 }));
  t.teardown(() => {
    silent.close();
    relay.close();
  });
  const log = new DiscoveryLog();
  const names = new Set([ALL_NAMES]);
  silent.mux.subscribe({ typeUrl: CDS, names, fetchTimeoutMs: 0, stats: null }, log);
  await eventually(() => log.failures.length > 1);
  t.match(silent.lines[0], /gRPC config stream to xds_cluster closed: 14, /);
});

t.test('a server that answers nothing lets those who wait go on', async (t) => {
  const { plane, rig } = await watching(t);
  const log = new DiscoveryLog();
  const names = new Set(['a']);
  const typeUrl = TYPE_URLS.endpoint;
  rig.mux.subscribe({ typeUrl, names, fetchTimeoutMs: 30, stats: null }, log);
  const stream = await plane.stream(0);
  await stream.request(2);
  await eventually(() => log.failures.length > 0);
  t.same([log.failures, stream.isEnded], [['fetch-timeout'], false]);
});

t.test('takes responses over 4 MB, in drips', async (t) => {
  const plane = await ControlPlane.listen();
  const relay = await TcpRelay.listen(plane.port);
  relay.dripBytes = 16_001;
  const rig = muxRig(grpcServer(relay.port));
  t.teardown(() => {
    rig.close();
    relay.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  const names = new Set([ALL_NAMES]);
  rig.mux.subscribe({ typeUrl: CDS, names, fetchTimeoutMs: 0, stats: null }, log);
  const stream = await plane.stream(0);
  await stream.request(1);
  const resources = Array.from({ length: 50 }, (_, index) => cluster(`${index}${'x'.repeat(1e5)}`));
  stream.send({ typeUrl: CDS, versionInfo: '1', nonce: 'a', resources });
  t.equal((await stream.request(2)).versionInfo, '1');
  t.equal(log.last.resources.length, 50);
});

t.test('a response over the limit ends the stream and says why', async (t) => {
  const { plane, log, rig } = await watching(t, { maxResponseBytes: 1000 });
  const stream = await plane.stream(0);
  await stream.request(1);
  stream.send({ typeUrl: CDS, nonce: 'a', resources: [cluster('x'.repeat(2000))] });
  await eventually(() => log.failures.length > 0);
  t.match(rig.lines[0], /closed: 8, .*larger than max/);
});

t.test('reads the bearer token for each stream and sends configured metadata', async (t) => {
  const tokenPath = path.join(t.testdir({ token: 'first\n' }), 'token');
  const metadata = [['clusterid', 'Kubernetes']] as const;
  const secret = { kind: 'file', path: tokenPath } as const;
  const credentials = [{ key: 'authorization', prefix: 'Bearer ', secret }];
  const { plane, log, rig } = await watching(t, { credentials, metadata });
  const stream = await plane.stream(0);
  t.same(stream.metadata.get('authorization'), ['Bearer first']);
  t.same(stream.metadata.get('clusterid'), ['Kubernetes']);
  fs.writeFileSync(tokenPath, 'second');
  stream.end(grpc.status.UNAUTHENTICATED, 'token is expired');
  const next = await plane.stream(1);
  t.same(next.metadata.get('authorization'), ['Bearer second']);
  t.match(rig.lines[0], /^warning Stream.* closed: 16, token is expired$/);
  fs.rmSync(tokenPath);
  next.end();
  await eventually(() => log.failures.length > 2);
  t.match(rig.lines.at(-1), /closed: 16, its credentials cannot be read: ENOENT/);
});

t.test('streams of single types share a connection', async (t) => {
  const plane = await ControlPlane.listen();
  const server = grpcServer(plane.port);
  const rigs = [CDS, TYPE_URLS.listener].map((typeUrl) => {
    const rig = muxRig(server, {
      method: resourceType(typeUrl).incrementalMethod,
      isIncremental: true,
    });
    const request = { typeUrl, names: new Set([ALL_NAMES]), fetchTimeoutMs: 0, stats: null };
    rig.mux.subscribe(request, new DiscoveryLog());
    return rig;
  });
  t.teardown(() => {
    for (const rig of rigs) rig.close();
    plane.close();
  });
  const methods = [(await plane.stream(0)).method, (await plane.stream(1)).method].sort();
  t.match(methods, [/ClusterDiscoveryService\/DeltaClusters$/, /DeltaListeners$/]);
});
