// What `/certs` tells: the certificates and authorities of every TLS context in use.
import type { CertificateDetails, CertificateStatus } from '../../admin/backend.ts';
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { SecretRef, SecretValue } from '../../model/secret.ts';
import type { Certificate } from '../../x509/certificate.ts';

const DAY_MS = 24 * 3600 * 1000;

/** A secret in use, and where its parts stand. */
export interface SecretInUse {
  readonly ref: SecretRef;
  readonly value: SecretValue;
}

/** One entry per secret: a chain, or authorities. */
export function certificateReport(
  secrets: readonly SecretInUse[],
  nowMs: number,
): readonly CertificateStatus[] {
  return secrets.flatMap(({ ref, value }): readonly CertificateStatus[] => {
    const details = (certificate: Certificate, field: string): CertificateDetails =>
      describe(certificate, pathOf(ref, field), nowMs);
    if (value.kind === 'certificate') {
      const certChain = value.chain.map((it) => details(it, 'certificateChain'));
      return [{ caCert: [], certChain }];
    }
    if (value.kind !== 'validation' || value.trustedCas.length === 0) return [];
    return [{ caCert: value.trustedCas.map((it) => details(it, 'trustedCa')), certChain: [] }];
  });
}

/** Whole days until the first of them expires, 0 for one that has; null without certificates. */
export function daysUntilFirstExpiry(
  secrets: readonly SecretInUse[],
  nowMs: number,
): number | null {
  const ends = secrets.flatMap(({ value }) => certificatesOf(value).map((it) => it.notAfterMs));
  if (ends.length === 0) return null;
  return daysUntil(Math.min(...ends), nowMs);
}

function certificatesOf(value: SecretValue): readonly Certificate[] {
  if (value.kind === 'certificate') return value.chain;
  return value.kind === 'validation' ? value.trustedCas : [];
}

function daysUntil(endMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((endMs - nowMs) / DAY_MS));
}

function describe(certificate: Certificate, path: string, nowMs: number): CertificateDetails {
  const names = certificate.subjectAltNames.flatMap(
    ({ kind, value }): CertificateDetails['subjectAltNames'] => {
      if (kind === 'ip') return [{ kind: 'ip_address', value }];
      return kind === 'dns' || kind === 'uri' ? [{ kind, value }] : [];
    },
  );
  return {
    path,
    serialNumber: certificate.serialNumber,
    subjectAltNames: names,
    validFromMs: certificate.notBeforeMs,
    expirationMs: certificate.notAfterMs,
    daysUntilExpiration: daysUntil(certificate.notAfterMs, nowMs),
  };
}

/** The file that a part of a secret was read from. */
function pathOf({ source }: SecretRef, field: string): string {
  if (source.kind !== 'files') return '<inline>';
  const part = (source.secret as Secret).type.value as unknown as Readonly<Record<string, unknown>>;
  const data = part[field] as
    | { readonly specifier: { readonly case?: string; readonly value?: unknown } }
    | undefined;
  return data?.specifier.case === 'filename' ? String(data.specifier.value) : '<inline>';
}
