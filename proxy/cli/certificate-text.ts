// A certificate in words, for `ca show` and `tls`.
import { createHash } from 'node:crypto';
import { type Certificate, KEY_USAGE, type SubjectAltName } from '../x509/certificate.ts';
import { parseSpiffeId } from '../x509/spiffe-id.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ISTIO_PATH = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'server'],
  ['1.3.6.1.5.5.7.3.2', 'client'],
  ['1.3.6.1.5.5.7.3.3', 'code signing'],
  ['1.3.6.1.5.5.7.3.4', 'e-mail'],
  ['1.3.6.1.5.5.7.3.9', 'OCSP signing'],
  ['2.5.29.37.0', 'anything'],
]);
const SIGNATURES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.5', 'RSA with SHA-1'],
  ['1.2.840.113549.1.1.11', 'RSA with SHA-256'],
  ['1.2.840.113549.1.1.12', 'RSA with SHA-384'],
  ['1.2.840.113549.1.1.13', 'RSA with SHA-512'],
  ['1.2.840.113549.1.1.10', 'RSA-PSS'],
  ['1.2.840.10045.4.3.2', 'ECDSA with SHA-256'],
  ['1.2.840.10045.4.3.3', 'ECDSA with SHA-384'],
  ['1.2.840.10045.4.3.4', 'ECDSA with SHA-512'],
  ['1.3.101.112', 'Ed25519'],
]);

/** Lines `label  text`, without a heading. */
export function certificateLines(certificate: Certificate, nowMs: number): readonly string[] {
  const { subject, issuer } = certificate;
  const isSelfSigned = certificate.subjectDer.equals(certificate.issuerDer);
  const names = certificate.subjectAltNames.map(nameText);
  return [
    ...(names.length === 0 ? [line('names', 'none')] : names.map((name) => line('name', name))),
    line('subject', subject === '' ? '(empty)' : printable(subject)),
    line('issuer', isSelfSigned ? 'itself' : printable(issuer)),
    line('valid', validityText(certificate, nowMs)),
    line('key', keyText(certificate)),
    line('may', usageText(certificate)),
    line(
      'signed by',
      SIGNATURES.get(certificate.signatureAlgorithm) ?? certificate.signatureAlgorithm,
    ),
    line('serial', certificate.serialNumber),
    line('SHA-256', certificate.fingerprint256),
    line('key pin', keyPin(certificate)),
  ];
}

/** The same for programs. */
export function certificateJson(certificate: Certificate, nowMs: number) {
  return {
    subject_alt_names: certificate.subjectAltNames.map(({ kind, value }) => ({ kind, value })),
    subject: certificate.subject,
    issuer: certificate.issuer,
    valid_from: new Date(certificate.notBeforeMs).toISOString(),
    expiration_time: new Date(certificate.notAfterMs).toISOString(),
    days_until_expiration: Math.max(0, Math.floor((certificate.notAfterMs - nowMs) / DAY_MS)),
    key: keyText(certificate),
    is_authority: certificate.isAuthority,
    serial_number: certificate.serialNumber,
    sha256: certificate.fingerprint256,
    spki_sha256: keyPin(certificate),
  };
}

/** Where a chain is broken; null: each one signed the one before it. */
export function chainFault(chain: readonly Certificate[]): string | null {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return null;
    const isIssuer =
      certificate.issuerDer.equals(issuer.subjectDer) &&
      certificate.native !== null &&
      issuer.native !== null &&
      certificate.native.verify(issuer.native.publicKey);
    if (!isIssuer) return `certificate ${index + 2} did not sign certificate ${index + 1}`;
  }
  return null;
}

/** Octets of others do not steer a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Whole units, two at most: `29 days 3 hours`. */
export function spanText(ms: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, ms);
  for (const [unit, size] of [
    ['day', DAY_MS],
    ['hour', HOUR_MS],
    ['minute', MINUTE_MS],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return parts.join(' ') || 'less than a minute';
}

function line(label: string, text: string): string {
  return `${label.padEnd(10)}${text}`;
}

function nameText({ kind, value, oid }: SubjectAltName): string {
  const shown = printable(value);
  if (kind !== 'uri') return kind === 'other' ? `${oid} ${shown}` : `${kind} ${shown}`;
  const id = parseSpiffeId(value);
  if ('error' in id) return `uri ${shown}`;
  const [, namespace, serviceAccount] = ISTIO_PATH.exec(id.path) ?? [];
  if (namespace === undefined) return `uri ${shown}`;
  const words = `service account ${serviceAccount} of namespace ${namespace}`;
  return `uri ${shown} (${words})`;
}

function validityText({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): string {
  const range = `${timeText(notBeforeMs)} to ${timeText(notAfterMs)}`;
  if (nowMs < notBeforeMs) return `${range}: NOT YET VALID, for ${spanText(notBeforeMs - nowMs)}`;
  if (nowMs > notAfterMs) return `${range}: EXPIRED ${spanText(nowMs - notAfterMs)} ago`;
  return `${range}, ${spanText(notAfterMs - nowMs)} left`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

function keyText({ native, keyKind }: Certificate): string {
  const details = native?.publicKey.asymmetricKeyDetails;
  if (details?.modulusLength !== undefined) return `RSA ${details.modulusLength}`;
  if (details?.namedCurve === undefined) return keyKind;
  return `EC ${details.namedCurve === 'prime256v1' ? 'P-256' : details.namedCurve}`;
}

function usageText(certificate: Certificate): string {
  const { keyUsage, extendedKeyUsage, isAuthority, pathLength } = certificate;
  if (isAuthority) {
    const signs = keyUsage === null || (keyUsage & KEY_USAGE.certSign) !== 0;
    const below = pathLength === null ? 'any number' : `${pathLength}`;
    return signs
      ? `certify others; authorities below it: ${below}`
      : 'not certify, though an authority';
  }
  if (extendedKeyUsage === null) return 'be used for anything; no authority';
  const purposes = extendedKeyUsage.map((oid) => PURPOSES.get(oid) ?? oid);
  return `be used as ${purposes.join(' and ')}; no authority`;
}

/** What `verify_certificate_spki` wants. */
function keyPin({ publicKeyInfo }: Certificate): string {
  return createHash('sha256').update(publicKeyInfo).digest('base64');
}
