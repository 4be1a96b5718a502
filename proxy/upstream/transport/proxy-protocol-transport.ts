// envoy.transport_sockets.upstream_proxy_protocol: every connection begins by saying for which client
// it is, in the clear; then comes what it holds.
import type { UpstreamTransportConfig } from '../../model/transport-socket.ts';
import type { Preparation, PreparedConnection } from '../../net/transport.ts';
import { headerV1, headerV2, type ProxiedEnds } from './proxy-protocol-header.ts';
import type { TransportTarget, UpstreamTransport } from './upstream-transport.ts';

type ProxyProtocolConfig = Extract<UpstreamTransportConfig, { readonly kind: 'proxy-protocol' }>;

/** See the file's head. Its connections serve one client each: see `ClusterTransports.isPerClient`. */
export class ProxyProtocolTransport implements UpstreamTransport {
  readonly #config: ProxyProtocolConfig;
  /** null: clear text. */
  readonly #inner: UpstreamTransport | null;

  constructor(config: ProxyProtocolConfig, inner: UpstreamTransport | null) {
    this.#config = config;
    this.#inner = inner;
  }

  get isSecure(): boolean {
    return this.#inner?.isSecure === true;
  }

  prepare(target: TransportTarget): Preparation {
    const { client } = target.wants;
    const ends =
      client === null ? null : { source: client.remoteAddress, destination: client.localAddress };
    return new HeaderPreparation(this.#header(ends), this.#inner?.prepare(target) ?? null);
  }

  close(): void {
    this.#inner?.close();
  }

  /** null: what the connection itself has for ends, in version 1; LOCAL in version 2. */
  #header(ends: ProxiedEnds | null): Buffer | null {
    const { version, addedTlvs } = this.#config;
    if (version === 2) return headerV2(ends, addedTlvs);
    return ends === null ? null : headerV1(ends);
  }
}

class HeaderPreparation implements Preparation {
  readonly #header: Buffer | null;
  readonly #next: Preparation | null;

  constructor(header: Buffer | null, next: Preparation | null) {
    this.#header = header;
    this.#next = next;
  }

  begin(connection: PreparedConnection): void {
    const { localAddress: source, remoteAddress: destination } = connection;
    connection.writeBytes(this.#header ?? headerV1({ source, destination }));
    if (this.#next === null) connection.ready();
    else this.#next.begin(connection);
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#next?.onBytes(buffer, length);
  }
}
