// Requests for certificates (PKCS #10, RFC 2986): written with the workload's key, and read by the
// authority with all suspicion.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SubjectAltName } from '../x509/certificate.ts';
import { EXTENSION } from '../x509/certificate.ts';
import { DER, DerReader } from '../x509/der-reader.ts';
import { readOctetBits, readOid, readSmallInteger } from '../x509/der-values.ts';
import { readName } from '../x509/distinguished-name.ts';
import { readGeneralNames, toSubjectAltNames } from '../x509/general-names.ts';
import { readExtensionList } from '../x509/parse-certificate.ts';
import { parsePem, toPem } from '../x509/pem.ts';
import { encoded, oid, sequence, setOfOne, smallInteger, tagged } from './der.ts';
import { distinguishedName, namesExtension, type Subject } from './extensions.ts';
import type { WantedName } from './identity.ts';
import { keyFault, publicKeyInfo, signed } from './keys.ts';

/** What a request shall say. */
export interface SigningWish {
  /** Private. */
  readonly key: KeyObject;
  readonly names: readonly WantedName[];
  /** Default: an organization without a name, as Istio's agent has it. */
  readonly subject?: Subject;
}

/** A request whose signature is right: the asker has the key. */
export interface SigningRequest {
  readonly publicKey: KeyObject;
  /** What the asker would like to be called; nobody has checked it. */
  readonly subjectAltNames: readonly SubjectAltName[];
}

/** More is no request. */
export const MAX_REQUEST_BYTES = 65_536;

const LABELS = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);
/** PKCS #9 extensionRequest. */
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ISTIO_SUBJECT: Subject = { organization: '', commonName: null };
/** Signatures that are taken, with their digests. */
const DIGESTS: ReadonlyMap<string, { readonly digest: string; readonly kind: string }> = new Map([
  ['1.2.840.113549.1.1.11', { digest: 'sha256', kind: 'rsa' }],
  ['1.2.840.113549.1.1.12', { digest: 'sha384', kind: 'rsa' }],
  ['1.2.840.113549.1.1.13', { digest: 'sha512', kind: 'rsa' }],
  ['1.2.840.10045.4.3.2', { digest: 'sha256', kind: 'ec' }],
  ['1.2.840.10045.4.3.3', { digest: 'sha384', kind: 'ec' }],
  ['1.2.840.10045.4.3.4', { digest: 'sha512', kind: 'ec' }],
]);

/** PEM of a request. */
export function makeSigningRequest({ key, names, subject = ISTIO_SUBJECT }: SigningWish): string {
  const extensions = names.length === 0 ? [] : [namesExtension(names, true)];
  const attribute = sequence(oid(EXTENSION_REQUEST), setOfOne(sequence(...extensions)));
  const body = sequence(
    smallInteger(0),
    distinguishedName(subject),
    encoded(publicKeyInfo(key)),
    tagged(0, ...(extensions.length === 0 ? [] : [attribute])),
  );
  return toPem('CERTIFICATE REQUEST', signed(body, key));
}

/** Reads a request and checks that its own key signed it. */
export function readSigningRequest(pem: string): SigningRequest | { readonly error: string } {
  if (pem.length > MAX_REQUEST_BYTES) return { error: `more than ${MAX_REQUEST_BYTES} octets` };
  const blocks = parsePem(pem);
  if ('error' in blocks) return { error: `line ${blocks.line}: ${blocks.error}` };
  const [block, second] = blocks;
  if (block === undefined || !LABELS.has(block.label)) {
    return { error: 'no CERTIFICATE REQUEST in PEM' };
  }
  if (second !== undefined) return { error: 'more than one PEM block' };
  return readDer(block.der);
}

function readDer(der: Buffer): SigningRequest | { readonly error: string } {
  const document = DerReader.over(der);
  const outer = document.read(DER.sequence);
  document.finish();
  const body = outer.read(DER.sequence);
  const algorithm = readOid(outer.read(DER.sequence));
  const signature = readOctetBits(outer);
  outer.finish();
  if (readSmallInteger(body) !== 0) body.fail('version that is not 0');
  readName(body.read(DER.sequence));
  const keyInfo = body.read(DER.sequence).whole;
  const subjectAltNames = readAttributes(body);
  body.finish();
  if (document.error !== null) return { error: document.error };
  const publicKey = toPublicKey(keyInfo);
  if (publicKey === null) return { error: 'public key that OpenSSL cannot read' };
  const fault = keyFault(publicKey);
  if (fault !== null) return { error: fault };
  const known = DIGESTS.get(algorithm);
  if (known === undefined || known.kind !== publicKey.asymmetricKeyType) {
    return { error: `signature algorithm ${algorithm} is not taken` };
  }
  const isSigned = verify(known.digest, body.whole, publicKey, signature);
  return isSigned ? { publicKey, subjectAltNames } : { error: 'the signature is wrong' };
}

/** `[0] Attributes`: of all that may stand there only names matter. */
function readAttributes(body: DerReader): readonly SubjectAltName[] {
  const names: SubjectAltName[] = [];
  const attributes = body.readOptional(0xa0);
  while (attributes !== null && !attributes.isAtEnd) {
    const attribute = attributes.read(DER.sequence);
    const type = readOid(attribute);
    const values = attribute.read(DER.set);
    attribute.finish();
    if (type !== EXTENSION_REQUEST) continue;
    const extensions = readExtensionList(values.read(DER.sequence));
    values.finish();
    const value = extensions.get(EXTENSION.subjectAltName)?.value;
    if (value === undefined) continue;
    const inside = DerReader.over(value);
    names.push(...toSubjectAltNames(readGeneralNames(inside.read(DER.sequence)), inside));
    inside.finish();
    if (inside.error !== null) body.fail(`subjectAltName: ${inside.error}`);
  }
  return names;
}

function toPublicKey(der: Buffer): KeyObject | null {
  try {
    return createPublicKey({ key: der, type: 'spki', format: 'der' });
  } catch {
    // node:crypto has no other way to say that it can't.
    return null;
  }
}
