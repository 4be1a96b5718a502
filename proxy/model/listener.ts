// A listener as the data path sees it: checked, frozen, defaults filled in.

import type { SocketAddress } from '../base/address.ts';
import type { Cidr } from '../base/cidr-table.ts';
import type { AccessLogConfig } from './access-log.ts';
import type { ExtensionInstance } from './extension.ts';
import type { FilterMetadata } from './match-tree.ts';
import type { Live } from './runtime.ts';
import type { DownstreamTransportConfig } from './transport-socket.ts';

/** config.listener.v3.Listener */
export interface ListenerConfig {
  /** Unique; made up from the address when the author gave none. */
  readonly name: string;
  /** `address` first, then `additional_addresses`. */
  readonly addresses: readonly SocketAddress[];
  /** `listener.<this>.` in statistics: stat_prefix or the first address, `:` as written. */
  readonly statPrefix: string;
  readonly bindToPort: boolean;
  /** It has no socket: its address is internal, and its connections come from this process. */
  readonly isInternal: boolean;
  /** null: the system's default. */
  readonly tcpBacklog: number | null;
  /** Soft limit of each direction's buffer per connection; default 1 MiB. */
  readonly perConnectionBufferLimitBytes: number;
  /**
   * From the runtime key `envoy.resource_limits.listener.<name>.connection_limit`; null in it: there
   * is none now, null: there never is one.
   */
  readonly connectionLimit: Live<number | null> | null;
  readonly ignoreGlobalConnectionLimit: boolean;
  readonly drainType: 'default' | 'modify-only';
  readonly trafficDirection: 'unspecified' | 'inbound' | 'outbound';
  /** In order; an implicit original_dst of use_original_dst is the last. */
  readonly listenerFilters: readonly ListenerFilterInstance[];
  /** 0: no limit. Default 15 s. */
  readonly listenerFiltersTimeoutMs: number;
  /** True: when it is over the chain is chosen with what is known; false: the connection is closed. */
  readonly continueOnListenerFiltersTimeout: boolean;
  /** Connections are handed to the listener of the restored local address, if there is one. */
  readonly useOriginalDst: boolean;
  /** IP_TRANSPARENT: connections to addresses of others are accepted (TPROXY). */
  readonly isTransparent: boolean;
  /** Of all but its filter chains: the same for the same text; absent: not known. */
  readonly fingerprint?: string;
  readonly filterChains: readonly FilterChainConfig[];
  readonly defaultFilterChain: FilterChainConfig | null;
  readonly accessLogs: readonly AccessLogConfig[];
  /** Of the connections of each of `addresses`. */
  readonly tcpKeepalives: readonly (TcpKeepaliveConfig | null)[];
  readonly metadata: FilterMetadata;
}

/** config.listener.v3.ListenerFilter */
export interface ListenerFilterInstance extends ExtensionInstance {
  /** Connections that the filter does not look at; null: it looks at all. */
  readonly disabledWhen: ListenerFilterPredicate | null;
}

/** config.listener.v3.ListenerFilterChainMatchPredicate */
export type ListenerFilterPredicate =
  | { readonly kind: 'or' | 'and'; readonly rules: readonly ListenerFilterPredicate[] }
  | { readonly kind: 'not'; readonly rule: ListenerFilterPredicate }
  | { readonly kind: 'any' }
  /** Destination ports from `start`, below `end`. */
  | { readonly kind: 'port'; readonly start: number; readonly end: number };

/** config.core.v3.TcpKeepalive; null: the system's value. */
export interface TcpKeepaliveConfig {
  readonly idleMs: number | null;
  /** Unanswered ones until the peer counts as gone; absent: the system's default. */
  readonly probes?: number;
  /** Between two of them; absent: the system's default. */
  readonly intervalSeconds?: number;
}

/** config.listener.v3.FilterChain */
export interface FilterChainConfig {
  /** '' when it has none. */
  readonly name: string;
  /** The same for the same text; absent: not known. */
  readonly fingerprint?: string;
  /** In order; the last is terminal. */
  readonly filters: readonly ExtensionInstance[];
  /** Which connections it takes; the default filter chain's is not looked at. */
  readonly match: FilterChainMatchConfig;
  readonly metadata: FilterMetadata;
  readonly transport: DownstreamTransportConfig;
  /** transport_socket_connect_timeout: the handshake must be over by then; 0: no limit. */
  readonly transportConnectTimeoutMs: number;
}

/** config.listener.v3.FilterChainMatch; an empty list and '' stand for «any». */
export interface FilterChainMatchConfig {
  /** null: any. */
  readonly destinationPort: number | null;
  readonly prefixRanges: readonly Cidr[];
  /** Lower case; exact or `*.suffix`. */
  readonly serverNames: readonly string[];
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directSourcePrefixRanges: readonly Cidr[];
  readonly sourceType: 'any' | 'same-ip-or-loopback' | 'external';
  readonly sourcePrefixRanges: readonly Cidr[];
  readonly sourcePorts: readonly number[];
}

/** Takes every connection. */
export const MATCH_ALL: FilterChainMatchConfig = Object.freeze({
  destinationPort: null,
  prefixRanges: [],
  serverNames: [],
  transportProtocol: '',
  applicationProtocols: [],
  directSourcePrefixRanges: [],
  sourceType: 'any',
  sourcePrefixRanges: [],
  sourcePorts: [],
});
