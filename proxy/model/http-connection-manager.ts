// The HTTP connection manager's configuration, compiled from
// extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.
import type { H2ProtocolOptions } from '../http/h2/options.ts';
import type { AccessLogConfig } from './access-log.ts';
import type { ClientCertForwarding } from './client-cert.ts';
import type { DiscoveredRef } from './config-source.ts';
import type { ExtensionInstance } from './extension.ts';
import type { LocalReplyConfig } from './local-reply.ts';
import type { RouteTableConfig } from './route.ts';
import type { ScopedRoutesConfig } from './scoped-routes.ts';
import type { ManagerUpgradesConfig } from './upgrade.ts';

/** Durations are ms; 0 switches a timer off. */
export interface HttpConnectionManagerConfig {
  readonly statPrefix: string;
  /** Empty where `scopedRoutes` decide, and until `rds` brings another one. */
  readonly routeTable: RouteTableConfig;
  /** Where the table comes from; absent: it stands here. */
  readonly rds?: DiscoveredRef;
  /** Absent or null: the table serves all requests. */
  readonly scopedRoutes?: ScopedRoutesConfig | null;
  /** Who writes `x-forwarded-client-cert`. */
  readonly clientCert: ClientCertForwarding;
  /** In order; the last is the router or another terminal filter. */
  readonly httpFilters: readonly ExtensionInstance[];
  readonly accessLogs: readonly AccessLogConfig[];
  /** null: replies of the proxy itself stay as they are. */
  readonly localReply: LocalReplyConfig | null;
  readonly serverName: string;
  readonly serverHeader: 'overwrite' | 'append-if-absent' | 'pass-through';
  /** '' for none. */
  readonly via: string;
  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  readonly skipXffAppend: boolean;
  readonly appendXForwardedPort: boolean;
  /** CIDRs whose addresses count as internal; empty: none. */
  readonly internalCidrs: readonly string[];
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'keep' | 'reject' | 'redirect' | 'forward';
  readonly stripHostPort: 'no' | 'matching' | 'any';
  readonly stripTrailingHostDot: boolean;
  readonly schemeOverwrite: '' | 'http' | 'https';
  /** `x-envoy-downstream-service-cluster` and user-agent, when add_user_agent. */
  readonly addUserAgent: boolean;
  readonly proxy100Continue: boolean;
  readonly maxRequestHeaderBytes: number;
  readonly maxHeadersCount: number;
  readonly headersWithUnderscores: 'allow' | 'reject' | 'drop';
  /** 0: unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  readonly maxStreamDurationMs: number;
  readonly streamIdleTimeoutMs: number;
  /** How long a complete response may wait for the client's windows; default: as the line above. */
  readonly streamFlushTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly delayedCloseTimeoutMs: number;
  /** `auto`: HTTP/2 for connections that begin with its preface. */
  readonly codecType: 'auto' | 'http1' | 'http2';
  readonly http1: Http1OptionsConfig;
  readonly http2: H2ProtocolOptions;
  /** Upgrades that every route allows unless it forbids them. */
  readonly upgrades: ManagerUpgradesConfig;
}

/** config.core.v3.Http1ProtocolOptions */
export interface Http1OptionsConfig {
  readonly allowAbsoluteUrl: boolean;
  readonly acceptHttp10: boolean;
  readonly defaultHostForHttp10: string;
  readonly enableTrailers: boolean;
  readonly allowChunkedLength: boolean;
  readonly allowCustomMethods: boolean;
  /** `proper-case`: `Content-Type`; names are lower case on the wire otherwise. */
  readonly headerKeyFormat: 'lower' | 'proper-case';
  /**
   * False: a request that the connection manager answers with a 400 closes its connection. What the
   * codec itself cannot read closes it in any case, as in Envoy. No effect upstream.
   */
  readonly streamErrorOnInvalidHttpMessage: boolean;
}

/** Envoy's defaults for an absent http_protocol_options. */
export const DEFAULT_HTTP1_OPTIONS: Http1OptionsConfig = Object.freeze({
  allowAbsoluteUrl: true,
  acceptHttp10: false,
  defaultHostForHttp10: '',
  enableTrailers: false,
  allowChunkedLength: false,
  allowCustomMethods: false,
  headerKeyFormat: 'lower',
  streamErrorOnInvalidHttpMessage: false,
});

/** Filters of all its chains: those of http_filters, then those of upgrades, in their order. */
export function allHttpFilters({
  httpFilters,
  upgrades,
}: Pick<HttpConnectionManagerConfig, 'httpFilters' | 'upgrades'>): readonly ExtensionInstance[] {
  return [...httpFilters, ...[...upgrades.values()].flatMap(({ filters }) => filters)];
}
