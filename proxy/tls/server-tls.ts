// TLS of a filter chain: turns a ClientHello into a handshake, and judges the client behind it.
// Secrets that change make new contexts beside the present ones; those that cannot be built leave
// everything as it is.
import { createHmac } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '../http/tls-info.ts';
import type { DownstreamTlsConfig } from '../model/transport-socket.ts';
import type { TlsHandshake, TlsParameters } from '../net/transport.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { CertificateChoice, type ServedCertificate } from './choose-certificate.ts';
import { type ClientHello, NO_CLIENT_HELLO } from './client-hello.ts';
import { ContextSecrets, identityOf, type SuppliedSecrets } from './context-secrets.ts';
import {
  failureText,
  isMissingCertificate,
  isTlsError,
  NOT_READY_TEXT,
  rejectedText,
} from './failure-text.ts';
import { judgePeer } from './judge-peer.ts';
import { KeyGroups } from './key-groups.ts';
import { staple } from './ocsp-stapling.ts';
import type { PeerVerifier } from './peer-verifier.ts';
import { makeSecureContext, type ServerSessions } from './secure-context.ts';
import { tlsFacts } from './tls-facts.ts';
import type { TlsServices } from './tls-services.ts';
import { TlsStats } from './tls-stats.ts';

/** As much as OpenSSL takes. */
const ID_CONTEXT_LENGTH = 32;

/** Everything that one version of the secrets makes. */
interface ServerContexts {
  readonly choice: CertificateChoice;
  readonly verifier: PeerVerifier | null;
}

/** One per filter chain and worker. */
export class ServerTls {
  readonly config: DownstreamTlsConfig;
  readonly stats: TlsStats;
  readonly services: TlsServices;
  readonly groups: KeyGroups;
  readonly onKeyLog: ((line: Buffer) => void) | null;
  readonly #secrets: ContextSecrets;
  /** null: a secret was not supplied yet. */
  #contexts: ServerContexts | null = null;

  /** `listener` is `listener.<address>.` */
  constructor(config: DownstreamTlsConfig, services: TlsServices, listener: StatsScope) {
    this.config = config;
    this.services = services;
    this.stats = new TlsStats(listener, 'server');
    this.groups = new KeyGroups(config.groups);
    const { keyLogPath } = config;
    this.onKeyLog = keyLogPath === null ? null : services.openKeyLog(keyLogPath);
    this.#secrets = new ContextSecrets(config, services.secrets, () => this.#onSecrets());
    this.#build();
  }

  /** A handshake with this client; a transport failure reason: there will be none. */
  accept(hello: ClientHello): TlsHandshake | string {
    const contexts = this.#contexts;
    if (contexts === null) {
      this.stats.secretsNotReady.inc();
      return NOT_READY_TEXT;
    }
    const served = contexts.choice.choose(hello);
    const { config, stats } = this;
    const response = hello.asksForStatus ? staple(served, config.ocspPolicy, stats) : null;
    const lacksName =
      config.requiresServerName && hello.serverName === '' && hello !== NO_CLIENT_HELLO;
    if (response === 'refused' || lacksName) {
      stats.connectionError.inc();
      return rejectedText();
    }
    const { verifier } = contexts;
    return new ServerHandshake(this, { served, verifier, ocspStaple: response }, hello);
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
    try {
      this.#contexts = buildContexts(this.config, this.services, supplied);
      return true;
    } catch (error) {
      this.services.log.log('error', 'a TLS context cannot be built of its secrets', {
        reason: (error as Error).message,
        kept: this.#contexts !== null,
      });
      return false;
    }
  }
}

function buildContexts(
  config: DownstreamTlsConfig,
  services: TlsServices,
  supplied: SuppliedSecrets,
): ServerContexts {
  const { validation, certificates } = supplied;
  const verifier = validation === null ? null : services.makeVerifier(validation, 'client');
  const sessions = serverSessions(config, services, { supplied, verifier });
  const served = certificates.map((certificate) => {
    const prefersOwnCiphers = !config.prefersClientCiphers;
    const parts = { common: config, certificate, verifier, sessions, prefersOwnCiphers };
    const context = makeSecureContext(parts);
    return { context, certificate: certificate.chain[0], ocspStaple: certificate.ocspStaple };
  });
  return { choice: new CertificateChoice(served, config.scansAllCertificates), verifier };
}

