// TLS towards a management server: what the cluster's context says, with the secrets that serve now.
import type { UpstreamTlsConfig, UpstreamTransportConfig } from '../../model/transport-socket.ts';
import { ContextSecrets } from '../../tls/context-secrets.ts';
import { makePeerVerifier } from '../../tls/make-peer-verifier.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import type { ServerTls } from '../../xds/grpc-channel.ts';

/** Answers the same object as long as nothing changed. */
export class ServerTlsSource {
  readonly #config: UpstreamTlsConfig;
  readonly #hostname: string;
  readonly #secrets: ContextSecrets;
  #current: ServerTls | null = null;

  /** `hostname`: the endpoint's, for auto_host_sni. */
  constructor(config: UpstreamTlsConfig, hostname: string, secrets: Secrets) {
    this.#config = config;
    this.#hostname = hostname;
    this.#secrets = new ContextSecrets(config, secrets, () => {
      this.#current = null;
    });
  }

  /** Throws when a secret is not there yet: nobody is asked in clear text meanwhile. */
  current(): ServerTls {
    this.#current ??= this.#make();
    return this.#current;
  }

  close(): void {
    this.#secrets.close();
  }

  #make(): ServerTls {
    const supplied = this.#secrets.supplied();
    if (supplied === null) throw new Error('a secret of its TLS context is not there yet');
    const { certificates, validation } = supplied;
    const own = certificates[0] ?? null;
    const { usesHostName, serverName, verifiesServerName, minVersion, maxVersion } = this.#config;
    return {
      rootPem: validation?.trustedCaPem ?? null,
      crlPem: validation?.crlPem ?? null,
      chainPem: own?.chainPem ?? null,
      keyPem: own?.keyPem ?? null,
      passphrase: own?.passphrase ?? '',
      serverName: usesHostName && this.#hostname !== '' ? this.#hostname : serverName,
      verifiesServerName,
      verifier: validation === null ? null : makePeerVerifier(validation, 'server'),
      minVersion,
      maxVersion,
    };
  }
}

/** null: the cluster is spoken to in clear text. */
export function tlsOf(transport: UpstreamTransportConfig): UpstreamTlsConfig | null {
  switch (transport.kind) {
    case 'raw':
      return null;
    case 'tls':
    case 'starttls':
      return transport.tls;
    default:
      return tlsOf(transport.inner);
  }
}
