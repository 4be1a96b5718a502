// Makes a certificate (RFC 5280 §4.1) of what it shall say.
import { type KeyObject, randomBytes } from 'node:crypto';
import { type Certificate, EXTENSION } from '../x509/certificate.ts';
import { DER, DerReader } from '../x509/der-reader.ts';
import { parseCertificate } from '../x509/parse-certificate.ts';
import { type DerNode, encoded, integer, sequence, smallInteger, tagged, time } from './der.ts';
import {
  authorityKeyExtension,
  distinguishedName,
  namesExtension,
  type Subject,
  subjectKeyExtension,
  subjectKeyId,
  type Usage,
  usageExtensions,
} from './extensions.ts';
import type { WantedName } from './identity.ts';
import { publicKeyInfo, signatureAlgorithm, signed } from './keys.ts';

/** What a certificate shall say. */
export interface CertificateWish {
  /** Private or public. */
  readonly key: KeyObject;
  readonly subject: Subject;
  /** Names that `nameFault` has nothing against. */
  readonly names: readonly WantedName[];
  readonly usage: Usage;
  /** Wall-clock ms, cut to seconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Who signs. */
export interface Issuer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

const SERIAL_BYTES = 16;
const VERSION_3 = 2;

/** `issuer` null: signed by its own key, which must be the private one. */
export function buildCertificate(wish: CertificateWish, issuer: Issuer | null): Certificate {
  const { key, subject, names, usage, notBeforeMs, notAfterMs } = wish;
  const signer = issuer?.key ?? key;
  const name = distinguishedName(subject);
  const ownKeyId = subjectKeyId(key);
  const isNameless = subject.commonName === null && subject.organization === null;
  const extensions: DerNode[] = [
    ...usageExtensions(usage, key),
    subjectKeyExtension(ownKeyId),
    authorityKeyExtension(issuer === null ? ownKeyId : keyIdOf(issuer)),
  ];
  if (names.length > 0) extensions.push(namesExtension(names, isNameless));
  const body = sequence(
    tagged(0, smallInteger(VERSION_3)),
    integer(freshSerial()),
    signatureAlgorithm(signer),
    issuer === null ? name : encoded(issuer.certificate.subjectDer),
    sequence(time(notBeforeMs), time(notAfterMs)),
    name,
    encoded(publicKeyInfo(key)),
    tagged(3, sequence(...extensions)),
  );
  const certificate = parseCertificate(signed(body, signer));
  if ('error' in certificate) throw new Error(`a certificate we made: ${certificate.error}`);
  return certificate;
}

/** The issuer's own statement where it has one: OpenSSL compares octets. */
function keyIdOf({ certificate, key }: Issuer): Buffer {
  const stated = certificate.extensions.get(EXTENSION.subjectKeyId);
  if (stated === undefined) return subjectKeyId(key);
  return DerReader.over(stated.value).read(DER.octetString).content;
}

/** RFC 5280 §4.1.2.2: positive, 16 octets, all but two of their bits by chance. */
function freshSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  // Neither negative nor shorter than its octets.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
