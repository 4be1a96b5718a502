// From core.v3.ApiConfigSource to a source: an aggregated stream, a stream for each type, or polls.

import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType as ApiType,
} from '../api/gen/envoy/config/core/v3/config_source_pb.js';
import type {
  GrpcService,
  GrpcService_GoogleGrpc,
} from '../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import type { GoogleGrpcConfig } from '../model/google-grpc.ts';
import { CallStats } from './call-stats.ts';
import type {
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySubscription,
  OpenSource,
} from './discovery.ts';
import type { ServerTarget } from './grpc-channel.ts';
import {
  DEFAULT_KEEPALIVE,
  GrpcServer,
  type GrpcServerConfig,
  MAX_RESPONSE_BYTES,
} from './grpc-server.ts';
import { type MuxParts, openMux } from './mux.ts';
import { type BackOffConfig, DEFAULT_RECONNECT_BACK_OFF } from './reconnect-back-off.ts';
import { AGGREGATED_METHODS, resourceType } from './resource-types.ts';
import { RestClient } from './rest-client.ts';
import { RestSource } from './rest-source.ts';
import type { ServerTls } from './server-tls.ts';
import type { StreamReport } from './stream-report.ts';

/** What a server's cluster says of it. Every member is read again for each connection. */
export interface ServerCluster {
  targets(): readonly ServerTarget[];
  /** The same object as long as nothing changed; null: clear text. */
  tls(): ServerTls | null;
  readonly connectTimeoutMs: number;
  /** Http2ProtocolOptions.connection_keepalive; null: pings that find a dead stream in 40 s. */
  readonly keepalive: { readonly keepaliveMs: number; readonly keepaliveTimeoutMs: number } | null;
}

/** A server that is named by its own address. */
export interface GoogleServer {
  readonly config: GoogleGrpcConfig;
  /** As ServerCluster's. */
  tls(): ServerTls | null;
}

/** What a source is opened with. */
export interface ApiSourceParts
  extends Pick<MuxParts, 'node' | 'stats' | 'clock' | 'timers' | 'random' | 'log' | 'pacing'> {
  /** Checked before: V3, with one or two services, or cluster names and a refresh_delay. */
  readonly api: ApiConfigSource;
  /** It is dynamic_resources.ads_config. */
  readonly isAggregated: boolean;
  /** The static cluster of that name. */
  readonly clusterOf: (name: string) => ServerCluster;
  readonly googleOf: (message: GrpcService_GoogleGrpc) => GoogleServer;
}

/** Envoy's: RateLimitSettings without values. */
const DEFAULT_MAX_TOKENS = 100;
const DEFAULT_FILL_RATE = 10;
/** As gRPC's core: grpc.min_reconnect_backoff_ms. */
const GOOGLE_CONNECT_TIMEOUT_MS = 20_000;
/** ApiConfigSource.request_timeout */
const DEFAULT_REQUEST_TIMEOUT_MS = 1000;
/** Envoy retries at most ten times as late as at first where nothing else is said. */
const MAX_INTERVAL_FACTOR = 10;

/** Nothing is opened until somebody subscribes. */
export function openApiSource(parts: ApiSourceParts): OpenSource {
  if (parts.api.apiType === ApiType.REST) return restSource(parts);
  const [first, ...others] = parts.api.grpcServices.map((service) => grpcServer(service, parts));
  if (first === undefined) throw new Error('an ApiConfigSource without grpc_services');
  return new GrpcStreams(parts, [first, ...others]);
}

/** A type that is paused before its stream is there. */
interface EarlyPause {
  readonly typeUrl: string;
  /** null: there is no stream yet. */
  resume: (() => void) | null;
}

/** The streams to one server, or to a primary and its fallback. */
class GrpcStreams implements OpenSource {
  readonly #parts: ApiSourceParts;
  readonly #servers: readonly [GrpcServer, ...GrpcServer[]];
  /** By type URL; '' for the aggregated one. */
  readonly #muxes = new Map<string, OpenSource>();
  /** Of types that nobody subscribed to yet. */
  readonly #earlyPauses = new Set<EarlyPause>();

  constructor(parts: ApiSourceParts, servers: readonly [GrpcServer, ...GrpcServer[]]) {
    this.#parts = parts;
    this.#servers = servers;
  }

