// Opens management servers: the cluster that grpc_services or cluster_names names says where they
// are and how they are spoken to.
import { clone, create, type Message } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  BuildVersionSchema,
  type Node,
  NodeSchema,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { RateLimitSettings } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType as ApiType,
} from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { GrpcService } from '../../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { SemanticVersionSchema } from '../../api/gen/envoy/type/v3/semantic_version_pb.js';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { EventLoop } from '../../net/event-loop.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import { staticEndpoints } from '../../upstream/host-update.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type {
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySubscription,
  OpenSource,
} from '../../xds/discovery.ts';
import type { ServerTarget, ServerTls } from '../../xds/grpc-channel.ts';
import { DEFAULT_KEEPALIVE, GrpcServer, MAX_RESPONSE_BYTES } from '../../xds/grpc-server.ts';
import { openMux } from '../../xds/mux.ts';
import { type BackOffConfig, DEFAULT_RECONNECT_BACK_OFF } from '../../xds/reconnect-back-off.ts';
import type { RequestRateConfig } from '../../xds/request-rate.ts';
import { AGGREGATED_METHODS, resourceType } from '../../xds/resource-types.ts';
import { RestClient } from '../../xds/rest-client.ts';
import { RestSource } from '../../xds/rest-source.ts';
import type { OpenServer } from './discovery-sources.ts';
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
  /** The root scope. */
  readonly stats: StatsScope;
  readonly loop: EventLoop;
  readonly random: Random;
  readonly log: Logger;
}

/** Envoy ApiConfigSource.request_timeout. */
const DEFAULT_REQUEST_TIMEOUT_MS = 1000;
const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
/** Envoy core.v3.RateLimitSettings. */
const DEFAULT_MAX_TOKENS = 100;
const DEFAULT_FILL_RATE = 10;
/** Envoy RetryPolicy.RetryBackOff.max_interval. */
const DEFAULT_BACK_OFF_FACTOR = 10;
const MS_PER_SECOND = 1000;
const NS_PER_MS = 1_000_000;
/** What servers decide by what this proxy can do. */
const USER_AGENT = 'envoy';
const ENVOY_VERSION = { majorNumber: 1, minorNumber: 40, patch: 0 };
const CLIENT_FEATURES = [
  'envoy.lb.does_not_support_overprovisioning',
  'envoy.lrs.supports_send_all_clusters',
];

/** Opens what a configuration names; each call is another server. */
export function managementServers(parts: ManagementServersParts): OpenServer {
  return (config) => {
    const api = config.kind === 'ads' ? parts.ads : config.api;
    if (api === null) {
      parts.log.log('warning', 'ads is named, and dynamic_resources has no ads_config');
      return null;
    }
    const message = api as ApiConfigSource;
    if (message.apiType === ApiType.REST) return openRest(message, parts);
    if (config.kind === 'api') return new SingleStreams(message, parts);
    const { stateOfWorld, incremental } = AGGREGATED_METHODS;
    const method = isIncremental(message) ? incremental : stateOfWorld;
    return openStream(message, { method, stats: parts.stats }, parts);
  };
}

/** A server that is not aggregated: each type has a stream of its own. */
class SingleStreams implements OpenSource {
  readonly #api: ApiConfigSource;
  readonly #parts: ManagementServersParts;
  readonly #streams = new Map<string, OpenSource>();

  constructor(api: ApiConfigSource, parts: ManagementServersParts) {
    this.#api = api;
    this.#parts = parts;
  }

