// DER to Certificate (RFC 5280 §4.1). What is wrong anywhere is found here, once: what is read
// later, when somebody asks, can't fail.
import { createHash, X509Certificate } from 'node:crypto';
import {
  type Certificate,
  type CertificateExtension,
  EXTENSION,
  type SubjectAltName,
} from './certificate.ts';
import { DER, DerReader } from './der-reader.ts';
import {
  readBoolean,
  readInteger,
  readNamedBits,
  readOctetBits,
  readOid,
  readSmallInteger,
  readTime,
} from './der-values.ts';
import { commonNameOf, type NameAttribute, printName, readName } from './distinguished-name.ts';
import { readGeneralNames, toSubjectAltNames } from './general-names.ts';
import { toPem } from './pem.ts';

/** OpenSSL takes 100 KB of certificates from a peer; one alone may not be larger. */
const MAX_CERTIFICATE_BYTES = 102_400;
/** RFC 5280 §4.1.2.2 wants 20; some authorities made longer ones. */
const MAX_SERIAL_BYTES = 64;
const MAX_EXTENSIONS = 64;
const EC_KEY = '1.2.840.10045.2.1';
const RSA_KEY = '1.2.840.113549.1.1.1';
const ED25519_KEY = '1.3.101.112';

/** Reads one certificate; `der` is kept. */
export function parseCertificate(der: Buffer): Certificate | { readonly error: string } {
  if (der.length > MAX_CERTIFICATE_BYTES) return { error: `certificate of ${der.length} octets` };
  const document = DerReader.over(der);
  const outer = document.read(DER.sequence);
  document.finish();
  const fields = readToBeSigned(outer.read(DER.sequence));
  if (!outer.read(DER.sequence).whole.equals(fields.signature)) {
    outer.fail('two different signature algorithms');
  }
  readOctetBits(outer);
  outer.finish();
  const details = readDetails(fields.extensions, outer);
  if (document.error !== null) return { error: document.error };
  return new ParsedCertificate(der, fields, details);
}

/** What the body of a certificate holds. */
interface Fields {
  readonly serial: Buffer;
  /** The AlgorithmIdentifier inside of the signed part. */
  readonly signature: Buffer;
  readonly signatureAlgorithm: string;
  readonly issuer: readonly NameAttribute[];
  readonly issuerDer: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subject: readonly NameAttribute[];
  readonly subjectDer: Buffer;
  readonly publicKeyInfo: Buffer;
  readonly keyKind: Certificate['keyKind'];
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
}

function readToBeSigned(body: DerReader): Fields {
  const version = readVersion(body);
  const serial = readInteger(body);
  if (serial.length > MAX_SERIAL_BYTES) body.fail(`serial number of ${serial.length} octets`);
  const signature = body.read(DER.sequence);
  const issuer = body.read(DER.sequence);
  const validity = body.read(DER.sequence);
  const notBeforeMs = readTime(validity);
  const notAfterMs = readTime(validity);
  validity.finish();
  const subject = body.read(DER.sequence);
  const key = body.read(DER.sequence);
  const fields = {
    serial,
    signature: signature.whole,
    signatureAlgorithm: readOid(signature),
    issuer: readName(issuer),
    issuerDer: issuer.whole,
    notBeforeMs,
    notAfterMs,
    subject: readName(subject),
    subjectDer: subject.whole,
    publicKeyInfo: key.whole,
    keyKind: readKeyKind(key),
  };
  // RFC 5280 §4.1.2.8: unique identifiers, which nobody uses.
  if (version > 0 && body.readOptional(0x81) === null) body.readOptional(0xa1);
  if (version > 0 && body.readOptional(0x82) === null) body.readOptional(0xa2);
  const extensions = version === 2 ? readExtensions(body) : new Map();
  body.finish();
  return { ...fields, extensions };
}

/** 0, 1, 2 for v1, v2, v3; v1 is the default, which DER leaves out. */
function readVersion(body: DerReader): number {
  const wrapper = body.readOptional(0xa0);
  if (wrapper === null) return 0;
  const version = readSmallInteger(wrapper);
  wrapper.finish();
  if (version !== 1 && version !== 2) body.fail(`certificate version ${version}`);
  return version;
}

function readKeyKind(key: DerReader): Certificate['keyKind'] {
  const algorithm = readOid(key.read(DER.sequence));
  readOctetBits(key);
  key.finish();
  if (algorithm === EC_KEY) return 'ec';
  if (algorithm === RSA_KEY) return 'rsa';
  return algorithm === ED25519_KEY ? 'ed25519' : 'other';
}

/** `[3] EXPLICIT Extensions`, of certificates; each at most once. */
function readExtensions(body: DerReader): ReadonlyMap<string, CertificateExtension> {
  const wrapper = body.readOptional(0xa3);
  if (wrapper === null) return new Map();
  const extensions = readExtensionList(wrapper.read(DER.sequence));
  wrapper.finish();
  return extensions;
}

/** The content of Extensions, of certificates and revocation lists. */
export function readExtensionList(list: DerReader): ReadonlyMap<string, CertificateExtension> {
  const extensions = new Map<string, CertificateExtension>();
  if (list.isAtEnd) list.fail('no extension in the list');
  while (!list.isAtEnd) {
    const one = list.read(DER.sequence);
    const oid = readOid(one);
    // BoringSSL takes an explicit FALSE as well, though DER leaves a default out.
    const isCritical = one.nextTag === DER.boolean && readBoolean(one);
    const value = one.read(DER.octetString).content;
    one.finish();
    if (extensions.has(oid)) list.fail(`extension ${oid} twice`);
    if (extensions.size >= MAX_EXTENSIONS) list.fail('too many extensions');
    extensions.set(oid, { isCritical, value });
  }
  return extensions;
}

