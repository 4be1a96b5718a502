// TLS towards a management server: what the cluster's context says, with the secrets that serve now.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { UpstreamTlsConfig } from '../../model/transport-socket.ts';
import { ContextSecrets } from '../../tls/context-secrets.ts';
import { makePeerVerifier } from '../../tls/make-peer-verifier.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import { makeSecureContext } from '../../tls/secure-context.ts';
import type { ServerTls } from '../../xds/server-tls.ts';

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
    const { usesHostName, serverName: fixed, verifiesServerName } = this.#config;
    const serverName = usesHostName && this.#hostname !== '' ? this.#hostname : fixed;
    const verifier = validation === null ? null : makePeerVerifier(validation, 'server');
    return {
      context: makeSecureContext({
        common: this.#config,
        certificate: certificates[0] ?? null,
        ...{ verifier, sessions: null, prefersOwnCiphers: false },
      }),
      serverName,
      expectedName: verifiesServerName ? serverName : '',
      verifier,
    };
  }
}

/**
 * null: the cluster is spoken to in clear text. Throws for transports that servers are not spoken to
 * by: falling back to another one would show them what they are not meant to see.
 */
export function tlsOf({ transport, transportMatches }: ClusterConfig): UpstreamTlsConfig | null {
  if (transportMatches.length > 0) {
    throw new Error('transport_socket_matches of a management server are not supported');
  }
  switch (transport.kind) {
    case 'raw':
      return null;
    case 'tls':
      return transport.tls;
    default:
      throw new Error(`a management server is not spoken to by transport socket ${transport.kind}`);
  }
}
