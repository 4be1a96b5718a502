// The judge of a validation context, in Envoy's order: the chain, the names, the pins.
import { createHash } from 'node:crypto';
import type { ValidationSecret } from '../model/secret.ts';
import { buildChain, CertificatePool, hasSigned } from '../x509/build-chain.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { PeerRole } from '../x509/verify-chain.ts';
import { type ChainJudge, SpiffeJudge, TrustedCaJudge } from './judge-chain.ts';
import { isForName, listNames, matchesNames } from './match-names.ts';
import type { PeerEvidence, PeerRefusal, PeerVerifier } from './peer-verifier.ts';

/**
 * Made once per version of a validation context, merged from its parts; `role` is what peers are.
 * Throws when `crlPem` holds no revocation lists: who compiled the secret has checked it.
 */
export function makePeerVerifier(validation: ValidationSecret, role: PeerRole): PeerVerifier {
  return new ContextVerifier(validation, chainJudgeOf(validation, role));
}

function chainJudgeOf(validation: ValidationSecret, role: PeerRole): ChainJudge | null {
  const { spiffe, trustedCaPem } = validation;
  if (spiffe !== null) return new SpiffeJudge(spiffe, validation, role);
  return trustedCaPem === null ? null : new TrustedCaJudge(validation, role);
}

class ContextVerifier implements PeerVerifier {
  readonly trustedCaPem: string | null;
  readonly crlPem: string | null;
  readonly judgesChain: boolean;
  readonly requiresCertificate: boolean;
  readonly validates: boolean;
  readonly #validation: ValidationSecret;
  readonly #judge: ChainJudge | null;
  readonly #hashes: ReadonlySet<string>;
  readonly #keyHashes: ReadonlySet<string>;
  /** Made when somebody asks for an issuer. */
  #trusted: CertificatePool | null = null;

  constructor(validation: ValidationSecret, judge: ChainJudge | null) {
    this.#validation = validation;
    this.#judge = judge;
    this.#hashes = new Set(validation.certificateHashes);
    this.#keyHashes = new Set(validation.publicKeyHashes);
    this.trustedCaPem = authoritiesOf(validation);
    this.crlPem = validation.spiffe === null ? validation.crlPem : null;
    this.judgesChain = judge?.isAlone === true;
    const isPicky = validation.sanMatchers.length + this.#hashes.size + this.#keyHashes.size > 0;
    this.requiresCertificate = isPicky && !validation.acceptsUntrusted;
    this.validates = judge !== null || isPicky;
  }

  verify(peer: PeerEvidence): PeerRefusal | null {
    const [leaf] = peer.chain;
    if (leaf === undefined) {
      const detail = 'peer did not provide required client certificate';
      return { stat: 'fail_verify_no_cert', detail, isTolerated: false };
    }
    const chainText = this.#judge?.judge(peer) ?? '';
    if (chainText !== '') return this.#refusal('fail_verify_error', chainText);
    return this.#nameRefusal(leaf, peer.expectedName) ?? this.#pinRefusal(leaf);
  }

  issuerOf(sent: readonly Certificate[], nowMs: number): Certificate | null {
    this.#trusted ??= new CertificatePool(trustedOf(this.#validation));
    const search = { trusted: this.#trusted, maxIntermediates: sent.length, nowMs };
    const { chain, isAnchored } = buildChain(sent, search);
    const [leaf, issuer] = chain;
    if (!isAnchored || leaf === undefined || issuer === undefined) return null;
    return hasSigned(issuer, leaf) ? issuer : null;
  }

  #nameRefusal(leaf: Certificate, expectedName: string): PeerRefusal | null {
    if (expectedName !== '' && !isForName(leaf, expectedName)) {
      const expected = `expected SANs: [${expectedName}], certificate SANs: ${listNames(leaf)}`;
      return this.#refusal('fail_verify_san', `verify cert failed: verify SAN list, ${expected}`);
    }
    const { sanMatchers, spiffe } = this.#validation;
    if (sanMatchers.length === 0 || matchesNames(leaf, sanMatchers)) return null;
    const detail =
      spiffe === null ? `SAN matcher, certificate SANs are ${listNames(leaf)}` : 'SAN match';
    return this.#refusal('fail_verify_san', `verify cert failed: ${detail}`);
  }

  #pinRefusal(leaf: Certificate): PeerRefusal | null {
    if (this.#hashes.size + this.#keyHashes.size === 0) return null;
    if (this.#hashes.has(leaf.fingerprint256)) return null;
    if (this.#keyHashes.size > 0 && this.#keyHashes.has(publicKeyHash(leaf))) return null;
    return this.#refusal('fail_verify_cert_hash', 'verify cert failed: cert hash and spki');
  }

  #refusal(stat: PeerRefusal['stat'], detail: string): PeerRefusal {
    return { stat, detail, isTolerated: this.#validation.acceptsUntrusted };
  }
}

function trustedOf({ spiffe, trustedCas }: ValidationSecret): readonly Certificate[] {
  return spiffe === null ? trustedCas : [...spiffe.trustDomains.values()].flat();
}

/** Clients are told whom we trust; SPIFFE's judge does not ask OpenSSL. */
function authoritiesOf({ spiffe, trustedCaPem }: ValidationSecret): string | null {
  if (spiffe === null) return trustedCaPem;
  return [...spiffe.trustDomains.values()]
    .flatMap((bundle) => bundle.map(({ pem }) => pem))
    .join('');
}

/** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
function publicKeyHash({ publicKeyInfo }: Certificate): string {
  return createHash('sha256').update(publicKeyInfo).digest('hex');
}
