// Listener filters: what looks at a connection before its filter chain is chosen. They see the first
// octets without taking them (but for a PROXY header), and write down what they found.
import type { Message } from '@bufbuild/protobuf';
import type { SocketAddress } from '../base/address.ts';
import type { UpstreamSource } from '../http/stream-info.ts';
import type { ExtensionDefinition } from '../model/extension.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { WorkerServices } from './network-filter.ts';

/** Done: the next filter may look. */
export const DONE = 0;
/** Not enough octets yet: ask again when there are more. */
export const WAIT = 1;
/** The connection is refused. */
export const REFUSE = 2;
/** What a listener filter answers. */
export type ListenerFilterStatus = typeof DONE | typeof WAIT | typeof REFUSE;

/** A connection on its way to its filter chain; filters write what they find. */
export interface CandidateConnection {
  /** Descriptor of the socket; -1 when it has none. */
  readonly fileDescriptor: number;
  /** The ends of the socket itself. */
  readonly directLocalAddress: SocketAddress;
  readonly directRemoteAddress: SocketAddress;
  /** The ends as the connection was meant; written by original_dst and proxy_protocol. */
  localAddress: SocketAddress;
  remoteAddress: SocketAddress;
  /** `localAddress` is not the socket's: use_original_dst may hand the connection on. */
  isLocalAddressRestored: boolean;
  /** `tls`, `raw_buffer`; '' while nobody knows. */
  transportProtocol: string;
  /** SNI in lower case; '' for none. */
  serverName: string;
  /** ALPN in the client's order, or what http_inspector made of it. */
  applicationProtocols: readonly string[];
  /** Leading octets that belong to nobody behind the listener filters (a PROXY header). */
  consumedBytes: number;
  /** Transport failure reason, which a filter writes of what is no TLS; '' : none. */
  transportFailure: string;
  /** Values for filters behind, by namespace; null until the first. */
  dynamicMetadata: Map<string, Record<string, unknown>> | null;
  /** Where upstreams are to see it come from; null: from the proxy. */
  upstreamSource: UpstreamSource | null;
}

/** One listener filter on one connection. */
export interface ListenerFilter {
  /**
   * Looks at everything that arrived and was not consumed, `bytes[0, length)`, borrowed; called
   * with length 0 at first. After WAIT it is called again with more, until the time-out.
   */
  inspect(candidate: CandidateConnection, bytes: Buffer, length: number): ListenerFilterStatus;
}

/** Makes the filter of each connection; built once per listener. */
export interface ListenerFilterFactory {
  create(): ListenerFilter;
}

/** A listener filter as an extension. */
export interface ListenerFilterDefinition<M extends Message = Message, C = unknown>
  extends ExtensionDefinition<M, C> {
  factory(config: C, services: WorkerServices, scope: StatsScope): ListenerFilterFactory;
}
