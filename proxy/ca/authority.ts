// An authority that certifies workloads: an intermediate whose root may be kept elsewhere, or a
// root itself.
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { KEY_USAGE } from '../x509/certificate.ts';
import { parsePemCertificates } from '../x509/pem-certificates.ts';
import { buildCertificate } from './certificate-builder.ts';
import { NO_SUBJECT, type Subject } from './extensions.ts';
import type { WantedName } from './identity.ts';
import { generateKey, type KeyKind, publicKeyInfo, readKeyPem } from './keys.ts';

/** Who signs, and the way up from it. */
export interface AuthorityParts {
  readonly key: KeyObject;
  /** The signing certificate first; without the root unless that signs itself. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /** What peers must trust; several while one root follows another. */
  readonly roots: readonly Certificate[];
}

/** A certificate to be made for a workload. */
export interface IssueWish {
  /** Private or public. */
  readonly key: KeyObject;
  readonly names: readonly WantedName[];
  readonly subject?: Subject;
  readonly lifetimeMs: number;
  readonly nowMs: number;
}

/** A certificate with what its owner presents and trusts. */
export interface Issued {
  readonly certificate: Certificate;
  /** PEM, the certificate first, without the root. */
  readonly chainPem: string;
  /** PEM */
  readonly rootPem: string;
}

/** Clocks that are a little behind shall not refuse what was just made. */
export const BACKDATE_MS = 120_000;

/** See the file's head. */
export class Authority {
  readonly certificate: Certificate;
  readonly rootPem: string;
  readonly #key: KeyObject;
  readonly #upperPem: string;

  constructor({ key, chain, roots }: AuthorityParts) {
    this.certificate = chain[0];
    this.rootPem = pemOf(roots);
    this.#key = key;
    // A root that signs by itself is sent by nobody.
    this.#upperPem = pemOf(chain.filter((one) => !one.subjectDer.equals(one.issuerDer)));
  }

  /** Reads an authority; `chainPem` begins with the certificate of the key. */
  static read(pem: {
    readonly keyPem: string;
    readonly chainPem: string;
    readonly rootPem: string;
  }): Authority | { readonly error: string } {
    const key = readKeyPem(pem.keyPem);
    if ('error' in key) return { error: `the key: ${key.error}` };
    const chain = parsePemCertificates(pem.chainPem);
    if ('error' in chain) return { error: `the certificate, line ${chain.line}: ${chain.error}` };
    const roots = parsePemCertificates(pem.rootPem);
    if ('error' in roots) return { error: `the root, line ${roots.line}: ${roots.error}` };
    const [own, ...upper] = chain;
    if (own === undefined) return { error: 'no certificate' };
    if (!own.publicKeyInfo.equals(publicKeyInfo(key))) {
      return { error: 'the key does not belong to the certificate' };
    }
    if (!maySign(own)) return { error: 'the certificate is not that of an authority' };
    return new Authority({ key, chain: [own, ...upper], roots });
  }

  /** Ends no later than the authority itself. */
  issue(wish: IssueWish): Issued {
    const { key, names, subject = NO_SUBJECT, lifetimeMs, nowMs } = wish;
    const certificate = buildCertificate(
      {
        ...{ key, names, subject, usage: { kind: 'workload' } },
        notBeforeMs: Math.max(nowMs - BACKDATE_MS, this.certificate.notBeforeMs),
        notAfterMs: Math.min(nowMs + lifetimeMs, this.certificate.notAfterMs),
      },
      { certificate: this.certificate, key: this.#key },
    );
    return { certificate, chainPem: certificate.pem + this.#upperPem, rootPem: this.rootPem };
  }
}

/** Authorities to be made from nothing. */
export interface NewAuthorities {
  readonly trustDomain: string;
  readonly keyKind: KeyKind;
  readonly rootLifetimeMs: number;
  readonly intermediateLifetimeMs: number;
  readonly nowMs: number;
}

/** One that was made, with its key. */
export interface MadeAuthority {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

/** A root, and an intermediate that it certified and that may certify workloads only. */
export async function makeAuthorities(wish: NewAuthorities): Promise<{
  readonly root: MadeAuthority;
  readonly intermediate: MadeAuthority;
}> {
  const { trustDomain, keyKind, nowMs } = wish;
  const [rootKey, key] = await Promise.all([generateKey(keyKind), generateKey(keyKind)]);
  // X509-SVID §3: an authority is named by its trust domain, without a path.
  const names: readonly WantedName[] = [{ kind: 'uri', value: `spiffe://${trustDomain}` }];
  const common = { names, notBeforeMs: nowMs - BACKDATE_MS };
  const root = buildCertificate(
    {
      ...common,
      key: rootKey,
      subject: { organization: trustDomain, commonName: 'Root CA' },
      usage: { kind: 'authority', pathLength: null },
      notAfterMs: nowMs + wish.rootLifetimeMs,
    },
    null,
  );
  const certificate = buildCertificate(
    {
      ...{ ...common, key },
      subject: { organization: trustDomain, commonName: 'Intermediate CA' },
      usage: { kind: 'authority', pathLength: 0 },
      notAfterMs: Math.min(nowMs + wish.intermediateLifetimeMs, root.notAfterMs),
    },
    { certificate: root, key: rootKey },
  );
  return { root: { certificate: root, key: rootKey }, intermediate: { certificate, key } };
}

function maySign({ isAuthority, keyUsage }: Certificate): boolean {
  return isAuthority && (keyUsage === null || (keyUsage & KEY_USAGE.certSign) !== 0);
}

function pemOf(certificates: readonly Certificate[]): string {
  return certificates.map(({ pem }) => pem).join('');
}
