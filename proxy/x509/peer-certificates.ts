// The certificates that peers showed lately, so that ten thousand connections of one peer share
// one parsed object and what was made of it. Found by all of their octets, never by a hash.
import type { Certificate } from './certificate.ts';
import { parseCertificate } from './parse-certificate.ts';

/** Octets of DER kept; a peer that shows ever new certificates must not fill the memory. */
const MAX_KEPT_BYTES = 4_194_304;

/** A bounded cache; the one that was not asked for the longest goes first. */
export class PeerCertificates {
  readonly #kept = new Map<string, Certificate>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = MAX_KEPT_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Octets of DER that are kept. */
  get keptBytes(): number {
    return this.#bytes;
  }

  /** As `parseCertificate`. */
  parse(der: Buffer): Certificate | { readonly error: string } {
    const key = der.toString('latin1');
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const certificate = parseCertificate(der);
    if (!('error' in certificate)) this.#keep(key, certificate);
    return certificate;
  }

  #keep(key: string, certificate: Certificate): void {
    this.#kept.set(key, certificate);
    this.#bytes += key.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= oldest.length;
    }
  }
}

const ofThisProcess = new PeerCertificates();

/** `parseCertificate` for what a peer of this process showed; equal octets give the same object. */
export function parsePeerCertificate(der: Buffer): Certificate | { readonly error: string } {
  return ofThisProcess.parse(der);
}
