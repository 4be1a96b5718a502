// Routes as compiled from config.route.v3.RouteConfiguration: matchers ready, defaults filled in.

import type { SafeRegex } from '../base/safe-regex.ts';
import type { UriTemplateRewrite } from '../base/uri-template-rewrite.ts';
import type { Formatter } from '../formatter/formatter.ts';
import type { ConfigSourceConfig } from './config-source.ts';
import type { PerFilterConfigs } from './extension.ts';
import type { HeaderMutations } from './header-mutations.ts';
import type { BodyFormatConfig } from './local-reply.ts';
import type { FilterMetadata, MatchTreeConfig } from './match-tree.ts';
import type { HedgePolicyConfig, RetryPolicyConfig } from './retry-policy.ts';
import type { HeaderMatchConfig, RouteMatchConfig } from './route-match.ts';
import type {
  HashPolicyConfig,
  InternalRedirectConfig,
  MirrorPolicyConfig,
  RateLimitConfig,
} from './route-policies.ts';
import type { UpgradeRulesConfig } from './upgrade.ts';
import type { WatchedFileConfig } from './watched-file.ts';

/** config.route.v3.RouteConfiguration */
export interface RouteTableConfig {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostConfig[];
  readonly ignorePortInHostMatching: boolean;
  /** Lower case. */
  readonly internalOnlyHeaders: readonly string[];
  readonly mutations: HeaderMutations;
  readonly mostSpecificHeaderMutationsWins: boolean;
  /** Lower-case field whose value names the virtual host; '': the authority does. */
  readonly vhostHeader: string;
  /** Paths end at their first `;` for matching. */
  readonly ignorePathParameters: boolean;
  readonly perFilterConfig: PerFilterConfigs;
  readonly mirrors: readonly MirrorPolicyConfig[];
  readonly metadata: FilterMetadata;
  /** Who tells more of its virtual hosts; absent: nobody. */
  readonly vhds?: ConfigSourceConfig;
}

/** config.route.v3.VirtualHost */
export interface VirtualHostConfig {
  readonly name: string;
  /** Lower case; exact, `*suffix`, `prefix*` or `*`. */
  readonly domains: readonly string[];
  readonly requireTls: 'none' | 'external-only' | 'all';
  /** Empty when `matcher` decides. */
  readonly routes: readonly RouteConfig[];
  /** null: the first of `routes` that matches. */
  readonly matcher: MatchTreeConfig<RouteChoice> | null;
  /** In order; empty: requests are not counted by virtual cluster. */
  readonly virtualClusters: readonly VirtualClusterConfig[];
  readonly mutations: HeaderMutations;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  /** For routes without their own; null: nothing is retried. */
  readonly retry: RetryPolicyConfig | null;
  readonly hedge: HedgePolicyConfig | null;
  readonly perFilterConfig: PerFilterConfigs;
  /** For routes without their own. */
  readonly mirrors: readonly MirrorPolicyConfig[];
  readonly rateLimits: readonly RateLimitConfig[];
  readonly bufferLimit: BufferLimitConfig;
  readonly metadata: FilterMetadata;
}

/** config.route.v3.VirtualCluster: requests that are counted together. */
export interface VirtualClusterConfig {
  readonly name: string;
  /** At least one; a request belongs to it when all are fulfilled. */
  readonly headers: readonly HeaderMatchConfig[];
}

/** What a matcher tree decides on: the first of these whose own match holds (Route, RouteList). */
export interface RouteChoice {
  readonly routes: readonly RouteConfig[];
}

/** How much of a request may be held, in octets; null: this level does not say. */
export interface BufferLimitConfig {
  /** request_body_buffer_limit: the route's, else the virtual host's. */
  readonly bytes: number | null;
  /** per_request_buffer_limit_bytes, where neither sets the other: the same order. */
  readonly olderBytes: number | null;
}

/** config.route.v3.Route */
export interface RouteConfig {
  /** '' when it has none. */
  readonly name: string;
  /** Its requests are counted under `vhost.<virtual host>.route.<this>.`; '': they are not. */
  readonly statPrefix: string;
  readonly match: RouteMatchConfig;
  readonly action: RouteActionConfig;
  readonly mutations: HeaderMutations;
  readonly perFilterConfig: PerFilterConfigs;
  readonly bufferLimit: BufferLimitConfig;
  readonly metadata: FilterMetadata;
  /** decorator.operation, '' for none: the name of the request's span. */
  readonly decoratorOperation: string;
}

/** Values that the metadata of a host must have, by key. */
export type SubsetMatch = Readonly<Record<string, unknown>>;

/** What a route does. */
export type RouteActionConfig =
  | ForwardActionConfig
  | RedirectActionConfig
  | DirectResponseActionConfig
  | { readonly kind: 'non-forwarding' };

