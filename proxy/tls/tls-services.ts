// What TLS contexts are given by whoever starts the worker.
import type { Logger } from '../base/log.ts';
import type { ValidationSecret } from '../model/secret.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { PeerRole } from '../x509/verify-chain.ts';
import type { PeerVerifier } from './peer-verifier.ts';
import type { Secrets } from './secret-hub.ts';

/** Services of one worker; they outlive every context. */
export interface TlsServices {
  readonly secrets: Secrets;
  readonly clock: { wallMs(): number };
  /** Component `tls`. */
  readonly log: Logger;
  /** Of this run of the proxy: the same in all workers, never written anywhere. */
  readonly ticketSecret: Buffer;
  makeVerifier(validation: ValidationSecret, role: PeerRole): PeerVerifier;
  parseCertificate(der: Buffer): Certificate | { readonly error: string };
  /** Appends lines to a log of keys, which several contexts may share. */
  openKeyLog(path: string): (line: Buffer) => void;
}
