// The certificates of a PEM text, with the line where one is wrong.
import type { Certificate } from './certificate.ts';
import { parseCertificate } from './parse-certificate.ts';
import { type PemError, parsePem } from './pem.ts';

/** `TRUSTED CERTIFICATE` has OpenSSL's own data behind the certificate, which DER refuses. */
const LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

/** The certificates of a text, at least one; other blocks, such as keys, are passed over. */
export function parsePemCertificates(text: string): readonly Certificate[] | PemError {
  const blocks = parsePem(text);
  if ('error' in blocks) return blocks;
  const certificates: Certificate[] = [];
  for (const { label, der, line } of blocks) {
    if (!LABELS.has(label)) continue;
    const certificate = parseCertificate(der);
    if ('error' in certificate) return { error: certificate.error, line };
    certificates.push(certificate);
  }
  return certificates.length > 0 ? certificates : { error: 'no certificate in it', line: 1 };
}
