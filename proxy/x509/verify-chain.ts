// Judges chains where OpenSSL can't be asked (RFC 5280 §6): several sets of authorities, rules it
// has no switch for, and where it does not say which certificate of a chain it has refused.
import { buildChain, CertificatePool, hasSigned } from './build-chain.ts';
import { type Certificate, EXTENSION, KEY_USAGE } from './certificate.ts';
import { hidesHostName, nameConstraintError } from './name-constraints.ts';
import { type RevocationList, revocationError } from './revocation-list.ts';
import { isWeakSignature } from './signature-digests.ts';

/** What a certificate is shown for: by a client to a server, or the other way. */
export type PeerRole = 'client' | 'server';

/** What holds for all chains. */
export interface ChainRules {
  readonly trusted: readonly Certificate[];
  /** Empty: revocation is not looked at. */
  readonly revocationLists: readonly RevocationList[];
  readonly onlyLeafCrl: boolean;
  readonly allowsExpired: boolean;
  /** Certificates between the leaf and the trusted one. */
  readonly maxIntermediates: number;
  readonly role: PeerRole;
}

/** What is wrong with a chain; `text` in OpenSSL's words. */
export interface ChainError {
  /** 0: the peer's own certificate. */
  readonly depth: number;
  readonly text: string;
}

/** Verdicts kept of each verifier; an entry is some 200 octets. */
const MAX_KEPT = 4096;
const PURPOSES: Readonly<Record<PeerRole, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};
/** RFC 5280 §4.2.1.12: uses of keys that go with the purpose. */
const USAGES: Readonly<Record<PeerRole, number>> = {
  client: KEY_USAGE.digitalSignature | KEY_USAGE.keyAgreement,
  server: KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment | KEY_USAGE.keyAgreement,
};
const REVOKED = 'certificate revocation check against provided CRLs failed: ';
/** Critical extensions that are honoured here, or that say nothing about trust. */
const KNOWN_EXTENSIONS = new Set<string>([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.nameConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectKeyId,
  EXTENSION.authorityKeyId,
]);

/** See the file's head. Made once for a set of rules. */
export class ChainVerifier {
  readonly #rules: ChainRules;
  readonly #trusted: CertificatePool;
  /**
   * How long a certificate for which there was a chain is accepted, by its fingerprint: the way
   * to an authority stays where it is, also if the peer does not show it again.
   */
  readonly #accepted = new Map<string, { readonly fromMs: number; readonly untilMs: number }>();

  constructor(rules: ChainRules) {
    this.#rules = rules;
    this.#trusted = new CertificatePool(rules.trusted);
  }

  /** What is wrong with the chain that a peer sent, its own certificate first; null: nothing. */
  verify(sent: readonly Certificate[], nowMs: number): ChainError | null {
    const key = sent[0]?.fingerprint256 ?? '';
    const known = this.#accepted.get(key);
    if (known !== undefined && known.fromMs <= nowMs && nowMs <= known.untilMs) return null;
    const { maxIntermediates } = this.#rules;
    const search = { trusted: this.#trusted, maxIntermediates, nowMs };
    const { chain, isAnchored } = buildChain(sent, search);
    if (!isAnchored) {
      return { depth: chain.length - 1, text: 'unable to get local issuer certificate' };
    }
    const error = this.#errorOf(chain, nowMs);
    if (error === null) this.#keep(key, chain);
    return error;
  }

  /** In BoringSSL's order. */
  #errorOf(chain: readonly Certificate[], nowMs: number): ChainError | null {
    return (
      extensionError(chain, this.#rules.role) ??
      this.#revocationError(chain, nowMs) ??
      this.#signatureOrTimeError(chain, nowMs) ??
      constraintError(chain)
    );
  }

  #revocationError(chain: readonly Certificate[], nowMs: number): ChainError | null {
    const { revocationLists: lists, onlyLeafCrl } = this.#rules;
    if (lists.length === 0) return null;
    for (const [depth, certificate] of chain.entries()) {
      if (onlyLeafCrl && depth > 0) return null;
      const issuer = chain[depth + 1] ?? certificate;
      // An authority that is trusted though it is no root has no issuer here.
      if (issuer === certificate && !isSelfIssued(certificate)) return null;
      const text = revocationError(certificate, issuer, { lists, nowMs });
      if (text !== '') return { depth, text: REVOKED + text };
    }
    return null;
  }

