// Algorithms of signatures (RFC 8017, RFC 5758, RFC 8410) and what they digest with.

/** By object identifier; null: the algorithm has its own. */
const DIGESTS: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', null],
]);

const WEAK = new Set([
  '1.2.840.113549.1.1.2', // md2WithRSAEncryption
  '1.2.840.113549.1.1.3', // md4WithRSAEncryption
  '1.2.840.113549.1.1.4', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5', // sha1WithRSAEncryption
  '1.2.840.10040.4.3', // dsaWithSHA1
  '1.2.840.10045.4.1', // ecdsaWithSHA1
]);

/** For node:crypto; undefined: not known here. */
export function digestOf(algorithm: string): string | null | undefined {
  return DIGESTS.get(algorithm);
}

/** True for digests of which collisions are made; OpenSSL's security level 1 refuses them too. */
export function isWeakSignature(algorithm: string): boolean {
  return WEAK.has(algorithm);
}
