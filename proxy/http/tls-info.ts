// What TLS tells about one connection: for access logs, header fields, policies and statistics.
import type { Certificate } from '../x509/certificate.ts';

/** One object a connection; its parts are read when somebody asks. */
export interface TlsInfo {
  /** `TLSv1.2`, `TLSv1.3` */
  readonly version: string;
  /** As OpenSSL calls it: `ECDHE-RSA-AES128-GCM-SHA256`, `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string;
  /** Key exchange group as Envoy calls it: `X25519`, `P-256`; '' where it is not known. */
  readonly group: string;
  /** Lower-case hexadecimal; '' for none. */
  readonly sessionId: string;
  readonly isResumed: boolean;
  /** SNI, as the client sent it; '' for none. */
  readonly serverName: string;
  /** What ALPN chose; '' for nothing. */
  readonly applicationProtocol: string;
  /** The peer's certificates as it sent them, its own first; empty when it showed none. */
  readonly peerChain: readonly Certificate[];
  /** The peer's certificate was verified against authorities, or by its hash or key. */
  readonly isPeerValidated: boolean;
  /** Our own certificate of this connection; null for none. */
  readonly localCertificate: Certificate | null;
  /** Who issued the peer's certificate, on the way to somebody who is trusted; null: not known. */
  peerIssuer(): Certificate | null;
}

/** The peer's own certificate; null when it showed none, or there is no TLS. */
export function peerCertificateOf(tls: TlsInfo | null): Certificate | null {
  return tls?.peerChain[0] ?? null;
}