  get isConnected(): boolean {
    for (const mux of this.#muxes.values()) if (mux.isConnected) return true;
    return false;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    return this.#mux(request).subscribe(request, sink);
  }

  pause(typeUrl: string): () => void {
    const mux = this.#muxes.get(this.#keyOf(typeUrl));
    if (mux !== undefined) return mux.pause(typeUrl);
    // A stream begins with its first subscriber, which says where it counts.
    const early: EarlyPause = { typeUrl, resume: null };
    this.#earlyPauses.add(early);
    return () => {
      this.#earlyPauses.delete(early);
      early.resume?.();
    };
  }

  reports(): readonly StreamReport[] {
    return [...this.#muxes.values()].flatMap((mux) => mux.reports());
  }

  close(): void {
    for (const mux of this.#muxes.values()) mux.close();
    this.#muxes.clear();
    for (const server of this.#servers) server.close();
  }

  #keyOf(typeUrl: string): string {
    return this.#parts.isAggregated ? '' : typeUrl;
  }

  #mux(request: DiscoveryRequest): OpenSource {
    const key = this.#keyOf(request.typeUrl);
    const known = this.#muxes.get(key);
    if (known !== undefined) return known;
    const mux = openMux(this.#muxParts(request));
    this.#muxes.set(key, mux);
    for (const early of this.#earlyPauses) {
      if (early.resume === null && this.#keyOf(early.typeUrl) === key) {
        early.resume = mux.pause(early.typeUrl);
      }
    }
    return mux;
  }

  #muxParts({ stats: own, typeUrl }: DiscoveryRequest): MuxParts {
    const { api, clock, isAggregated, log, node, random, stats, timers } = this.#parts;
    const isIncremental =
      api.apiType === ApiType.DELTA_GRPC || api.apiType === ApiType.AGGREGATED_DELTA_GRPC;
    const { incrementalMethod, stateOfWorldMethod } = resourceType(typeUrl);
    const single = isIncremental ? incrementalMethod : stateOfWorldMethod;
    const aggregated = AGGREGATED_METHODS[isIncremental ? 'incremental' : 'stateOfWorld'];
    return {
      ...{ clock, log, node, random, timers, isIncremental },
      ...(this.#parts.pacing !== undefined && { pacing: this.#parts.pacing }),
      servers: this.#servers,
      method: isAggregated ? aggregated : single,
      backOff: backOffOf(api.grpcServices[0]),
      saysNodeOnce: api.setNodeOnFirstMessageOnly,
      rate: rateOf(api),
      // As Envoy: below the subscription, where the stream is its own.
      stats: isAggregated ? stats : (own ?? stats),
    };
  }
}

/** What a GrpcService is opened with. */
export type GrpcServiceParts = Pick<ApiSourceParts, 'clusterOf' | 'googleOf' | 'stats'>;

/** The server of a GrpcService that was checked before. */
export function grpcServer(service: GrpcService, parts: GrpcServiceParts): GrpcServer {
  const { initialMetadata, targetSpecifier: target } = service;
  const metadata = initialMetadata.map(({ key, rawValue, value }) => {
    if (!key.endsWith('-bin')) return [key, value] as const;
    return [key, Buffer.from(rawValue.length > 0 ? rawValue : Buffer.from(value))] as const;
  });
  if (target.case === 'googleGrpc') return googleServer(target.value, metadata, parts);
  if (target.case !== 'envoyGrpc') throw new Error('a GrpcService without a target');
  const { authority, clusterName, maxReceiveMessageLength } = target.value;
  const cluster = parts.clusterOf(clusterName);
  return new GrpcServer({
    name: clusterName,
    authority: authority === '' ? clusterName : authority,
    targets: () => cluster.targets(),
    tls: () => cluster.tls(),
    get connectTimeoutMs() {
      return cluster.connectTimeoutMs;
    },
    get keepaliveMs() {
      return (cluster.keepalive ?? DEFAULT_KEEPALIVE).keepaliveMs;
    },
    get keepaliveTimeoutMs() {
      return (cluster.keepalive ?? DEFAULT_KEEPALIVE).keepaliveTimeoutMs;
    },
    credentials: [],
    callStats: null,
    metadata,
    maxResponseBytes: maxReceiveMessageLength || MAX_RESPONSE_BYTES,
  });
}

function googleServer(
  message: GrpcService_GoogleGrpc,
  metadata: GrpcServerConfig['metadata'],
  { googleOf, stats }: GrpcServiceParts,
): GrpcServer {
  const { config, tls } = googleOf(message);
  const { authority, credentials, keepaliveMs, keepaliveTimeoutMs, target, targetUri } = config;
  return new GrpcServer({
    ...{ name: targetUri, authority, credentials, metadata, tls },
    targets: () => [target],
    connectTimeoutMs: GOOGLE_CONNECT_TIMEOUT_MS,
    keepaliveMs: keepaliveMs ?? DEFAULT_KEEPALIVE.keepaliveMs,
    keepaliveTimeoutMs: keepaliveTimeoutMs ?? DEFAULT_KEEPALIVE.keepaliveTimeoutMs,
    callStats: new CallStats(stats, config.statPrefix),
    maxResponseBytes: config.maxResponseBytes ?? MAX_RESPONSE_BYTES,
  });
}

function restSource(parts: ApiSourceParts): OpenSource {
  const { api, clock, clusterOf, log, node, random, timers } = parts;
  const name = api.clusterNames[0] ?? '';
  const cluster = clusterOf(name);
  const client = new RestClient({
    name,
    authority: name,
    targets: () => cluster.targets(),
    tls: () => cluster.tls(),
    requestTimeoutMs: durationMs(api.requestTimeout) ?? DEFAULT_REQUEST_TIMEOUT_MS,
    get connectTimeoutMs() {
      return cluster.connectTimeoutMs;
    },
    maxResponseBytes: MAX_RESPONSE_BYTES,
  });
  const refreshDelayMs = durationMs(api.refreshDelay) ?? 0;
  return new RestSource({
    ...{ client, node, refreshDelayMs, clock, timers, random, log },
    ...(parts.pacing !== undefined && { pacing: parts.pacing }),
  });
}

/** When a stream that ended is begun again. */
export function backOffOf(service: GrpcService | undefined): BackOffConfig {
  const target = service?.targetSpecifier;
  const ofTarget = target?.case === 'envoyGrpc' ? target.value.retryPolicy : undefined;
  const backOff = (ofTarget ?? service?.retryPolicy)?.retryBackOff;
  const baseMs = durationMs(backOff?.baseInterval);
  if (baseMs === null) return DEFAULT_RECONNECT_BACK_OFF;
  const maxMs = durationMs(backOff?.maxInterval) ?? baseMs * MAX_INTERVAL_FACTOR;
  return { baseMs, maxMs };
}

function rateOf({ rateLimitSettings: settings }: ApiConfigSource): MuxParts['rate'] {
  if (settings === undefined) return null;
  const { fillRate, maxTokens } = settings;
  return { maxTokens: maxTokens ?? DEFAULT_MAX_TOKENS, fillRate: fillRate ?? DEFAULT_FILL_RATE };
}

function durationMs(duration: Duration | undefined): number | null {
  if (duration === undefined) return null;
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
