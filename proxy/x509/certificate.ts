// What a certificate says (RFC 5280), read from its DER and nowhere else: no text that a library
// printed is ever parsed again.

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
  /** Lower-case hexadecimal without leading zeros, as Envoy prints it. */
  readonly serialNumber: string;
  /** Wall-clock ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** In the certificate's order. */
  readonly subjectAltNames: readonly SubjectAltName[];
  readonly isAuthority: boolean;
  readonly keyKind: 'rsa' | 'ec' | 'ed25519' | 'other';
  /** The SubjectPublicKeyInfo's DER. */
  readonly publicKeyInfo: Buffer;
  /** Lower-case hexadecimal of SHA-256, and of SHA-1, over the DER. */
  readonly fingerprint256: string;
  readonly fingerprint1: string;
  /** `-----BEGIN CERTIFICATE-----` … with lines of 64 and a final newline. */
  readonly pem: string;
}

/** Values of one kind, in order. */
export function subjectAltNamesOf(
  certificate: Certificate,
  kind: SubjectAltName['kind'],
): readonly string[] {
  return certificate.subjectAltNames.filter((name) => name.kind === kind).map(({ value }) => value);
}
