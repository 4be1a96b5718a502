// What carries the bytes of a cluster's connections, built once for all of them.
import type { SocketAddress } from '../../base/address.ts';
import type { DownstreamConnectionInfo, UpstreamSource } from '../../http/stream-info.ts';
import type { Preparation } from '../../net/transport.ts';
import type { Host } from '../host.ts';

/** A connection that is about to be opened. */
export interface TransportTarget {
  readonly host: Pick<Host, 'hostname'>;
  /** That of its addresses which is connected to. */
  readonly address: SocketAddress;
  readonly wants: TransportWants;
}

/** What the connection's user asks of it. */
export interface TransportWants {
  /** ALPN where the configuration names none; empty: none. */
  readonly applicationProtocols: readonly string[];
  /** ALPN whatever the configuration names; empty: that. */
  readonly forcedProtocols: readonly string[];
  /** SNI that the request asks for; '' : as configured. */
  readonly serverName: string;
  /** Name that the certificate must be for besides all else, by request; '' : any. */
  readonly expectedName: string;
  /** The client that it is for alone; null: the proxy, or several. */
  readonly client: DownstreamConnectionInfo | null;
  /** Where it comes from; null: from where the cluster says. */
  readonly source: UpstreamSource | null;
}

/** A user that asks for nothing. */
export const NO_WANTS: TransportWants = Object.freeze({
  applicationProtocols: [],
  forcedProtocols: [],
  serverName: '',
  expectedName: '',
  client: null,
  source: null,
});

/** Makes what stands between the sockets of a cluster and their owners. */
export interface UpstreamTransport {
  /** What passes cannot be read on the way; Envoy's implementsSecureTransport. */
  readonly isSecure: boolean;
  prepare(target: TransportTarget): Preparation;
  /** The cluster is gone. */
  close(): void;
}
