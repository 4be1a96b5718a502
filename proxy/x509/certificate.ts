// What a certificate says (RFC 5280), read from its DER and nowhere else: no text that a library
// printed is ever parsed again.
import type { X509Certificate } from 'node:crypto';

/** A subjectAltName of a certificate; `value` is what the octets say, never escaped. */
export interface SubjectAltName {
  readonly kind: 'dns' | 'uri' | 'email' | 'ip' | 'other';
  /** An IP address in its canonical text. Of `other`: the value's text. */
  readonly value: string;
  /** Of `other`: the object identifier in dotted form; '' for the rest. */
  readonly oid: string;
}

/** A parsed certificate. Parts that are seldom wanted are read when they are asked for. */
export interface Certificate {
  readonly der: Buffer;
  /** RFC 2253, as Envoy prints it: last attribute first, escaped; '' for an empty name. */
  readonly subject: string;
  readonly issuer: string;
  /** The subject's first common name; '' when it has none. */
  readonly commonName: string;
  /** Lower-case hexadecimal of whole octets without leading zero octets, as Envoy prints it. */
  readonly serialNumber: string;
  /** Wall-clock ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** In the certificate's order. */
  readonly subjectAltNames: readonly SubjectAltName[];
  /** basicConstraints says so. */
  readonly isAuthority: boolean;
  /** Certificates that may follow before the leaf; null: no limit. */
  readonly pathLength: number | null;
  /** Bit n is bit n of RFC 5280 §4.2.1.3, see KEY_USAGE; null: any use. */
  readonly keyUsage: number | null;
  /** Purposes in dotted form; null: any purpose. */
  readonly extendedKeyUsage: readonly string[] | null;
  /** Content of the name's DER, to compare issuers with subjects. */
  readonly subjectDer: Buffer;
  readonly issuerDer: Buffer;
  /** Object identifier of the signature's algorithm. */
  readonly signatureAlgorithm: string;
  /** By object identifier in dotted form. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  readonly keyKind: 'rsa' | 'ec' | 'ed25519' | 'other';
  /** The SubjectPublicKeyInfo's DER. */
  readonly publicKeyInfo: Buffer;
  /** Lower-case hexadecimal of SHA-256, and of SHA-1, over the DER. */
  readonly fingerprint256: string;
  readonly fingerprint1: string;
  /** `-----BEGIN CERTIFICATE-----` … with lines of 64 and a final newline. */
  readonly pem: string;
  /** The same for node:crypto, which verifies signatures; null: OpenSSL can't read it. */
  readonly native: X509Certificate | null;
}

/** An extension as it stands there. */
export interface CertificateExtension {
  readonly isCritical: boolean;
  /** What is inside of its OCTET STRING. */
  readonly value: Buffer;
}

/** Masks of `Certificate.keyUsage`. */
export const KEY_USAGE = {
  digitalSignature: 1 << 0,
  keyEncipherment: 1 << 2,
  keyAgreement: 1 << 4,
  certSign: 1 << 5,
  crlSign: 1 << 6,
} as const;

/** Extensions (RFC 5280 §4.2) that somebody here reads. */
export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Values of one kind, in order. */
export function subjectAltNamesOf(
  certificate: Certificate,
  kind: SubjectAltName['kind'],
): readonly string[] {
  return certificate.subjectAltNames.filter((name) => name.kind === kind).map(({ value }) => value);
}