  get isConnected(): boolean {
    return [...this.#streams.values()].some(({ isConnected }) => isConnected);
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    return this.#stream(request.typeUrl, request.stats).subscribe(request, sink);
  }

  pause(typeUrl: string): () => void {
    return this.#streams.get(typeUrl)?.pause(typeUrl) ?? (() => undefined);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  #stream(typeUrl: string, scope: StatsScope | null): OpenSource {
    const known = this.#streams.get(typeUrl);
    if (known !== undefined) return known;
    const { stateOfWorldMethod, incrementalMethod } = resourceType(typeUrl);
    const method = isIncremental(this.#api) ? incrementalMethod : stateOfWorldMethod;
    const stats = scope ?? this.#parts.stats;
    const stream = openStream(this.#api, { method, stats }, this.#parts);
    this.#streams.set(typeUrl, stream);
    return stream;
  }
}

function isIncremental({ apiType }: ApiConfigSource): boolean {
  return apiType === ApiType.DELTA_GRPC;
}

function openStream(
  api: ApiConfigSource,
  { method, stats }: { readonly method: string; readonly stats: StatsScope },
  parts: ManagementServersParts,
): OpenSource {
  const { loop, random, log } = parts;
  const { rateLimitSettings: rate } = api;
  const [first, ...others] = api.grpcServices.map((service) => grpcServer(service, parts));
  if (first === undefined) throw new Error('a source without a server was accepted');
  return openMux({
    ...{ method, stats, clock: loop, timers: loop.timers, random, log },
    servers: [first, ...others],
    isIncremental: isIncremental(api),
    node: nodeOf(parts),
    backOff: backOffOf(api.grpcServices[0]),
    saysNodeOnce: api.setNodeOnFirstMessageOnly,
    rate: rate === undefined ? null : rateOf(rate),
  });
}

function rateOf({ maxTokens, fillRate }: RateLimitSettings): RequestRateConfig {
  return { maxTokens: maxTokens ?? DEFAULT_MAX_TOKENS, fillRate: fillRate ?? DEFAULT_FILL_RATE };
}

function openRest(api: ApiConfigSource, parts: ManagementServersParts): OpenSource {
  const { loop, random, log } = parts;
  const name = api.clusterNames[0] ?? '';
  const client = new RestClient({
    ...reach(name, parts),
    authority: name,
    requestTimeoutMs: msOf(api.requestTimeout, DEFAULT_REQUEST_TIMEOUT_MS),
    maxResponseBytes: MAX_RESPONSE_BYTES,
  });
  return new RestSource({
    ...{ client, node: nodeOf(parts), clock: loop, timers: loop.timers, random, log },
    refreshDelayMs: msOf(api.refreshDelay, 0),
  });
}

function grpcServer(service: GrpcService, parts: ManagementServersParts): GrpcServer {
  const envoy = service.targetSpecifier.case === 'envoyGrpc' ? service.targetSpecifier.value : null;
  const name = envoy?.clusterName ?? '';
  return new GrpcServer({
    ...DEFAULT_KEEPALIVE,
    ...reach(name, parts),
    authority: envoy?.authority || name,
    tokenPath: null,
    metadata: service.initialMetadata.map(({ key, value, rawValue }) => {
      return [key, rawValue.length > 0 ? Buffer.from(rawValue) : value] as const;
    }),
    maxResponseBytes: envoy?.maxReceiveMessageLength || MAX_RESPONSE_BYTES,
  });
}

/** Where a cluster is and how it is spoken to, asked anew for each connection. */
function reach(name: string, { findCluster, endpointsOf, secrets }: ManagementServersParts) {
  let tls: { readonly cluster: ClusterConfig; readonly source: ServerTlsSource } | null = null;
  const currentTls = (): ServerTls | null => {
    const cluster = findCluster(name);
    const config = cluster === null ? null : tlsOf(cluster.transport);
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
    const hosts = endpointsOf(name) ?? (cluster === null ? [] : staticEndpoints(cluster));
    return hosts.map(({ ip, port }) =>
      port < 0 ? { kind: 'unix', path: ip } : { kind: 'tcp', host: ip, port },
    );
  };
  const connectTimeoutMs = findCluster(name)?.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  return { name, targets, tls: currentTls, connectTimeoutMs };
}

function backOffOf(service: GrpcService | undefined): BackOffConfig {
  const target = service?.targetSpecifier;
  const policy = target?.case === 'envoyGrpc' ? target.value.retryPolicy : undefined;
  const backOff = policy?.retryBackOff;
  if (backOff === undefined) return DEFAULT_RECONNECT_BACK_OFF;
  const baseMs = msOf(backOff.baseInterval, DEFAULT_RECONNECT_BACK_OFF.baseMs);
  return { baseMs, maxMs: msOf(backOff.maxInterval, baseMs * DEFAULT_BACK_OFF_FACTOR) };
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

function msOf(duration: Duration | undefined, absent: number): number {
  if (duration === undefined) return absent;
  return Number(duration.seconds) * MS_PER_SECOND + duration.nanos / NS_PER_MS;
}
