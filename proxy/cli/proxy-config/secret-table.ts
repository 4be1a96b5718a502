// `proxy-config secret`: which certificates a proxy holds, and until when. Of a secret's content
// nothing else is ever shown, also not of a dump whose keys were not hidden.
import type { Certificate } from '../../x509/certificate.ts';
import { parsePemCertificates } from '../../x509/pem-certificates.ts';
import { type Dump, type Result, sectionOf } from './dump.ts';
import { type JsonRecord, member, record, records, text } from './json-fields.ts';
import type { TextTable } from './text-table.ts';

/** A certificate of a secret; of the other kinds of secrets only the first three members. */
export interface SecretRow {
  readonly name: string;
  /** `Cert Chain`, `CA`, or the kind of a secret that is neither; '' while it is not there. */
  readonly type: string;
  /** ACTIVE, WARMING or UNINITIALIZED. */
  readonly state: string;
  /** Its time is now; null where the dump does not hold the certificate. */
  readonly valid: boolean | null;
  readonly serial_number: string;
  readonly not_after: string;
  readonly not_before: string;
}

type Subject = Pick<SecretRow, 'name' | 'state'>;

const SERIAL_DIGITS = 32;
const UNREADABLE = { serial_number: '', not_after: '', not_before: '' };
const OTHER_KINDS: readonly (readonly [string, string])[] = [
  ['session_ticket_keys', 'Session Ticket Keys'],
  ['generic_secret', 'Generic Secret'],
];

/** Warming secrets first, then what serves. */
export function selectSecrets(dump: Dump, nowMs: number): Result<readonly SecretRow[]> {
  const section = sectionOf(dump, 'SecretsConfigDump');
  if (!section.ok) return section;
  const rows = (list: string, state: string): readonly SecretRow[] =>
    records(section.value, list).flatMap((element) => secretRows(element, state, nowMs));
  const value = [
    ...rows('dynamic_warming_secrets', 'WARMING'),
    ...rows('dynamic_active_secrets', 'ACTIVE'),
    ...rows('static_secrets', 'ACTIVE'),
  ];
  return { ok: true, value };
}

/** A line for each certificate. */
export function secretTable(secrets: readonly SecretRow[]): TextTable {
  return {
    titles: [
      ...['RESOURCE NAME', 'TYPE', 'STATUS', 'VALID CERT'],
      ...['SERIAL NUMBER', 'NOT AFTER', 'NOT BEFORE'],
    ],
    rows: secrets.map((secret) => [
      ...[secret.name, secret.type, secret.state],
      secret.valid === null ? '-' : String(secret.valid),
      ...[secret.serial_number, secret.not_after, secret.not_before],
    ]),
  };
}

function secretRows(element: JsonRecord, state: string, nowMs: number): readonly SecretRow[] {
  const secret = record(element, 'secret');
  const isHere = text(element, 'version_info') !== 'uninitialized';
  const subject = { name: text(element, 'name'), state: isHere ? state : 'UNINITIALIZED' };
  const chain = record(secret, 'tls_certificate', 'certificate_chain');
  if (member(secret, 'tls_certificate') !== undefined) {
    return certificateRows(subject, chain, nowMs).slice(0, 1);
  }
  const authorities = record(secret, 'validation_context', 'trusted_ca');
  if (member(secret, 'validation_context') !== undefined) {
    return certificateRows(subject, authorities, nowMs);
  }
  const other = OTHER_KINDS.find(([name]) => member(secret, name) !== undefined);
  if (other !== undefined) return [{ ...subject, type: other[1], valid: null, ...UNREADABLE }];
  return [{ ...subject, type: '', valid: false, ...UNREADABLE }];
}

/** At least one row: of a file only its proxy knows the content. */
function certificateRows(
  subject: Subject,
  source: JsonRecord,
  nowMs: number,
): readonly SecretRow[] {
  const pem = inlineText(source);
  if (pem === null) return [{ ...subject, type: '', valid: null, ...UNREADABLE }];
  const certificates = parsePemCertificates(pem);
  if ('error' in certificates || certificates.length === 0) {
    return [{ ...subject, type: '', valid: false, ...UNREADABLE }];
  }
  return certificates.map((certificate) => ({
    ...subject,
    ...certificateCells(certificate, nowMs),
  }));
}

/** null: it is not in the dump. */
function inlineText(source: JsonRecord): string | null {
  const plain = member(source, 'inline_string');
  if (typeof plain === 'string') return plain;
  const encoded = member(source, 'inline_bytes');
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('latin1') : null;
}

function certificateCells(
  certificate: Certificate,
  nowMs: number,
): Omit<SecretRow, 'name' | 'state'> {
  const { isAuthority, notBeforeMs, notAfterMs, serialNumber } = certificate;
  return {
    type: isAuthority ? 'CA' : 'Cert Chain',
    valid: notBeforeMs <= nowMs && nowMs <= notAfterMs,
    // istioctl: %032x.
    serial_number: serialNumber.padStart(SERIAL_DIGITS, '0'),
    not_after: timeText(notAfterMs),
    not_before: timeText(notBeforeMs),
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
