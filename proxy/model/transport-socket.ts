// What carries the bytes of connections, on both sides: config.core.v3.TransportSocket compiled.
import type { FilterMetadata } from './match-tree.ts';
import type { CertificateSecret, SecretRef, TicketKeysSecret, ValidationSecret } from './secret.ts';

/** Transport of a filter chain's connections. */
export type DownstreamTransportConfig =
  | { readonly kind: 'raw' }
  | { readonly kind: 'tls'; readonly tls: DownstreamTlsConfig }
  /** Clear until the terminal filter asks for TLS. */
  | { readonly kind: 'starttls'; readonly tls: DownstreamTlsConfig };

/** Transport of a cluster's connections. */
export type UpstreamTransportConfig =
  | { readonly kind: 'raw' }
  | { readonly kind: 'tls'; readonly tls: UpstreamTlsConfig }
  | { readonly kind: 'starttls'; readonly tls: UpstreamTlsConfig | null }
  | {
      readonly kind: 'proxy-protocol';
      readonly version: 1 | 2;
      /** Types of the client's TLVs that are passed on; null: all of them. */
      readonly passThroughTlvs: readonly number[] | null;
      readonly addedTlvs: readonly { readonly type: number; readonly value: Buffer }[];
      readonly inner: UpstreamTransportConfig;
    }
  | { readonly kind: 'http-11-proxy'; readonly inner: UpstreamTransportConfig };

/** The transport of a cluster without any, and of a chain. */
export const RAW_TRANSPORT = Object.freeze({ kind: 'raw' } as const);

/** Cluster.transport_socket_matches: the first whose metadata an endpoint has. */
export interface TransportMatchConfig {
  readonly name: string;
  /** Against `envoy.transport_socket_match` of the endpoint; empty: every endpoint. */
  readonly match: Readonly<Record<string, unknown>>;
  readonly transport: UpstreamTransportConfig;
}

/** Where endpoints say what `match` is compared with. */
export function transportMatchOf(metadata: FilterMetadata): Readonly<Record<string, unknown>> {
  return (metadata['envoy.transport_socket_match'] as Record<string, unknown> | undefined) ?? {};
}

/** CommonTlsContext */
export interface CommonTlsConfig {
  /**
   * Hash of all that decides whether a session may be resumed, without the secrets' content: the
   * same in every process and on every reload of the same text.
   */
  readonly fingerprint: string;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** For OpenSSL, joined with `:`; TLS 1.2 and below. */
  readonly ciphers: string;
  readonly groups: string;
  /** '' : the library's. */
  readonly signatureAlgorithms: string;
  readonly certificates: readonly SecretRef<CertificateSecret>[];
  readonly validation: ValidationConfig | null;
  /** In the order of preference. */
  readonly applicationProtocols: readonly string[];
  /** null: keys are not logged. */
  readonly keyLogPath: string | null;
}

/** As OpenSSL and Node call them; older ones are refused. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** validation_context_type; combined: what `ref` says, added to `base`. */
export interface ValidationConfig {
  /** null: there is no dynamic part. */
  readonly ref: SecretRef<ValidationSecret> | null;
  readonly base: ValidationSecret | null;
}

/** DownstreamTlsContext */
export interface DownstreamTlsConfig extends CommonTlsConfig {
  /** Clients without a certificate are refused; without it one is asked for if it can be judged. */
  readonly requiresClientCertificate: boolean;
  readonly requiresServerName: boolean;
  /** null: random ones of this process. */
  readonly ticketKeys: SecretRef<TicketKeysSecret> | null;
  readonly resumesStateless: boolean;
  readonly resumesStateful: boolean;
  /** null: the library's. */
  readonly sessionTimeoutS: number | null;
  readonly ocspPolicy: 'lenient' | 'strict' | 'must-staple';
  readonly scansAllCertificates: boolean;
  readonly prefersClientCiphers: boolean;
}

/** UpstreamTlsContext */
export interface UpstreamTlsConfig extends CommonTlsConfig {
  /** Sent in every handshake unless the request says otherwise; '' : none. */
  readonly serverName: string;
  /** auto_host_sni: the endpoint's hostname is sent. */
  readonly usesHostName: boolean;
  /** auto_sni_san_validation: the certificate must be for the name that was sent. */
  readonly verifiesServerName: boolean;
  /** Sessions kept for resumption; 0: none. Default 1. */
  readonly maxSessionKeys: number;
  readonly enforcesRsaKeyUsage: boolean;
}