/** config.route.v3.RouteAction */
export interface ForwardActionConfig {
  readonly kind: 'forward';
  readonly cluster: ClusterSpecifierConfig;
  readonly clusterNotFoundStatus: 503 | 404 | 500;
  /** 0: none. Default 15 s. */
  readonly timeoutMs: number;
  /** Replaces the connection manager's stream_idle_timeout; null: keep that, 0: none. */
  readonly idleTimeoutMs: number | null;
  /** max_stream_duration, and the older max_grpc_timeout; null: neither is set. */
  readonly streamDuration: StreamDurationConfig | null;
  /** Wins over the connection manager's, entry by entry. */
  readonly upgrades: UpgradeRulesConfig;
  /** '' or the text that replaces what matched. */
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
  /** Prints the new path; absent: none. */
  readonly pathRewrite?: Formatter;
  /** path_rewrite_policy, for a route that matches by a template; absent: none. */
  readonly pathTemplateRewrite?: UriTemplateRewrite;
  readonly hostRewriteLiteral: string;
  /** Lower-case name of the field that holds the new host; absent: none. */
  readonly hostRewriteHeader?: string;
  /** Makes the new host of the path without its query; absent: none. */
  readonly hostRewritePathRegex?: RegexRewriteConfig;
  /** Prints the new host; absent: none. */
  readonly hostRewrite?: Formatter;
  readonly autoHostRewrite: boolean;
  readonly appendXForwardedHost: boolean;
  /** metadata_match under `envoy.lb`: hosts of a subset. Of weighted_clusters: laid over it. */
  readonly metadataMatch: SubsetMatch;
  readonly hashPolicies: readonly HashPolicyConfig[];
  /** Empty: the virtual host's, or the table's. */
  readonly mirrors: readonly MirrorPolicyConfig[];
  /** Wins over the virtual host's as a whole; null: that one. */
  readonly retry: RetryPolicyConfig | null;
  readonly hedge: HedgePolicyConfig | null;
  /** null: a redirect of the upstream is the client's to follow. */
  readonly internalRedirect: InternalRedirectConfig | null;
  readonly rateLimits: readonly RateLimitConfig[];
  readonly includeVhRateLimits: boolean;
  /** Which circuit breakers count its requests. */
  readonly priority: 'default' | 'high';
}

/** RouteAction.MaxStreamDuration, or max_grpc_timeout and grpc_timeout_offset. */
export interface StreamDurationConfig {
  /** `stream`: the whole stream is bounded and `timeoutMs` is not looked at; `response`: as it. */
  readonly bounds: 'stream' | 'response';
  /** max_stream_duration, 0: none; null: the connection manager's. */
  readonly maxMs: number | null;
  /** Bound of grpc-timeout, 0: none; null: grpc-timeout is not looked at. */
  readonly grpcTimeoutMaxMs: number | null;
  /** Taken off a grpc-timeout that is longer than it. */
  readonly grpcTimeoutOffsetMs: number;
}

/** type.matcher.v3.RegexMatchAndSubstitute */
export interface RegexRewriteConfig {
  readonly regex: SafeRegex;
  /** `\1` is the first group. */
  readonly substitution: string;
}

/** cluster_specifier */
export type ClusterSpecifierConfig =
  | { readonly kind: 'cluster'; readonly name: string }
  | { readonly kind: 'header'; readonly name: string }
  | {
      readonly kind: 'weighted';
      readonly clusters: readonly WeightedClusterConfig[];
      readonly totalWeight: number;
      /** random_value_specifier.header_name in lower case; absent: the stream's random number. */
      readonly headerName?: string;
      /** use_hash_policy: the request's hash decides where it has one. */
      readonly usesHash?: boolean;
    };

/** config.route.v3.WeightedCluster.ClusterWeight */
export interface WeightedClusterConfig {
  /** '' when `clusterHeader` names the request's field that holds it. */
  readonly name: string;
  readonly weight: number;
  /** Lower case; absent or '': none. */
  readonly clusterHeader?: string;
  /** Laid over the route's; absent: nothing is. */
  readonly metadataMatch?: SubsetMatch;
  /** Acts before all other levels. */
  readonly mutations?: HeaderMutations;
  /** '' or absent: keep. Written without `x-envoy-original-host`. */
  readonly hostRewriteLiteral?: string;
  /** Wins over the route's. */
  readonly perFilterConfig?: PerFilterConfigs;
}

/** config.route.v3.RedirectAction; '' and 0 mean «keep». */
export interface RedirectActionConfig {
  readonly kind: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme: string;
  readonly httpsRedirect: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
  /** Prints the path, as `path` says it; absent: none. */
  readonly pathRewrite?: Formatter;
  readonly stripQuery: boolean;
}

/** config.route.v3.DirectResponseAction */
export interface DirectResponseActionConfig {
  readonly kind: 'direct-response';
  readonly status: number;
  readonly body: string;
  /** Prints the body, which is `%LOCAL_REPLY_BODY%` then; absent: it is sent as it is. */
  readonly bodyFormat?: BodyFormatConfig;
  /** The file that the body was read from, if it is to be read again; absent: it is not. */
  readonly watched?: WatchedFileConfig;
}
