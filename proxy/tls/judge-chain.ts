// Whether a peer's chain leads to somebody who is trusted: by OpenSSL's verdict where that is
// enough, by our own where Envoy's rules go further, or by SPIFFE's trust domains.
import type { SpiffeValidatorConfig, ValidationSecret } from '../model/secret.ts';
import { type Certificate, KEY_USAGE, subjectAltNamesOf } from '../x509/certificate.ts';
import { parsePemRevocationLists, type RevocationList } from '../x509/revocation-list.ts';
import { parseSpiffeId } from '../x509/spiffe-id.ts';
import {
  type ChainError,
  ChainVerifier,
  type PeerRole,
  validityError,
} from '../x509/verify-chain.ts';
import type { PeerEvidence } from './peer-verifier.ts';

/** Judges chains; made once per version of a validation context. */
export interface ChainJudge {
  /** Envoy's text on why the chain is refused; '' : it is not. */
  judge(peer: PeerEvidence): string;
  /** It makes nothing of OpenSSL's verdict. */
  readonly isAlone: boolean;
}

/** CertificateValidationContext.max_verify_depth, without the authority that it counts. */
const DEFAULT_MAX_DEPTH = 100;

/** envoy.tls.cert_validator.default, of a context with authorities. */
export class TrustedCaJudge implements ChainJudge {
  readonly #verifier: ChainVerifier;
  /** OpenSSL has no switch for what is wanted. */
  readonly isAlone: boolean;
  readonly #allowsExpired: boolean;

  constructor(validation: ValidationSecret, role: PeerRole) {
    const depth = validation.maxVerifyDepth ?? DEFAULT_MAX_DEPTH;
    this.#verifier = new ChainVerifier({
      trusted: validation.trustedCas,
      revocationLists: revocationListsOf(validation),
      onlyLeafCrl: validation.onlyVerifyLeafCrl,
      allowsExpired: validation.allowsExpired,
      maxIntermediates: Math.max(0, depth - 1),
      role,
    });
    this.#allowsExpired = validation.allowsExpired;
    this.isAlone =
      validation.allowsExpired ||
      validation.onlyVerifyLeafCrl ||
      validation.maxVerifyDepth !== null ||
      validation.trustedCas.some((one) => !one.subjectDer.equals(one.issuerDer));
  }

  judge({ chain, chainError, nowMs }: PeerEvidence): string {
    if (this.isAlone) return chainErrorText(this.#verifier.verify(chain, nowMs));
    if (chainError === '') return this.#outlivedText(chain[0], nowMs);
    // It does not say which certificate it means: look for the same failure again.
    const error = this.#verifier.verify(chain, nowMs) ?? { depth: 0, text: chainError };
    return chainErrorText(error);
  }

  /** A session that is resumed brings along the verdict of its first handshake. */
  #outlivedText(leaf: Certificate | undefined, nowMs: number): string {
    if (leaf === undefined || this.#allowsExpired) return '';
    const text = validityError(leaf, nowMs);
    return text === '' ? '' : chainErrorText({ depth: 0, text });
  }
}

/** envoy.tls.cert_validator.spiffe */
export class SpiffeJudge implements ChainJudge {
  readonly isAlone = true;
  readonly #verifiers: ReadonlyMap<string, ChainVerifier>;

  constructor(spiffe: SpiffeValidatorConfig, validation: ValidationSecret, role: PeerRole) {
    const verifiers = new Map<string, ChainVerifier>();
    for (const [trustDomain, trusted] of spiffe.trustDomains) {
      const verifier = new ChainVerifier({
        trusted,
        revocationLists: [],
        onlyLeafCrl: false,
        allowsExpired: validation.allowsExpired,
        maxIntermediates: DEFAULT_MAX_DEPTH - 1,
        role,
      });
      verifiers.set(trustDomain, verifier);
    }
    this.#verifiers = verifiers;
  }

  judge({ chain, nowMs }: PeerEvidence): string {
    const leaf = chain[0];
    if (leaf === undefined || !mayBeWorkload(leaf)) return 'verify cert failed: cert precheck';
    const uris = subjectAltNamesOf(leaf, 'uri');
    // Envoy takes the first of several, which the one who issued it need not have meant.
    if (uris.length > 1) return `verify cert failed: cert precheck: ${uris.length} URI SANs`;
    const id = parseSpiffeId(uris[0] ?? '');
    const verifier = 'error' in id || id.path === '' ? null : this.#verifiers.get(id.trustDomain);
    if (verifier == null) return 'verify cert failed: no trust bundle store';
    return chainErrorText(verifier.verify(chain, nowMs));
  }
}

/** X509-SVID §4: a leaf is no authority and must not sign others, and its key usage says so. */
function mayBeWorkload({ isAuthority, keyUsage }: Certificate): boolean {
  const signs = KEY_USAGE.certSign | KEY_USAGE.crlSign;
  return !isAuthority && keyUsage !== null && (keyUsage & signs) === 0;
}

function chainErrorText(error: ChainError | null): string {
  if (error === null) return '';
  const { depth, text } = error;
  return `verify cert failed: X509_verify_cert: certificate verification error at depth ${depth}: ${text}`;
}

function revocationListsOf({ crlPem }: ValidationSecret): readonly RevocationList[] {
  if (crlPem === null) return [];
  const lists = parsePemRevocationLists(crlPem);
  if ('error' in lists) throw new Error(`crl, line ${lists.line}: ${lists.error}`);
  return lists;
}