  /** From the authority down. */
  #signatureOrTimeError(chain: readonly Certificate[], nowMs: number): ChainError | null {
    for (let depth = chain.length - 1; depth >= 0; depth -= 1) {
      const certificate = chain[depth] as Certificate;
      const text =
        signatureError(certificate, chain[depth + 1]) || this.#timeError(certificate, nowMs);
      if (text !== '') return { depth, text };
    }
    return null;
  }

  #timeError(certificate: Certificate, nowMs: number): string {
    if (this.#rules.allowsExpired) return '';
    return validityError(certificate, nowMs);
  }

  #keep(key: string, chain: readonly Certificate[]): void {
    if (this.#accepted.size >= MAX_KEPT) this.#accepted.clear();
    const lists = this.#rules.revocationLists;
    const isTimeless = this.#rules.allowsExpired;
    const from = isTimeless ? [] : chain.map(({ notBeforeMs }) => notBeforeMs);
    const until = isTimeless ? [] : chain.map(({ notAfterMs }) => notAfterMs);
    this.#accepted.set(key, {
      fromMs: Math.max(...from, ...lists.map(({ thisUpdateMs }) => thisUpdateMs)),
      untilMs: Math.min(...until, ...lists.map(({ nextUpdateMs }) => nextUpdateMs)),
    });
  }
}

/** What the time has against a certificate; '' : nothing. */
export function validityError({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): string {
  if (nowMs < notBeforeMs) return 'certificate is not yet valid';
  return nowMs > notAfterMs ? 'certificate has expired' : '';
}

function signatureError(certificate: Certificate, issuer: Certificate | undefined): string {
  if (issuer === undefined) return '';
  if (isWeakSignature(certificate.signatureAlgorithm))
    return 'CA signature digest algorithm too weak';
  return hasSigned(issuer, certificate) ? '' : 'certificate signature failure';
}

function extensionError(chain: readonly Certificate[], role: PeerRole): ChainError | null {
  let intermediates = 0;
  for (const [depth, certificate] of chain.entries()) {
    const text =
      criticalError(certificate) ||
      (depth === 0 ? '' : authorityError(certificate, intermediates)) ||
      purposeError(certificate, depth === 0, role);
    if (text !== '') return { depth, text };
    // RFC 5280 §6.1.4 (l): those that authorities issue to themselves, for a new key, do not count.
    if (depth > 0 && !isSelfIssued(certificate)) intermediates += 1;
  }
  return null;
}

function criticalError({ extensions }: Certificate): string {
  for (const [oid, { isCritical }] of extensions) {
    if (isCritical && !KNOWN_EXTENSIONS.has(oid)) return 'unhandled critical extension';
  }
  return '';
}

function authorityError(certificate: Certificate, intermediates: number): string {
  const { isAuthority, pathLength, extensions } = certificate;
  // Roots of version 1 can't say that they are authorities.
  const isOldRoot = extensions.size === 0 && isSelfIssued(certificate);
  if (!isAuthority && !isOldRoot) return 'invalid CA certificate';
  return pathLength !== null && intermediates > pathLength ? 'path length constraint exceeded' : '';
}

function purposeError(certificate: Certificate, isLeaf: boolean, role: PeerRole): string {
  const { extendedKeyUsage, keyUsage } = certificate;
  const hasPurpose = extendedKeyUsage?.includes(PURPOSES[role]) ?? true;
  const hasUsage = !isLeaf || keyUsage === null || (keyUsage & USAGES[role]) !== 0;
  return hasPurpose && hasUsage ? '' : 'unsupported certificate purpose';
}

function constraintError(chain: readonly Certificate[]): ChainError | null {
  for (let depth = chain.length - 1; depth >= 0; depth -= 1) {
    const certificate = chain[depth] as Certificate;
    if (depth > 0 && isSelfIssued(certificate)) continue;
    const text = constraintErrorOf(certificate, chain.slice(depth + 1), depth === 0);
    if (text !== '') return { depth, text };
  }
  return null;
}

function constraintErrorOf(
  certificate: Certificate,
  authorities: readonly Certificate[],
  isLeaf: boolean,
): string {
  let isConstrained = false;
  for (const authority of authorities) {
    if (!authority.extensions.has(EXTENSION.nameConstraints)) continue;
    isConstrained = true;
    const text = nameConstraintError(certificate, authority);
    if (text !== '') return text;
  }
  const isHidden = isLeaf && isConstrained && hidesHostName(certificate);
  return isHidden ? 'Issuer has name constraints but leaf has no SANs' : '';
}

function isSelfIssued({ subjectDer, issuerDer }: Certificate): boolean {
  return subjectDer.equals(issuerDer);
}
