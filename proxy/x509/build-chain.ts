// From a peer's certificate to an authority that is trusted (RFC 5280 §6.1): through what the peer
// sent, trusted ones first. A trusted certificate ends the chain, whether it is a root or not.
import { type Certificate, EXTENSION, KEY_USAGE } from './certificate.ts';
import { DerReader } from './der-reader.ts';

/** A way that was found, or how far it went. */
export interface BuiltChain {
  /** The peer's own first; the last one is trusted if `isAnchored`. */
  readonly chain: readonly Certificate[];
  readonly isAnchored: boolean;
}

/** Certificates by the name of their subject. */
export class CertificatePool {
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #all = new Set<string>();

  constructor(certificates: readonly Certificate[]) {
    for (const certificate of certificates) this.#add(certificate);
  }

  /** Holds a certificate with the same octets. */
  has(certificate: Certificate): boolean {
    return this.#all.has(certificate.fingerprint256);
  }

  /**
   * Who may have issued a certificate: one whose key verifies the signature if there is any, and
   * among those one that is valid now, for authorities that are renewed keep their name.
   */
  issuerOf(certificate: Certificate, nowMs: number): Certificate | null {
    const named = this.#bySubject.get(keyOf(certificate.issuerDer)) ?? [];
    const candidates = named.filter((one) => mayIssue(one, certificate));
    if (candidates.length < 2) return candidates[0] ?? null;
    const signers = candidates.filter((one) => hasSigned(one, certificate));
    const isValid = (one: Certificate): boolean =>
      one.notBeforeMs <= nowMs && nowMs <= one.notAfterMs;
    return signers.find(isValid) ?? signers[0] ?? candidates.find(isValid) ?? candidates[0] ?? null;
  }

  #add(certificate: Certificate): void {
    if (this.#all.has(certificate.fingerprint256)) return;
    this.#all.add(certificate.fingerprint256);
    const key = keyOf(certificate.subjectDer);
    const same = this.#bySubject.get(key);
    if (same === undefined) this.#bySubject.set(key, [certificate]);
    else same.push(certificate);
  }
}

/** What a search goes by. */
export interface ChainSearch {
  readonly trusted: CertificatePool;
  /** Certificates between the leaf and the trusted one. */
  readonly maxIntermediates: number;
  readonly nowMs: number;
}

/** The way from the first of `sent`, with the rest of it as intermediates. */
export function buildChain(sent: readonly Certificate[], search: ChainSearch): BuiltChain {
  const { trusted, maxIntermediates, nowMs } = search;
  const [leaf, ...rest] = sent;
  if (leaf === undefined) return { chain: [], isAnchored: false };
  const untrusted = new CertificatePool(rest);
  const chain = [leaf];
  for (let last = leaf; ; ) {
    if (trusted.has(last)) return { chain, isAnchored: true };
    const isFull = chain.length > maxIntermediates + 1;
    const anchor = isFull ? null : trusted.issuerOf(last, nowMs);
    if (anchor !== null) return { chain: [...chain, anchor], isAnchored: true };
    const next = isFull ? null : untrusted.issuerOf(last, nowMs);
    if (next === null || chain.includes(next)) return { chain, isAnchored: false };
    chain.push(next);
    last = next;
  }
}

/** The issuer's key verifies the certificate's signature. */
export function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  if (issuer.native === null || certificate.native === null) return false;
  try {
    return certificate.native.verify(issuer.native.publicKey);
  } catch {
    // A key that OpenSSL can't use has signed nothing.
    return false;
  }
}

/** Names, key identifiers and key usage agree; the signature is not looked at. */
function mayIssue(issuer: Certificate, certificate: Certificate): boolean {
  if (issuer.keyUsage !== null && (issuer.keyUsage & KEY_USAGE.certSign) === 0) return false;
  const wanted = authorityKeyId(certificate);
  const own = issuer.extensions.get(EXTENSION.subjectKeyId);
  if (wanted === null || own === undefined) return true;
  return DerReader.over(own.value).read(0x04).content.equals(wanted);
}

/** RFC 5280 §4.2.1.1; null: it names none. */
function authorityKeyId({ extensions }: Certificate): Buffer | null {
  const extension = extensions.get(EXTENSION.authorityKeyId);
  if (extension === undefined) return null;
  return DerReader.over(extension.value).read(0x30).readOptional(0x80)?.content ?? null;
}

function keyOf(name: Buffer): string {
  return name.toString('latin1');
}
