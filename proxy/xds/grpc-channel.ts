// From what a configuration says of a management server to what @grpc/grpc-js connects with.
import type { PeerCertificate } from 'node:tls';
import tls from 'node:tls';
import type * as grpc from '@grpc/grpc-js';
import type { TlsVersion } from '../model/transport-socket.ts';
import type { PeerVerifier } from '../tls/peer-verifier.ts';
import type { Certificate } from '../x509/certificate.ts';
import { parseCertificate } from '../x509/parse-certificate.ts';
import { grpcLibrary } from './libraries.ts';

/** Where a server listens. */
export type ServerTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** TLS towards a server, of one version of its secrets. */
export interface ServerTls {
  /** PEM of authorities; null: the server's certificate is not judged. */
  readonly rootPem: string | null;
  readonly crlPem: string | null;
  /** PEM of the own certificate and key; null: none is shown. */
  readonly chainPem: string | null;
  readonly keyPem: string | null;
  readonly passphrase: string;
  /** For SNI; '' : the target's host. */
  readonly serverName: string;
  /** Whether the name that was sent must be in the certificate. */
  readonly verifiesServerName: boolean;
  /** Judges names and pins, once OpenSSL is content with the chain; null: there is nothing to judge. */
  readonly verifier: PeerVerifier | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** What does not change from connection to connection. */
export interface ChannelSettings {
  /** `:authority`; Envoy sends the cluster's name. */
  readonly authority: string;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly maxResponseBytes: number;
}

/** Flow control window: larger responses need fewer round trips. */
const WINDOW_BYTES = 1_048_576;

/** As the URI that grpc-js wants; addresses are never asked of a resolver. */
export function targetUri(target: ServerTarget): string {
  if (target.kind === 'unix') return `unix:${target.path}`;
  const { host, port } = target;
  if (host.includes(':')) return `ipv6:[${host}]:${port}`;
  return /^[\d.]+$/.test(host) ? `ipv4:${host}:${port}` : `dns:${host}:${port}`;
}

/** One client, with a connection of its own. */
export function makeClient(
  target: ServerTarget,
  serverTls: ServerTls | null,
  settings: ChannelSettings,
): grpc.Client {
  const options: grpc.ChannelOptions = {
    'grpc.default_authority': settings.authority,
    'grpc.keepalive_time_ms': settings.keepaliveMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.max_receive_message_length': settings.maxResponseBytes,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    // Who shares a connection, when it is made anew and how often is decided elsewhere.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    // The environment's proxy is not in the configuration.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  };
  if (serverTls !== null && serverTls.serverName !== '') {
    options['grpc.ssl_target_name_override'] = serverTls.serverName;
  }
  return new (grpcLibrary().Client)(targetUri(target), credentialsOf(serverTls), options);
}

function credentialsOf(serverTls: ServerTls | null): grpc.ChannelCredentials {
  if (serverTls === null) return grpcLibrary().credentials.createInsecure();
  return grpcLibrary().credentials.createFromSecureContext(secureContextOf(serverTls), {
    rejectUnauthorized: serverTls.rootPem !== null,
    checkServerIdentity: (host, peer) => identityError(serverTls, host, peer),
  });
}

/** Throws for secrets that cannot be used. */
export function secureContextOf(serverTls: ServerTls): tls.SecureContext {
  const { chainPem, crlPem, keyPem, maxVersion, minVersion, passphrase, rootPem } = serverTls;
  return tls.createSecureContext({
    minVersion,
    maxVersion,
    ...(rootPem === null ? {} : { ca: rootPem }),
    ...(crlPem === null ? {} : { crl: crlPem }),
    ...(chainPem === null ? {} : { cert: chainPem }),
    ...(keyPem === null ? {} : { key: keyPem }),
    ...(passphrase === '' ? {} : { passphrase }),
  });
}

/** For `checkServerIdentity`, which is asked once OpenSSL is content with the chain. */
export function identityError(
  serverTls: ServerTls,
  host: string,
  peer: PeerCertificate,
): Error | undefined {
  const problem = identityProblem(serverTls, host, peer);
  return problem === '' ? undefined : new Error(problem);
}

/** Why a server is not who it should be, '' if it is. Judged by DER, never by printed names. */
function identityProblem(
  { verifier, verifiesServerName }: ServerTls,
  host: string,
  peer: PeerCertificate,
): string {
  if (verifier === null) return '';
  const chain: Certificate[] = [];
  for (const der of chainOf(peer)) {
    const certificate = parseCertificate(der);
    if ('error' in certificate) return `its certificate cannot be read: ${certificate.error}`;
    chain.push(certificate);
  }
  const refusal = verifier.verify({
    chain,
    chainError: '',
    chainErrorCode: '',
    expectedName: verifiesServerName ? host : '',
    nowMs: Date.now(),
  });
  return refusal === null || refusal.isTolerated ? '' : refusal.detail;
}

/** Node links each certificate to its issuer, the last one to itself. */
function chainOf(peer: PeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let next = peer as PeerCertificate & { issuerCertificate?: PeerCertificate };
  while (next?.raw !== undefined && !chain.some((der) => der.equals(next.raw))) {
    chain.push(next.raw);
    next = (next.issuerCertificate ?? {}) as typeof next;
  }
  return chain;
}
