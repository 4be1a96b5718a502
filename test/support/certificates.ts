// Makes certificates and revocation lists for tests: any name, any extension, right or wrong. Keys
// are made once per process and kind of use, certificates in less than a millisecond.
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  explicit,
  integer,
  namedBits,
  oid,
  pemOf,
  sequence,
  setOf,
  TAG,
  TRUE,
  time,
  tlv,
} from './der-writer.ts';

/** Kinds of keys. */
export type TestKeyKind = 'ec256' | 'ec384' | 'ed25519' | 'rsa2048';

/** One attribute of a name: `[type, value, string tag]`; the type is a short name or dotted. */
export type TestAttribute = readonly [type: string, value: string | Uint8Array, tag?: number];

/** Relative names in order; a list of attributes is one of several values. Text is a common name. */
export type TestName = string | readonly (TestAttribute | readonly TestAttribute[])[];

/** One subjectAltName; text is written octet by octet. */
export type TestAltName =
  | { readonly dns: string }
  | { readonly uri: string }
  | { readonly email: string }
  | { readonly ip: readonly number[] }
  | { readonly otherOid: string; readonly value: Uint8Array }
  | { readonly directory: TestName };

/** An extension with its raw content. */
export interface TestExtension {
  readonly oid: string;
  readonly isCritical?: boolean;
  readonly value: Uint8Array;
}

/** What a certificate shall say; everything has a default fit for a leaf of mutual TLS. */
export interface TestCertificateOptions {
  /** null: self-signed. */
  readonly issuer?: TestCertificate | null;
  readonly subject?: TestName;
  /** Default 1 … */
  readonly serial?: number | bigint;
  /** Default: since an hour, for a day. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Default `ec256`. */
  readonly key?: TestKeyKind;
  /** Certificates of one kind and label share a key. Default: an authority's subject; `leaf`. */
  readonly keyLabel?: string;
  /** Instead of one that is made here. */
  readonly ownKey?: KeyObject;
  readonly altNames?: readonly TestAltName[];
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Bits of RFC 5280 §4.2.1.3; null: no extension. Default by `isAuthority`. */
  readonly keyUsage?: readonly number[] | null;
  /** Dotted; null: no extension. Default of a leaf: server and client. */
  readonly extendedKeyUsage?: readonly string[] | null;
  readonly nameConstraints?: {
    readonly permitted?: readonly TestAltName[];
    readonly excluded?: readonly TestAltName[];
  };
  readonly extensions?: readonly TestExtension[];
}

/** A certificate with its key. */
export interface TestCertificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
  /** This one, then its issuers without the root; of a root itself. */
  readonly chainPem: string;
  readonly isSelfSigned: boolean;
  readonly subjectDer: Buffer;
  readonly serial: bigint;
}

/** Purposes of extendedKeyUsage. */
export const PURPOSE = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
};

const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  emailAddress: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
};
const HOUR_MS = 3_600_000;
const keys = new Map<string, KeyObject>();
let nextSerial = 1n;

/** A private key, the same one for the same kind and label. */
export function testKey(kind: TestKeyKind, label: string): KeyObject {
  const name = `${kind} ${label}`;
  const key = keys.get(name) ?? makeKey(kind);
  keys.set(name, key);
  return key;
}

function makeKey(kind: TestKeyKind): KeyObject {
  if (kind === 'rsa2048') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind === 'ec256' ? 'P-256' : 'P-384' }).privateKey;
}

/** An authority: self-signed unless `issuer` is given. */
export function makeAuthority(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate({ subject: 'test root', isAuthority: true, ...options });
}

/** A certificate signed by `issuer`. */
export function makeCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const label = options.keyLabel ?? (options.isAuthority ? nameLabel(options.subject) : 'leaf');
  const key = options.ownKey ?? testKey(options.key ?? 'ec256', label);
  const subjectDer = encodeName(options.subject ?? 'leaf');
  const signer = options.issuer?.key ?? key;
  const serial = BigInt(options.serial ?? nextSerial++);
  const algorithm = signatureAlgorithm(signer);
  const toBeSigned = sequence(
    explicit(0, integer(2)),
    integer(serial),
    algorithm,
    options.issuer?.subjectDer ?? subjectDer,
    sequence(
      time(options.notBeforeMs ?? Date.now() - HOUR_MS),
      time(options.notAfterMs ?? Date.now() + 24 * HOUR_MS),
    ),
    subjectDer,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...encodeExtensions(options),
  );
  const der = signed(toBeSigned, signer);
  const pem = pemOf('CERTIFICATE', der);
  const above = options.issuer?.isSelfSigned === false ? options.issuer.chainPem : '';
  return {
    der,
    pem,
    key,
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chainPem: pem + above,
    isSelfSigned: !options.issuer,
    subjectDer,
    serial,
  };
}

/** What a revocation list shall say. */
export interface TestCrlOptions {
  readonly revoked?: readonly TestCertificate[];
  readonly thisUpdateMs?: number;
  /** null: without. Default: in a day. */
  readonly nextUpdateMs?: number | null;
  readonly extensions?: readonly TestExtension[];
}