/** Extensions that everybody asks about. */
interface Details {
  readonly isAuthority: boolean;
  readonly pathLength: number | null;
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly subjectAltNames: readonly SubjectAltName[];
}

function readDetails(extensions: Fields['extensions'], outer: DerReader): Details {
  const inside = <T>(oid: string, read: (reader: DerReader) => T): T | null => {
    const extension = extensions.get(oid);
    if (extension === undefined) return null;
    const reader = DerReader.over(extension.value);
    const value = read(reader);
    reader.finish();
    if (reader.error !== null) outer.fail(`extension ${oid}: ${reader.error}`);
    return value;
  };
  const basic = inside(EXTENSION.basicConstraints, readBasicConstraints);
  return {
    isAuthority: basic?.isAuthority ?? false,
    pathLength: basic?.pathLength ?? null,
    keyUsage: inside(EXTENSION.keyUsage, readNamedBits),
    extendedKeyUsage: inside(EXTENSION.extendedKeyUsage, readPurposes),
    subjectAltNames: inside(EXTENSION.subjectAltName, readAltNames) ?? [],
  };
}

function readBasicConstraints(reader: DerReader): Pick<Details, 'isAuthority' | 'pathLength'> {
  const constraints = reader.read(DER.sequence);
  const isAuthority = constraints.nextTag === DER.boolean && readBoolean(constraints);
  const pathLength = constraints.isAtEnd ? null : readSmallInteger(constraints);
  constraints.finish();
  return { isAuthority, pathLength };
}

function readPurposes(reader: DerReader): readonly string[] {
  const list = reader.read(DER.sequence);
  const purposes: string[] = [];
  if (list.isAtEnd) list.fail('no purpose in it');
  while (!list.isAtEnd) purposes.push(readOid(list));
  return purposes;
}

function readAltNames(reader: DerReader): readonly SubjectAltName[] {
  return toSubjectAltNames(readGeneralNames(reader.read(DER.sequence)), reader);
}

/** As BoringSSL's BN_bn2hex: whole octets, `0` for zero. */
function printSerial(content: Buffer): string {
  const value = BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
  if (value === 0n) return '0';
  const hex = (value < 0n ? -value : value).toString(16);
  return (value < 0n ? '-' : '') + (hex.length % 2 === 0 ? hex : `0${hex}`);
}

class ParsedCertificate implements Certificate {
  readonly der: Buffer;
  readonly issuerDer: Buffer;
  readonly subjectDer: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKeyInfo: Buffer;
  readonly keyKind: Certificate['keyKind'];
  readonly signatureAlgorithm: string;
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  readonly isAuthority: boolean;
  readonly pathLength: number | null;
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly subjectAltNames: readonly SubjectAltName[];
  readonly serialNumber: string;
  readonly commonName: string;
  readonly #subjectName: readonly NameAttribute[];
  readonly #issuerName: readonly NameAttribute[];
  #subject: string | null = null;
  #issuer: string | null = null;
  #fingerprint256: string | null = null;
  #fingerprint1: string | null = null;
  #pem: string | null = null;
  #native: X509Certificate | null | undefined;

  constructor(der: Buffer, fields: Fields, details: Details) {
    this.der = der;
    this.issuerDer = fields.issuerDer;
    this.subjectDer = fields.subjectDer;
    this.notBeforeMs = fields.notBeforeMs;
    this.notAfterMs = fields.notAfterMs;
    this.publicKeyInfo = fields.publicKeyInfo;
    this.keyKind = fields.keyKind;
    this.signatureAlgorithm = fields.signatureAlgorithm;
    this.extensions = fields.extensions;
    this.isAuthority = details.isAuthority;
    this.pathLength = details.pathLength;
    this.keyUsage = details.keyUsage;
    this.extendedKeyUsage = details.extendedKeyUsage;
    this.subjectAltNames = details.subjectAltNames;
    this.serialNumber = printSerial(fields.serial);
    this.commonName = commonNameOf(fields.subject);
    this.#subjectName = fields.subject;
    this.#issuerName = fields.issuer;
  }

  get subject(): string {
    this.#subject ??= printName(this.#subjectName);
    return this.#subject;
  }

  get issuer(): string {
    this.#issuer ??= printName(this.#issuerName);
    return this.#issuer;
  }

  get fingerprint256(): string {
    this.#fingerprint256 ??= createHash('sha256').update(this.der).digest('hex');
    return this.#fingerprint256;
  }

  get fingerprint1(): string {
    this.#fingerprint1 ??= createHash('sha1').update(this.der).digest('hex');
    return this.#fingerprint1;
  }

  get pem(): string {
    this.#pem ??= toPem('CERTIFICATE', this.der);
    return this.#pem;
  }

  get native(): X509Certificate | null {
    if (this.#native === undefined) this.#native = toNative(this.der);
    return this.#native;
  }
}

/** OpenSSL reads some things more strictly than DER demands, such as the point of an EC key. */
function toNative(der: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(der);
  } catch {
    // node:crypto has no other way to say that it can't.
    return null;
  }
}
