// What is known about one exchange besides its messages: for access logs, header formatters,
// filters and statistics. Written by whoever learns a fact, read at the end.
import type { SocketAddress } from '../base/address.ts';
import type { Protocol } from './message.ts';
import type { ResponseFlag } from './response-flags.ts';
import type { ByteMeter } from './stream.ts';
import type { TlsInfo } from './tls-info.ts';

/** core.v3.Metadata.filter_metadata by namespace: frozen JSON values. */
export type NamespacedMetadata = Readonly<Record<string, unknown>>;

/** Envoy's names for how a connection ended. */
export type DetectedCloseType = 'Normal' | 'LocalReset' | 'RemoteReset';

/** Something that serves one downstream connection alone. */
export interface DownstreamDependant {
  /** Once: the connection is gone, and all that was under way on it. */
  onDownstreamGone(connection: DownstreamConnectionInfo): void;
}

/** What a downstream connection tells about itself; one object a connection. */
export interface DownstreamConnectionInfo {
  /** Ids count up from 1 in a process. */
  readonly id: number;
  /** The peer of the socket. */
  readonly directRemoteAddress: SocketAddress;
  /** As the client meant it: a listener filter may have restored it. */
  readonly localAddress: SocketAddress;
  /** The local end of the socket. */
  readonly directLocalAddress: SocketAddress;
  /** Who the peer speaks for, as listener filters found it. */
  readonly remoteAddress: SocketAddress;
  /** SNI, '' when there was none. */
  readonly requestedServerName: string;
  /** Name of the filter chain that was chosen, '' when it has none. */
  readonly filterChainName: string;
  /** null or absent: no chain was chosen. */
  readonly filterChainMetadata?: NamespacedMetadata | null;
  /** Absent: the connection was not accepted by one. */
  readonly listener?: { readonly name: string; readonly metadata: NamespacedMetadata };
  /** null: clear text, or a handshake that is not over. */
  tls: TlsInfo | null;
  /** Fingerprints of the ClientHello; '' or absent: the TLS inspector made none. */
  readonly ja3?: string;
  readonly ja4?: string;
  /** Why its handshake failed; '' or absent: it did not. */
  transportFailureReason?: string;
  /** Values that network filters leave for others, by key; null until the first. */
  filterState: Map<string, unknown> | null;
  /** Values that listener filters left, by namespace; null or absent: none. */
  readonly dynamicMetadata?: Map<string, Record<string, unknown>> | null;
  /** Where upstreams are to see it come from; null or absent: from the proxy. */
  readonly upstreamSource?: UpstreamSource | null;
  /** Who hears of its end; null or absent: nobody. */
  dependants?: Set<DownstreamDependant> | null;
}

/** Where connections to upstreams pretend to come from, on behalf of a client. */
export interface UpstreamSource {
  readonly ip: string;
  /** SO_MARK of their sockets; 0: none. */
  readonly mark: number;
}

/** The connection is gone. */
export function tellDependants(connection: DownstreamConnectionInfo): void {
  for (const dependant of connection.dependants ?? []) dependant.onDownstreamGone(connection);
}

/** The upstream side of an exchange's last attempt. */
export interface UpstreamHostInfo {
  readonly address: SocketAddress;
  readonly hostname: string;
  /** Name of the cluster, and the name its statistics use. */
  readonly clusterName: string;
  readonly observabilityName: string;
  /** The endpoint's filter_metadata by namespace; absent: none. */
  readonly endpoint?: { readonly metadata: NamespacedMetadata };
}

/** Facts about one exchange. Times are monotonic ms of the worker's clock; -1 means «not yet». */
export class StreamInfo {
  readonly downstream: DownstreamConnectionInfo;
  /** Wall-clock ms at which the request's first byte arrived. */
  readonly startWallMs: number;
  /** Monotonic ms of the same moment: all other times are later. */
  readonly startMs: number;
  /** 0 to 2^32 - 1: decides every fraction about this exchange (routes, log sampling). */
  streamRandom = 0;
  /** When the exchange was over, before its log lines are written. */
  endMs = -1;
  /** null: no HTTP. */
  protocol: Protocol | null = 'HTTP/1.1';
  /** Trusted client address; the direct peer until the connection manager decides. */
  remoteAddress: SocketAddress;
  lastRequestByteMs = -1;
  firstUpstreamTxByteMs = -1;
  lastUpstreamTxByteMs = -1;
  firstUpstreamRxByteMs = -1;
  lastUpstreamRxByteMs = -1;
  firstResponseByteMs = -1;
  lastResponseByteMs = -1;
  /** Connecting of the last attempt's connection, which may precede this exchange. */
  upstreamConnectStartMs = -1;
  upstreamConnectEndMs = -1;
  /** How long the last attempt waited for its pool, in ms. */
  upstreamPoolReadyDurationMs = -1;
  /** Body octets. */
  bytesReceived = 0;
  bytesSent = 0;
  /** Octets on the two wires; the upstream one's are those of the last attempt. */
  downstreamMeter: ByteMeter | null = null;
  upstreamMeter: ByteMeter | null = null;
  /** 0 when no response was begun. */
  responseCode = 0;
  /** Envoy's RESPONSE_CODE_DETAILS with `_` for blanks; '' until known. */
  responseCodeDetails = '';
  connectionTerminationDetails = '';
  upstreamTransportFailureReason = '';
  /** How a session's connections ended; null: there is no upstream side (yet). */
  downstreamCloseType: DetectedCloseType = 'Normal';
  upstreamCloseType: DetectedCloseType | null = null;
  /** Why this side closed a session's connections, in Envoy's words; '': it did not. */
  downstreamLocalCloseReason = '';
  upstreamLocalCloseReason = '';
  /** In the order in which they were set; null until the first. */
  flags: ResponseFlag[] | null = null;
  routeName = '';
  /** How often a route was looked for. */
  routeResolutions = 0;
  virtualClusterName = '';
  /** The cluster's name once a route was matched, even if no host was picked. */
  clusterName = '';
  /** The name that its statistics use; '' where nobody says. */
  clusterObservabilityName = '';
  /** That cluster's, once it was found. */
  clusterMetadata: NamespacedMetadata | null = null;
  upstreamHost: UpstreamHostInfo | null = null;
  upstreamLocalAddress: SocketAddress | null = null;
  /** Of the upstream connection; null: clear text, or none yet. */
  upstreamTls: TlsInfo | null = null;
  /** Where its connection leads; null: as far as is known, to its host's address. */
  upstreamRemoteAddress: SocketAddress | null = null;
  upstreamConnectionId = 0;
  upstreamProtocol: Protocol | null = null;
  attemptCount = 0;
  /**
   * Hosts of every attempt in order, and their connections' ids; null until a second attempt: the
   * first is `upstreamHost`.
   */
  attemptedHosts: UpstreamHostInfo[] | null = null;
  attemptedConnectionIds: number[] | null = null;
  isHealthCheck = false;
  /** Values that filters leave for others, by filter name; null until the first. */
  dynamicMetadata: Map<string, Record<string, unknown>> | null = null;
  filterState: Map<string, unknown> | null = null;

  constructor(downstream: DownstreamConnectionInfo, startMs: number, startWallMs: number) {
    this.downstream = downstream;
    this.startMs = startMs;
    this.startWallMs = startWallMs;
    this.remoteAddress = downstream.remoteAddress;
  }

  /** Sets a flag once. */
  addFlag(flag: ResponseFlag): void {
    if (this.flags === null) this.flags = [flag];
    else if (!this.flags.includes(flag)) this.flags.push(flag);
  }
}
