// Builds the transport that a cluster's configuration describes.
import type { UpstreamTransportConfig } from '../../model/transport-socket.ts';
import { type Preparation, RefusingPreparation } from '../../net/transport.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { TlsServices } from '../../tls/tls-services.ts';
import { ProxyProtocolTransport } from './proxy-protocol-transport.ts';
import { TlsTransport } from './tls-transport.ts';
import type { UpstreamTransport } from './upstream-transport.ts';

/** null: clear text, for which nothing is made. */
export function buildTransport(
  config: UpstreamTransportConfig,
  services: TlsServices,
  cluster: StatsScope,
): UpstreamTransport | null {
  switch (config.kind) {
    case 'raw':
      return null;
    case 'tls':
      return new TlsTransport(config.tls, services, cluster);
    case 'proxy-protocol':
      return new ProxyProtocolTransport(config, buildTransport(config.inner, services, cluster));
    case 'starttls':
    case 'http-11-proxy':
      return new UnknownTransport(config.kind);
  }
}

/** A transport without an implementation carries nothing rather than something in the clear. */
class UnknownTransport implements UpstreamTransport {
  readonly isSecure = false;
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  prepare(): Preparation {
    return new RefusingPreparation(`no transport ${this.#kind}`);
  }

  close(): void {
    // Holds nothing.
  }
}