/** Keys that every worker comes to by itself, and that change with whatever a session rests on. */
function serverSessions(
  config: DownstreamTlsConfig,
  services: TlsServices,
  { supplied, verifier }: { supplied: SuppliedSecrets; verifier: PeerVerifier | null },
): ServerSessions {
  // A ticket holds the client's own certificate and nothing of the rest of its chain.
  const isResumable = config.resumesStateless && verifier?.judgesChain !== true;
  const identity = identityOf(config.fingerprint, supplied);
  const secrets = supplied.ticketKeys?.keys ?? [services.ticketSecret];
  return {
    ticketKeys: isResumable
      ? secrets.map((key) => createHmac('sha384', key).update(identity).digest())
      : [],
    idContext: identity.toString('hex').slice(0, ID_CONTEXT_LENGTH),
    timeoutS: config.sessionTimeoutS,
  };
}

/** What one client gets. */
interface ChosenContext {
  readonly served: ServedCertificate;
  readonly verifier: PeerVerifier | null;
  readonly ocspStaple: Buffer | null;
}

/** One connection's. */
class ServerHandshake implements TlsHandshake {
  readonly parameters: TlsParameters;
  refused: TlsInfo | null = null;
  readonly #tls: ServerTls;
  readonly #hello: ClientHello;
  readonly #served: ServedCertificate;
  readonly #verifier: PeerVerifier | null;

  constructor(tls: ServerTls, chosen: ChosenContext, hello: ClientHello) {
    const { config } = tls;
    const { verifier } = chosen;
    this.#tls = tls;
    this.#hello = hello;
    this.#served = chosen.served;
    this.#verifier = verifier;
    const requiresCertificate =
      verifier !== null && (config.requiresClientCertificate || verifier.requiresCertificate);
    this.parameters = {
      isServer: true,
      context: this.#served.context,
      requestsCertificate: verifier !== null || config.requiresClientCertificate,
      requiresCertificate,
      applicationProtocols: chooseProtocol(config.applicationProtocols, hello.protocols),
      serverName: '',
      session: null,
      ocspStaple: chosen.ocspStaple,
      onSession: null,
      onKeyLog: tls.onKeyLog,
    };
  }

  onSecure(socket: TLSSocket): TlsInfo | string {
    const { services, stats, groups } = this.#tls;
    const { requiresCertificate } = this.parameters;
    const judge = {
      ...{ services, stats, verifier: this.#verifier, requiresCertificate },
      resumedChain: null,
    };
    const peer = judgePeer(judge, socket, '');
    if (typeof peer === 'string') return peer;
    const info = tlsFacts(socket, {
      group: groups.chosen(this.#hello, socket.getProtocol() ?? ''),
      serverName: this.#hello.serverName,
      localCertificate: this.#served.certificate,
      peerChain: peer.chain,
      isPeerValidated: peer.isValidated,
      peerIssuer: peer.issuer,
    });
    if (peer.refusal !== '') {
      this.refused = info;
      return peer.refusal;
    }
    stats.countHandshake(info);
    return info;
  }

  onFailure(error: NodeJS.ErrnoException | null): string {
    const { stats } = this.#tls;
    if (error === null) return '';
    if (isMissingCertificate(error)) stats.failVerifyNoCert.inc();
    else if (isTlsError(error)) stats.connectionError.inc();
    return failureText(error);
  }
}

/** The first of ours that the client offers; none goes on without one, as in Envoy. */
function chooseProtocol(
  own: readonly string[],
  offered: readonly string[] | null,
): readonly string[] {
  const chosen = offered === null ? undefined : own.find((name) => offered.includes(name));
  return chosen === undefined ? [] : [chosen];
}
