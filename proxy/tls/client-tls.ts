// TLS of a cluster's connections: makes the handshake with a host, and judges the server behind it.
// Secrets that change make a new context beside the present one, see ServerTls.
import type { SecureContext, TLSSocket } from 'node:tls';
import type { TlsInfo } from '../http/tls-info.ts';
import type { UpstreamTlsConfig } from '../model/transport-socket.ts';
import type { TlsHandshake, TlsParameters } from '../net/transport.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { Certificate } from '../x509/certificate.ts';
import { ClientSessions, type KeptSession } from './client-sessions.ts';
import { ContextSecrets } from './context-secrets.ts';
import { failureText, isTlsError, LONG_NAME_TEXT, NOT_READY_TEXT } from './failure-text.ts';
import { judgePeer } from './judge-peer.ts';
import type { PeerVerifier } from './peer-verifier.ts';
import { makeSecureContext } from './secure-context.ts';
import { tlsFacts } from './tls-facts.ts';
import type { TlsServices } from './tls-services.ts';
import { TlsStats } from './tls-stats.ts';

/** Who is connected to, and how. */
export interface ClientTarget {
  /** Address that sessions are kept by: `ip:port`. */
  readonly server: string;
  /** SNI; '' : none. */
  readonly serverName: string;
  /** Name that the certificate must be for besides all else; '' : any. */
  readonly expectedName: string;
  /** ALPN; empty: none is offered. */
  readonly applicationProtocols: readonly string[];
}

const MAX_SERVER_NAME_BYTES = 255;

/** Everything that one version of the secrets makes. */
interface ClientContext {
  readonly context: SecureContext;
  readonly verifier: PeerVerifier | null;
  readonly localCertificate: Certificate | null;
  readonly sessions: ClientSessions;
}

/** One per cluster (or transport socket match) and worker. */
export class ClientTls {
  readonly config: UpstreamTlsConfig;
  readonly stats: TlsStats;
  readonly services: TlsServices;
  readonly onKeyLog: ((line: Buffer) => void) | null;
  readonly #secrets: ContextSecrets;
  /** null: a secret was not supplied yet. */
  #context: ClientContext | null = null;

  /** `cluster` is `cluster.<name>.` */
  constructor(config: UpstreamTlsConfig, services: TlsServices, cluster: StatsScope) {
    this.config = config;
    this.services = services;
    this.stats = new TlsStats(cluster, 'client');
    const { keyLogPath } = config;
    this.onKeyLog = keyLogPath === null ? null : services.openKeyLog(keyLogPath);
    this.#secrets = new ContextSecrets(config, services.secrets, () => this.#onSecrets());
    this.#build();
  }

  /** A handshake with this server; a transport failure reason: there will be none. */
  connect(target: ClientTarget): TlsHandshake | string {
    const context = this.#context;
    if (context === null) {
      this.stats.secretsNotReady.inc();
      return NOT_READY_TEXT;
    }
    // RFC 6066 §3; OpenSSL would ask for no name.
    if (Buffer.byteLength(target.serverName) > MAX_SERVER_NAME_BYTES) return LONG_NAME_TEXT;
    return new ClientHandshake(this, context, target);
  }

  /** Nobody will connect any more. */
  close(): void {
    this.#secrets.close();
  }

  #onSecrets(): void {
    if (this.#build()) this.stats.contextUpdateBySds.inc();
  }

  #build(): boolean {
    const supplied = this.#secrets.supplied();
    if (supplied === null) return false;
    const { config, services } = this;
    try {
      const verifier =
        supplied.validation === null ? null : services.makeVerifier(supplied.validation, 'server');
      const certificate = supplied.certificates[0] ?? null;
      const parts = { common: config, certificate, verifier, sessions: null };
      this.#context = {
        context: makeSecureContext({ ...parts, prefersOwnCiphers: false }),
        verifier,
        localCertificate: certificate?.chain[0] ?? null,
        sessions: new ClientSessions(config.maxSessionKeys),
      };
      return true;
    } catch (error) {
      services.log.log('error', 'a TLS context cannot be built of its secrets', {
        reason: (error as Error).message,
        kept: this.#context !== null,
      });
      return false;
    }
  }
}

/** One connection's. */
class ClientHandshake implements TlsHandshake {
  readonly parameters: TlsParameters;
  readonly #tls: ClientTls;
  readonly #context: ClientContext;
  readonly #target: ClientTarget;
  /** What sessions are kept by. */
  readonly #server: string;
  readonly #resumed: KeptSession | null;
  /** Sessions that came before the server was judged; null: it was, and accepted. */
  #early: Buffer[] | null = [];
  /** What it came to; null: it is not over. */
  #info: TlsInfo | null = null;

  constructor(tls: ClientTls, context: ClientContext, target: ClientTarget) {
    this.#tls = tls;
    this.#context = context;
    this.#target = target;
    const { sessions } = context;
    this.#server = `${target.server} ${target.serverName} ${target.expectedName}`;
    this.#resumed = sessions.find(this.#server);
    const isSingleUse = tls.config.maxVersion === 'TLSv1.3';
    if (this.#resumed !== null && isSingleUse) sessions.forget(this.#server, this.#resumed);
    this.parameters = {
      isServer: false,
      context: context.context,
      requestsCertificate: true,
      requiresCertificate: false,
      applicationProtocols: target.applicationProtocols,
      serverName: target.serverName,
      session: this.#resumed?.session ?? null,
      ocspStaple: null,
      onSession: sessions.isWanted ? (session) => this.#keep(session) : null,
      onKeyLog: tls.onKeyLog,
    };
  }

  onSecure(socket: TLSSocket): TlsInfo | string {
    const { services, stats } = this.#tls;
    const { verifier, localCertificate } = this.#context;
    const { serverName, expectedName } = this.#target;
    const resumed = socket.isSessionReused() ? this.#resumed : null;
    const resumedChain = resumed?.peerChain ?? null;
    const judge = { services, stats, verifier, requiresCertificate: true, resumedChain };
    const peer = judgePeer(judge, socket, expectedName);
    if (typeof peer === 'string') return peer;
    if (peer.refusal !== '') return peer.refusal;
    const info = tlsFacts(socket, {
      group: socket.getProtocol() === 'TLSv1.2' ? (resumed?.group ?? '') : '',
      serverName,
      localCertificate,
      peerChain: peer.chain,
      isPeerValidated: peer.isValidated,
      peerIssuer: peer.issuer,
    });
    this.#accept(info);
    stats.countHandshake(info);
    return info;
  }

  /** Sessions of a server that was refused are worth nothing. */
  #accept(info: TlsInfo): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.#info = info;
    for (const session of early) this.#keep(session);
  }

  #keep(session: Buffer): void {
    const { peerChain = [], group = '' } = this.#info ?? {};
    if (this.#early !== null) this.#early.push(session);
    else this.#context.sessions.add(this.#server, { session, peerChain, group });
  }

  onFailure(error: NodeJS.ErrnoException | null): string {
    if (error === null) return '';
    if (isTlsError(error)) this.#tls.stats.connectionError.inc();
    return failureText(error);
  }
}
