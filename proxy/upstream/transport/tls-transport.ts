// TLS to a cluster's hosts: says which name is asked for, which protocols are offered, and by which
// name the host is judged.
import type { UpstreamTlsConfig } from '../../model/transport-socket.ts';
import { type Preparation, RefusingPreparation, TlsPreparation } from '../../net/transport.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { ClientTls } from '../../tls/client-tls.ts';
import type { TlsServices } from '../../tls/tls-services.ts';
import type { TransportTarget, TransportWants, UpstreamTransport } from './upstream-transport.ts';

/** See the file's head. */
export class TlsTransport implements UpstreamTransport {
  readonly isSecure = true;
  readonly #config: UpstreamTlsConfig;
  readonly #tls: ClientTls;

  constructor(config: UpstreamTlsConfig, services: TlsServices, cluster: StatsScope) {
    this.#config = config;
    this.#tls = new ClientTls(config, services, cluster);
  }

  prepare(target: TransportTarget): Preparation {
    const serverName = this.#serverName(target);
    const own = this.#config.verifiesServerName ? serverName : '';
    const { wants, address } = target;
    const handshake = this.#tls.connect({
      server: address.text,
      serverName,
      expectedName: wants.expectedName === '' ? own : wants.expectedName,
      applicationProtocols: this.#protocols(wants),
    });
    return typeof handshake === 'string'
      ? new RefusingPreparation(handshake)
      : new TlsPreparation(handshake);
  }

  close(): void {
    this.#tls.close();
  }

  #protocols(wants: TransportWants): readonly string[] {
    if (wants.forcedProtocols.length > 0) return wants.forcedProtocols;
    const { applicationProtocols } = this.#config;
    return applicationProtocols.length > 0 ? applicationProtocols : wants.applicationProtocols;
  }

  /** As Envoy: the request's name, then the endpoint's own, then what is fixed. */
  #serverName({ host, wants: { serverName } }: TransportTarget): string {
    if (serverName !== '') return serverName;
    const { usesHostName, serverName: fixed } = this.#config;
    return usesHostName && host.hostname !== '' ? host.hostname : fixed;
  }
}
