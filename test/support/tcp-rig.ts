import { NO_OVERLOAD } from '../../proxy/filters/network-filter.ts';
// One downstream connection of a TCP proxy over fakes: its time, its client, its upstreams.

import { socketAddress } from '../../proxy/base/address.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { DiscoveredHub } from '../../proxy/filters/discovered-configs.ts';
import { tcpProxyDefinition } from '../../proxy/filters/network/tcp-proxy.ts';
import type { DownstreamConnection, WorkerServices } from '../../proxy/filters/network-filter.ts';
import type { DownstreamConnectionInfo } from '../../proxy/http/stream-info.ts';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import type { TcpProxyConfig } from '../../proxy/model/tcp-proxy.ts';
import { UNWATCHED } from '../../proxy/model/watched-file.ts';
import { SecretHub } from '../../proxy/tls/secret-hub.ts';
import { CLIENT_CODECS } from '../../proxy/upstream/pool/client-codecs.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from './cluster-config.ts';
import { FakeConnection } from './fake-connector.ts';
import { seededRandom } from './seeded-random.ts';
import { testTlsServices } from './tls-services.ts';
import { type UpstreamFixture, upstreamFixture } from './upstream-fixture.ts';

/** A TCP proxy to the cluster `c`, with some members replaced. */
export function tcpProxyConfig(members: Partial<TcpProxyConfig> = {}): TcpProxyConfig {
  return {
    statPrefix: 't',
    clusters: [{ name: 'c', weight: 1, metadataMatch: {} }],
    totalWeight: 1,
    hashPolicy: null,
    idleTimeoutMs: 3_600_000,
    maxDownstreamConnectionDurationMs: 0,
    maxConnectAttempts: 1,
    accessLogs: [{ filter: null, sink: { kind: 'stdout' }, formatter: { format: () => '' } }],
    accessLogFlushIntervalMs: 0,
    flushesLogOnConnected: false,
    tunneling: null,
    ...members,
  };
}

/** What a test works with. */
export interface TcpRig extends UpstreamFixture {
  /** The client's end. */
  readonly client: FakeConnection;
  readonly session: DownstreamConnection;
  /** `type flags received/sent`, a line each. */
  readonly logged: string[];
  /** The connection to an upstream that was made last. */
  upstream(): FakeConnection;
}

/** What a test may change. */
export interface TcpRigOptions {
  readonly proxy?: Partial<TcpProxyConfig>;
  readonly cluster?: Partial<ClusterConfig>;
  readonly filterState?: ReadonlyMap<string, unknown>;
}

/** A client that has just connected. */
export function tcpRig({ proxy, cluster, filterState }: TcpRigOptions = {}): TcpRig {
  const fixture = upstreamFixture();
  const clusters = new WorkerClusters({ ...fixture.context, codecs: CLIENT_CODECS });
  clusters.apply({ upserted: [clusterConfig(cluster)], removed: [] });
  const logged: string[] = [];
  const services: WorkerServices = {
    ...{ clock: fixture.clock, timers: fixture.clock.timers, random: seededRandom(1) },
    ...{ codecServices: fixture.context.codecServices, clusters, stats: fixture.stats },
    cells: fixture.context.cells,
    secrets: new SecretHub(),
    tls: testTlsServices(),
    log: SILENT_LOG.logger('filters'),
    node: { id: '', cluster: '', region: '', zone: '', subZone: '' } as never,
    localIp: '10.0.0.1',
    discovered: new DiscoveredHub(),
    files: UNWATCHED,
    openAccessLog: () => ({
      write: ({ info, logType }) => {
        const flags = info.flags === null ? '-' : info.flags.join(',');
        logged.push(`${logType} ${flags} ${info.bytesReceived}/${info.bytesSent}`);
      },
    }),
  };
  const options = { bufferLimitBytes: 1024, keepalive: null, bindAddress: null };
  const nobody = {
    ...{ onConnected: () => {}, onBytes: () => {}, onEnd: () => {} },
    ...{ onDrain: () => {}, onClose: () => {} },
  };
  const client = new FakeConnection(1000, socketAddress('10.0.0.9', 40000), options, nobody);
  client.accept();
  const listener = {
    scope: fixture.stats.scope('listener.l'),
    bufferLimitBytes: 1024,
    overload: NO_OVERLOAD,
    shouldDrainClose: () => false,
    isHealthCheckFailed: () => false,
  } as const;
  const factory = tcpProxyDefinition.factory(tcpProxyConfig(proxy), services, listener);
  const session = factory.create(client, connectionInfo(client, filterState));
  client.setHandler(session);
  return { ...fixture, client, session, logged, upstream: () => fixture.connector.last() };
}

function connectionInfo(
  client: FakeConnection,
  filterState: ReadonlyMap<string, unknown> | undefined,
): DownstreamConnectionInfo {
  return {
    id: client.id,
    directRemoteAddress: client.remoteAddress,
    remoteAddress: client.remoteAddress,
    localAddress: client.localAddress,
    directLocalAddress: client.localAddress,
    requestedServerName: '',
    filterChainName: '',
    tls: null,
    filterState: filterState === undefined ? null : new Map(filterState),
  };
}
