// Certificate revocation lists (RFC 5280 §5): whole lists of one issuer for all of its
// certificates. Deltas, indirect and partial lists say so in critical extensions and are refused.
import { createPublicKey, verify } from 'node:crypto';
import { type Certificate, KEY_USAGE } from './certificate.ts';
import { DER, DerReader } from './der-reader.ts';
import { readInteger, readOctetBits, readOid, readSmallInteger, readTime } from './der-values.ts';
import { readExtensionList } from './parse-certificate.ts';
import { type PemError, parsePem } from './pem.ts';
import { digestOf } from './signature-digests.ts';

/** A parsed list. */
export interface RevocationList {
  readonly issuerDer: Buffer;
  /** Wall-clock ms. */
  readonly thisUpdateMs: number;
  /** Infinity: it does not say. */
  readonly nextUpdateMs: number;
  /** Hexadecimal of the serial number's octets. */
  readonly revoked: ReadonlySet<string>;
  readonly hasUnknownCritical: boolean;
  /** What is signed, how, and the signature. */
  readonly signedPart: Buffer;
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
}

/** Lists grow with the certificates that were revoked: some 40 octets each. */
const MAX_LIST_BYTES = 33_554_432;
const LABEL = 'X509 CRL';
/** cRLNumber and authorityKeyIdentifier, should somebody mark them critical. */
const KNOWN_EXTENSIONS = new Set(['2.5.29.20', '2.5.29.35']);
const REASON_CODE = '2.5.29.21';
const INVALIDITY_DATE = '2.5.29.24';

/** Reads one list. */
export function parseRevocationList(der: Buffer): RevocationList | { readonly error: string } {
  if (der.length > MAX_LIST_BYTES) return { error: `list of ${der.length} octets` };
  const document = DerReader.over(der);
  const outer = document.read(DER.sequence);
  document.finish();
  const signedPart = outer.read(DER.sequence);
  const algorithm = outer.read(DER.sequence);
  const signature = readOctetBits(outer);
  outer.finish();
  const body = readBody(signedPart, algorithm.whole);
  const signatureAlgorithm = readOid(algorithm);
  if (document.error !== null) return { error: document.error };
  return { ...body, signedPart: signedPart.whole, signatureAlgorithm, signature };
}

/** All lists of a PEM text, at least one. */
export function parsePemRevocationLists(text: string): readonly RevocationList[] | PemError {
  const blocks = parsePem(text);
  if ('error' in blocks) return blocks;
  const lists: RevocationList[] = [];
  for (const { label, der, line } of blocks) {
    if (label !== LABEL) continue;
    const list = parseRevocationList(der);
    if ('error' in list) return { error: list.error, line };
    lists.push(list);
  }
  return lists.length > 0 ? lists : { error: 'no revocation list in it', line: 1 };
}

type Body = Omit<RevocationList, 'signedPart' | 'signatureAlgorithm' | 'signature'>;

function readBody(body: DerReader, algorithm: Buffer): Body {
  if (body.nextTag === DER.integer && readSmallInteger(body) !== 1) body.fail('version of list');
  if (!body.read(DER.sequence).whole.equals(algorithm)) {
    body.fail('two different signature algorithms');
  }
  const issuerDer = body.read(DER.sequence).whole;
  const thisUpdateMs = readTime(body);
  const hasNext = body.nextTag === DER.utcTime || body.nextTag === DER.generalizedTime;
  const nextUpdateMs = hasNext ? readTime(body) : Number.POSITIVE_INFINITY;
  const entries = body.readOptional(DER.sequence);
  const { revoked, hasUnknown } = readEntries(entries);
  const hasUnknownCritical = readListExtensions(body) || hasUnknown;
  body.finish();
  return { issuerDer, thisUpdateMs, nextUpdateMs, revoked, hasUnknownCritical };
}

function readEntries(entries: DerReader | null): { revoked: Set<string>; hasUnknown: boolean } {
  const revoked = new Set<string>();
  let hasUnknown = false;
  while (entries !== null && !entries.isAtEnd) {
    const entry = entries.read(DER.sequence);
    revoked.add(readInteger(entry).toString('hex'));
    readTime(entry);
    const list = entry.readOptional(DER.sequence);
    entry.finish();
    for (const [oid, { isCritical }] of list === null ? [] : readExtensionList(list)) {
      if (isCritical && oid !== REASON_CODE && oid !== INVALIDITY_DATE) hasUnknown = true;
    }
  }
  return { revoked, hasUnknown };
}

function readListExtensions(body: DerReader): boolean {
  const wrapper = body.readOptional(0xa0);
  if (wrapper === null) return false;
  const extensions = readExtensionList(wrapper.read(DER.sequence));
  wrapper.finish();
  return [...extensions].some(([oid, { isCritical }]) => isCritical && !KNOWN_EXTENSIONS.has(oid));
}

/**
 * Why a certificate does not pass the lists, in OpenSSL's words; '' : it passes. `issuer` signed
 * both the certificate and the list that counts.
 */
export function revocationError(
  certificate: Certificate,
  issuer: Certificate,
  { lists, nowMs }: { readonly lists: readonly RevocationList[]; readonly nowMs: number },
): string {
  const ofIssuer = lists.filter((list) => list.issuerDer.equals(certificate.issuerDer));
  const isCurrent = (list: RevocationList): boolean =>
    list.thisUpdateMs <= nowMs && nowMs <= list.nextUpdateMs;
  const list = ofIssuer.find((one) => isCurrent(one) && isSignedBy(one, issuer)) ?? ofIssuer[0];
  if (list === undefined) return 'unable to get certificate CRL';
  if (issuer.keyUsage !== null && (issuer.keyUsage & KEY_USAGE.crlSign) === 0) {
    return 'key usage does not include CRL signing';
  }
  if (list.hasUnknownCritical) return 'unhandled critical CRL extension';
  if (list.thisUpdateMs > nowMs) return 'CRL is not yet valid';
  if (list.nextUpdateMs < nowMs) return 'CRL has expired';
  if (!isSignedBy(list, issuer)) return 'CRL signature failure';
  return list.revoked.has(serialHex(certificate)) ? 'certificate revoked' : '';
}

/** The INTEGER's octets, as lists have them. */
function serialHex({ serialNumber }: Certificate): string {
  if (serialNumber === '0') return '00';
  return Number.parseInt(serialNumber.slice(0, 2), 16) >= 0x80 ? `00${serialNumber}` : serialNumber;
}

const verified = new WeakMap<RevocationList, Certificate>();

/** Remembered for the issuer that was asked for last: the signature is over the whole list. */
function isSignedBy(list: RevocationList, issuer: Certificate): boolean {
  if (verified.get(list) === issuer) return true;
  const digest = digestOf(list.signatureAlgorithm);
  if (digest === undefined) return false;
  if (!isValidSignature(list, issuer, digest)) return false;
  verified.set(list, issuer);
  return true;
}

function isValidSignature(
  list: RevocationList,
  issuer: Certificate,
  digest: string | null,
): boolean {
  try {
    const key = createPublicKey({ key: issuer.publicKeyInfo, format: 'der', type: 'spki' });
    return verify(digest, list.signedPart, key, list.signature);
  } catch {
    // A key that OpenSSL can't use has signed nothing.
    return false;
  }
}
