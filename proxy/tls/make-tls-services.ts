// The services of a worker's TLS contexts, put together.
import type { Logger } from '../base/log.ts';
import { parsePeerCertificate } from '../x509/peer-certificates.ts';
import { openKeyLog } from './key-log.ts';
import { makePeerVerifier } from './make-peer-verifier.ts';
import type { Secrets } from './secret-hub.ts';
import type { TlsServices } from './tls-services.ts';

/** What differs between a worker and a dry run. */
export interface TlsServicesParts {
  readonly secrets: Secrets;
  readonly clock: { wallMs(): number };
  readonly log: Logger;
  readonly ticketSecret: Buffer;
}

/** See TlsServices. */
export function makeTlsServices(parts: TlsServicesParts): TlsServices {
  return {
    ...parts,
    makeVerifier: makePeerVerifier,
    parseCertificate: parsePeerCertificate,
    openKeyLog: (path) => openKeyLog(path, parts.log),
  };
}