/** A revocation list of `issuer`. */
export function makeCrl(
  issuer: TestCertificate,
  options: TestCrlOptions = {},
): { readonly der: Buffer; readonly pem: string } {
  const thisUpdate = options.thisUpdateMs ?? Date.now() - HOUR_MS;
  const entries = (options.revoked ?? []).map((one) =>
    sequence(integer(one.serial), time(thisUpdate)),
  );
  const next = options.nextUpdateMs;
  const toBeSigned = sequence(
    integer(1),
    signatureAlgorithm(issuer.key),
    issuer.subjectDer,
    time(thisUpdate),
    ...(next === null ? [] : [time(next ?? Date.now() + 24 * HOUR_MS)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(
      0,
      sequence(
        encodeExtension({ oid: '2.5.29.20', value: integer(1) }),
        ...(options.extensions ?? []).map(encodeExtension),
      ),
    ),
  );
  const der = signed(toBeSigned, issuer.key);
  return { der, pem: pemOf('X509 CRL', der) };
}

function nameLabel(name: TestName | undefined): string {
  return typeof name === 'string' ? name : encodeName(name ?? 'leaf').toString('hex');
}

/** The to-be-signed part with its algorithm and signature. */
export function signed(toBeSigned: Buffer, key: KeyObject): Buffer {
  const signature = sign(hashOf(key), toBeSigned, key);
  return sequence(toBeSigned, signatureAlgorithm(key), bitString(signature));
}

function hashOf(key: KeyObject): string | null {
  if (key.asymmetricKeyType === 'ed25519') return null;
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256';
}

/** The AlgorithmIdentifier of signatures with a key. */
export function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ed25519') return sequence(oid('1.3.101.112'));
  if (key.asymmetricKeyType === 'rsa') {
    return sequence(oid('1.2.840.113549.1.1.11'), tlv(TAG.null));
  }
  return sequence(oid(`1.2.840.10045.4.3.${hashOf(key) === 'sha384' ? 3 : 2}`));
}

/** A Name. */
export function encodeName(name: TestName): Buffer {
  const relative = typeof name === 'string' ? [['CN', name] as const] : name;
  return sequence(
    ...relative.map((one) =>
      isAttribute(one) ? setOf(encodeAttribute(one)) : setOf(...one.map(encodeAttribute)),
    ),
  );
}

function isAttribute(one: TestAttribute | readonly TestAttribute[]): one is TestAttribute {
  return typeof one[0] === 'string';
}

function encodeAttribute([type, value, tag]: TestAttribute): Buffer {
  const ofType = type === 'C' ? TAG.printable : TAG.utf8;
  return sequence(oid(ATTRIBUTES[type] ?? type), tlv(tag ?? ofType, value));
}

/** One GeneralName. */
export function encodeAltName(name: TestAltName): Buffer {
  if ('email' in name) return tlv(0x81, name.email);
  if ('dns' in name) return tlv(0x82, name.dns);
  if ('uri' in name) return tlv(0x86, name.uri);
  if ('ip' in name) return tlv(0x87, Buffer.from(name.ip));
  if ('directory' in name) return explicit(4, encodeName(name.directory));
  return tlv(0xa0, oid(name.otherOid), explicit(0, name.value));
}

function encodeExtensions(options: TestCertificateOptions): Buffer[] {
  const all = [...ofUsage(options), ...ofNames(options), ...(options.extensions ?? [])];
  return all.length === 0 ? [] : [explicit(3, sequence(...all.map(encodeExtension)))];
}

function ofUsage(options: TestCertificateOptions): TestExtension[] {
  const isAuthority = options.isAuthority === true;
  const usage = options.keyUsage ?? (isAuthority ? [5, 6] : [0]);
  const purposes =
    options.extendedKeyUsage ?? (isAuthority ? [] : [PURPOSE.server, PURPOSE.client]);
  const list: TestExtension[] = [];
  if (isAuthority) {
    const length = options.pathLength === undefined ? [] : [integer(options.pathLength)];
    list.push({ oid: '2.5.29.19', isCritical: true, value: sequence(TRUE, ...length) });
  }
  if (options.keyUsage !== null) {
    list.push({ oid: '2.5.29.15', isCritical: true, value: namedBits(usage) });
  }
  if (options.extendedKeyUsage !== null && purposes.length > 0) {
    list.push({ oid: '2.5.29.37', value: sequence(...purposes.map(oid)) });
  }
  return list;
}

function ofNames({ altNames, nameConstraints }: TestCertificateOptions): TestExtension[] {
  const list: TestExtension[] = [];
  if (altNames !== undefined) {
    list.push({ oid: '2.5.29.17', value: sequence(...altNames.map(encodeAltName)) });
  }
  if (nameConstraints !== undefined) {
    const trees = [nameConstraints.permitted, nameConstraints.excluded].flatMap((names, index) =>
      names === undefined
        ? []
        : [explicit(index, ...names.map((name) => sequence(encodeAltName(name))))],
    );
    list.push({ oid: '2.5.29.30', isCritical: true, value: sequence(...trees) });
  }
  return list;
}

function encodeExtension({ oid: id, isCritical, value }: TestExtension): Buffer {
  return sequence(oid(id), ...(isCritical ? [TRUE] : []), tlv(TAG.octetString, value));
}
