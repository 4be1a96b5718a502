// Opens management servers: the cluster that grpc_services or cluster_names names says where they
// are and how they are spoken to.
import { clone, create, type Message } from '@bufbuild/protobuf';
import {
  BuildVersionSchema,
  type Node,
  NodeSchema,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { ApiConfigSource } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { GrpcService } from '../../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { SemanticVersionSchema } from '../../api/gen/envoy/type/v3/semantic_version_pb.js';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { CompileEnvironment } from '../../model/extension.ts';
import type { EventLoop } from '../../net/event-loop.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import { staticEndpoints } from '../../upstream/host-update.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type { ServerTarget } from '../../xds/grpc-channel.ts';
import type { GrpcServer } from '../../xds/grpc-server.ts';
import {
  type GrpcServiceParts,
  grpcServer,
  openApiSource,
  type ServerCluster,
} from '../../xds/open-api-source.ts';
import type { ServerTls } from '../../xds/server-tls.ts';
import { beginSlices } from '../run-in-slices.ts';
import type { OpenServer } from './discovery-sources.ts';
import { googleServer } from './google-server.ts';
import { ServerTlsSource, tlsOf } from './server-tls.ts';

/** What servers are opened with. */
export interface ManagementServersParts {
  /** dynamic_resources.ads_config; null: there is none. */
  readonly ads: Message | null;
  /** The bootstrap's. */
  readonly node: () => Node | undefined;
  /** A cluster of the bootstrap; null: it is not in use. */
  readonly findCluster: (name: string) => ClusterConfig | null;
  /** Hosts that were found by name; undefined: the configuration says it all. */
  readonly endpointsOf: (cluster: string) => readonly ResolvedEndpoint[] | undefined;
  readonly secrets: Secrets;
  /** What configurations are compiled against. */
  readonly environment: () => CompileEnvironment;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly loop: EventLoop;
  readonly random: Random;
  readonly log: Logger;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
/** What servers decide by what this proxy can do. */
const USER_AGENT = 'envoy';
const ENVOY_VERSION = { majorNumber: 1, minorNumber: 40, patch: 0 };
const CLIENT_FEATURES = [
  'envoy.lb.does_not_support_overprovisioning',
  'envoy.lrs.supports_send_all_clusters',
];

/** Opens servers. */
export interface ManagementServers {
  /** What a configuration names; each call is another server. */
  readonly openSource: OpenServer;
  /** A service that was checked before, for streams of another kind; each call is another server. */
  readonly openService: (service: GrpcService) => GrpcServer;
  /** What servers are told of this proxy. */
  readonly node: () => Node;
}

/** See ManagementServers. */
export function managementServers(parts: ManagementServersParts): ManagementServers {
  const { loop, random, log, stats } = parts;
  const reached: GrpcServiceParts = {
    clusterOf: (name) => reach(name, parts),
    googleOf: (message) => googleServer(message, parts.environment()),
    stats,
  };
  const openSource: OpenServer = (config) => {
    const api = config.kind === 'ads' ? parts.ads : config.api;
    if (api === null) {
      log.log('warning', 'ads is named, and dynamic_resources has no ads_config');
      return null;
    }
    return openApiSource({
      api: api as ApiConfigSource,
      isAggregated: config.kind === 'ads',
      node: nodeOf(parts),
      ...reached,
      ...{ clock: loop, timers: loop.timers, random, log, pacing: beginSlices },
    });
  };
  const openService = (service: GrpcService) => grpcServer(service, reached);
  return { openSource, openService, node: () => nodeOf(parts) };
}

/** Where a cluster is and how it is spoken to, asked anew for each connection. */
function reach(
  name: string,
  { findCluster, endpointsOf, secrets }: ManagementServersParts,
): ServerCluster {
  let tls: { readonly cluster: ClusterConfig; readonly source: ServerTlsSource } | null = null;
  const currentTls = (): ServerTls | null => {
    const cluster = findCluster(name);
    const config = cluster === null ? null : tlsOf(cluster);
    if (cluster === null || config === null) return null;
    if (tls?.cluster !== cluster) {
      tls?.source.close();
      const hostname = cluster.endpoints[0]?.hostname ?? '';
      tls = { cluster, source: new ServerTlsSource(config, hostname, secrets) };
    }
    return tls.source.current();
  };
  const targets = (): readonly ServerTarget[] => {
    const cluster = findCluster(name);
    // Without it nobody knows how they are to be spoken to.
    if (cluster === null) return [];
    const hosts = endpointsOf(name) ?? staticEndpoints(cluster);
    return hosts.map(({ ip, port }) =>
      port < 0 ? { kind: 'unix', path: ip } : { kind: 'tcp', host: ip, port },
    );
  };
  return {
    targets,
    tls: currentTls,
    // Sources are opened before the bootstrap's clusters are in use.
    get connectTimeoutMs() {
      return findCluster(name)?.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    },
    get keepalive() {
      const cluster = findCluster(name);
      return cluster === null ? null : keepaliveOf(cluster);
    },
  };
}

/** Pings on an idle connection only (connection_idle_interval alone) leave the default. */
function keepaliveOf({ http }: ClusterConfig): ServerCluster['keepalive'] {
  const { keepalive } = http.http2;
  if (keepalive === null || keepalive.intervalMs === 0) return null;
  return { keepaliveMs: keepalive.intervalMs, keepaliveTimeoutMs: keepalive.timeoutMs };
}

function nodeOf({ node }: ManagementServersParts): Node {
  const version = create(SemanticVersionSchema, ENVOY_VERSION);
  const told = node();
  const named = told === undefined ? create(NodeSchema) : clone(NodeSchema, told);
  return Object.assign(named, {
    userAgentName: USER_AGENT,
    userAgentVersionType: {
      case: 'userAgentBuildVersion',
      value: create(BuildVersionSchema, { version }),
    },
    clientFeatures: CLIENT_FEATURES,
  });
}
