// Whether an OCSP response goes along with a certificate: OcspStaplePolicy, as Envoy decides it.
import type { DownstreamTlsConfig } from '../model/transport-socket.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { TlsStats } from './tls-stats.ts';

/** RFC 7633: the certificate itself asks for a response, which makes every policy MUST_STAPLE. */
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';

/** The certificate that was chosen, and what goes along with it. */
export interface StapledCertificate {
  readonly certificate: Certificate;
  readonly ocspStaple: Buffer | null;
}

/** The response; null: none is sent; `refused`: the client gets no handshake. All are counted. */
export function staple(
  { certificate, ocspStaple }: StapledCertificate,
  policy: DownstreamTlsConfig['ocspPolicy'],
  stats: TlsStats,
): Buffer | null | 'refused' {
  stats.ocspStapleRequests.inc();
  if (ocspStaple !== null) {
    stats.ocspStapleResponses.inc();
    return ocspStaple;
  }
  const isNeeded = policy === 'must-staple' || certificate.extensions.has(TLS_FEATURE);
  (isNeeded ? stats.ocspStapleFailed : stats.ocspStapleOmitted).inc();
  return isNeeded ? 'refused' : null;
}
