// How a peer's certificate is judged, behind the handshake and before the first octet is used.
import type { Certificate } from '../x509/certificate.ts';

/** What a handshake shows. */
export interface PeerEvidence {
  /** As sent, its own first; empty: it showed none. */
  readonly chain: readonly Certificate[];
  /** OpenSSL's text on the chain against `trusted_ca`; '' : nothing to say against it. */
  readonly chainError: string;
  /** OpenSSL's code of it, such as `CERT_HAS_EXPIRED`. */
  readonly chainErrorCode: string;
  /** Name that the certificate must be for besides all else; '' : any. */
  readonly expectedName: string;
  /** Wall-clock ms. */
  readonly nowMs: number;
}

/** A refusal. `detail` is Envoy's text, such as `verify cert failed: cert hash and spki`. */
export interface PeerRefusal {
  readonly stat:
    | 'fail_verify_no_cert'
    | 'fail_verify_error'
    | 'fail_verify_san'
    | 'fail_verify_cert_hash';
  readonly detail: string;
  /** ACCEPT_UNTRUSTED: it is counted, but the peer is taken, as one that is not validated. */
  readonly isTolerated: boolean;
}

/** Made once per version of a validation context. */
export interface PeerVerifier {
  /** PEM of authorities that OpenSSL judges the chain by; null: it need not. */
  readonly trustedCaPem: string | null;
  readonly crlPem: string | null;
  /** null: accepted. */
  verify(peer: PeerEvidence): PeerRefusal | null;
  /**
   * Chains are judged here, not by OpenSSL. No session may be resumed then: it would remember the
   * peer's own certificate alone, and neither its chain nor a verdict that counts.
   */
  readonly judgesChain: boolean;
  /** Who issued the first of a chain that leads to somebody who is trusted; null: nobody. */
  issuerOf(chain: readonly Certificate[], nowMs: number): Certificate | null;
  /** As Envoy: who is judged by name, hash or key must show a certificate, unless all are taken. */
  readonly requiresCertificate: boolean;
  /** It was judged by authorities, hashes or keys: what `TlsInfo.isPeerValidated` says. */
  readonly validates: boolean;
}
