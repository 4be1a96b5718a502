// What `/certs` tells: the certificates and authorities of every TLS context in use.
import type { CertificateDetails, CertificateStatus } from '../../admin/backend.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { ContextInUse, HeldSecret } from './contexts-in-use.ts';

const DAY_MS = 24 * 3600 * 1000;

/** One entry per context that has a certificate or authorities. */
export function certificateReport(
  contexts: readonly ContextInUse[],
  nowMs: number,
): readonly CertificateStatus[] {
  return contexts.flatMap(({ certificates, validation }): readonly CertificateStatus[] => {
    const authority = validation?.value.trustedCas[0];
    const caCert =
      authority === undefined || validation === null
        ? []
        : [describe(authority, pathOf(validation, 'trustedCa'), nowMs)];
    const certChain = certificates.map((held) =>
      describe(held.value.chain[0], pathOf(held, 'certificateChain'), nowMs),
    );
    return caCert.length + certChain.length === 0 ? [] : [{ caCert, certChain }];
  });
}

/** Whole days until the first of them expires, 0 for one that has; null without certificates. */
export function daysUntilFirstExpiry(
  contexts: readonly ContextInUse[],
  nowMs: number,
): number | null {
  const ends = contexts.flatMap(({ certificates, validation }) => [
    ...certificates.map(({ value }) => value.chain[0].notAfterMs),
    ...(validation?.value.trustedCas ?? []).map(({ notAfterMs }) => notAfterMs),
  ]);
  if (ends.length === 0) return null;
  return daysUntil(Math.min(...ends), nowMs);
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
function pathOf({ document }: HeldSecret<unknown>, field: string): string {
  const parts = document?.type.value as Readonly<Record<string, unknown>> | undefined;
  const data = parts?.[field] as
    | { readonly specifier: { readonly case?: string; readonly value?: unknown } }
    | undefined;
  return data?.specifier.case === 'filename' ? String(data.specifier.value) : '<inline>';
}
