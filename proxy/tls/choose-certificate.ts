// Which certificate a server shows: by the name that the client asked for, then by the keys that the
// client can judge, as Envoy's default selector does.
import type { SecureContext } from 'node:tls';
import type { Certificate } from '../x509/certificate.ts';
import { subjectAltNamesOf } from '../x509/certificate.ts';
import type { ClientHello } from './client-hello.ts';

/** A certificate of a server with its context. */
export interface ServedCertificate {
  readonly context: SecureContext;
  readonly certificate: Certificate;
  /** null: nothing is stapled. */
  readonly ocspStaple: Buffer | null;
}

/** ecdsa_secp256r1_sha256, …384r1_sha384, …521r1_sha512 */
const ECDSA_SCHEMES: ReadonlySet<number> = new Set([0x0403, 0x0503, 0x0603]);

/** First octet of all suites of TLS 1.3, which leave the kind of key open. */
const TLS13_SUITES = 0x13;
/** ECDHE_ECDSA with AES-128-GCM, AES-256-GCM, ChaCha20, and AES-CBC of both lengths. */
const ECDSA_SUITES: ReadonlySet<number> = new Set([0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a]);

/** The certificates of one context by the names that they are for. */
export class CertificateChoice {
  readonly #all: readonly ServedCertificate[];
  readonly #byName = new Map<string, ServedCertificate[]>();
  readonly #scansAll: boolean;

  /** `all` has one at least. */
  constructor(all: readonly ServedCertificate[], scansAll: boolean) {
    this.#all = all;
    this.#scansAll = scansAll;
    for (const served of all) {
      for (const name of namesOf(served.certificate)) {
        const known = this.#byName.get(name);
        if (known === undefined) this.#byName.set(name, [served]);
        else known.push(served);
      }
    }
  }

  /** The best one; the first one where none fits. */
  choose(hello: ClientHello): ServedCertificate {
    const first = this.#all[0] as ServedCertificate;
    if (this.#all.length === 1) return first;
    const wantsEcdsa = canJudgeEcdsa(hello);
    const { serverName } = hello;
    if (serverName !== '') {
      const named = this.#byName.get(serverName) ?? this.#byName.get(wildcardOf(serverName));
      const found = named === undefined ? null : fitting(named, wantsEcdsa);
      if (found !== null) return found;
      if (!this.#scansAll) return first;
    }
    return fitting(this.#all, wantsEcdsa) ?? first;
  }
}

/** Before TLS 1.3 the cipher has to name the kind of key, too. */
function canJudgeEcdsa({ signatureSchemes, cipherSuites }: ClientHello): boolean {
  return (
    signatureSchemes.some((scheme) => ECDSA_SCHEMES.has(scheme)) &&
    cipherSuites.some((suite) => suite >> 8 === TLS13_SUITES || ECDSA_SUITES.has(suite))
  );
}

/** One whose key the client prefers; another one that it can judge; null: none. */
function fitting(
  candidates: readonly ServedCertificate[],
  wantsEcdsa: boolean,
): ServedCertificate | null {
  let other: ServedCertificate | null = null;
  for (const served of candidates) {
    const isEcdsa = served.certificate.keyKind === 'ec';
    if (isEcdsa === wantsEcdsa) return served;
    if (wantsEcdsa) other ??= served;
  }
  return other;
}

/** DNS names; the common name only where there is no subjectAltName at all. */
function namesOf(certificate: Certificate): readonly string[] {
  const names = subjectAltNamesOf(certificate, 'dns');
  if (certificate.subjectAltNames.length > 0) return names.map((name) => name.toLowerCase());
  return certificate.commonName === '' ? [] : [certificate.commonName.toLowerCase()];
}

function wildcardOf(serverName: string): string {
  const dot = serverName.indexOf('.');
  return dot === -1 ? '' : `*${serverName.slice(dot)}`;
}
