// PEM in octets of a data source, with the place of what is wrong in it.
import type { Certificate } from '../../../x509/certificate.ts';
import { parsePem, toPem } from '../../../x509/pem.ts';
import { parsePemCertificates } from '../../../x509/pem-certificates.ts';

/** Certificates, at least one, or why there are none. */
export type ReadCertificates =
  | { readonly ok: true; readonly certificates: readonly [Certificate, ...Certificate[]] }
  | { readonly ok: false; readonly reason: string };

/** The certificates of a PEM text. */
export function readPemCertificates(octets: Buffer): ReadCertificates {
  const read = parsePemCertificates(octets.toString('latin1'));
  if ('error' in read) return { ok: false, reason: `line ${read.line}: ${read.error}` };
  const [first, ...others] = read;
  if (first === undefined) return { ok: false, reason: 'no certificate in it' };
  return { ok: true, certificates: [first, ...others] };
}

/** The blocks of a label, as PEM again; empty when there are none, or the text is malformed. */
export function pemBlocks(text: string, label: string): readonly string[] {
  const blocks = parsePem(text);
  if ('error' in blocks) return [];
  return blocks.flatMap((block) => (block.label === label ? [toPem(label, block.der)] : []));
}
