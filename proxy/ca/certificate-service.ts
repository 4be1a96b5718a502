// Istio's certificate authority as a gRPC service: certifies the key of a request under the name of
// whoever is asking, which somebody else has found out, and never under a name in the request.
import {
  type Metadata,
  type Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { Logger } from '../base/log.ts';
import type { Authority } from './authority.ts';
import {
  type CertificateRequest,
  CREATE_CERTIFICATE,
  decodeRequest,
  encodeResponse,
} from './ca-messages.ts';
import { nameFault } from './identity.ts';
import { readSigningRequest } from './signing-request.ts';

/** What is known of somebody who asks. */
export interface Caller {
  readonly metadata: Metadata;
  /** Address of the connection's peer. */
  readonly peer: string;
  /** DER of the client certificate that the connection's TLS has verified; null: none. */
  readonly certificate: Buffer | null;
}

/** Finds out who is asking: a SPIFFE id, or why nobody knows. */
export type Authenticate = (caller: Caller) => Promise<CallerIdentity>;

/** What comes of it. */
export type CallerIdentity =
  | { readonly ok: true; readonly spiffeId: string }
  | { readonly ok: false; readonly reason: string };

/** How the service is run. */
export interface CertificateServiceOptions {
  /** Asked for each request: an authority may be replaced. */
  readonly authority: () => Authority;
  readonly authenticate: Authenticate;
  readonly clock: { wallMs(): number };
  readonly log: Logger;
  /** Of requests that name none. Istio's DEFAULT_WORKLOAD_CERT_TTL: 24 h. */
  readonly defaultLifetimeMs?: number;
  /** More is refused rather than cut. Istio's MAX_WORKLOAD_CERT_TTL: 90 days. */
  readonly maxLifetimeMs?: number;
}

/** A request that came to nothing. */
interface Refusal {
  readonly code: status;
  readonly details: string;
}

const SECOND_MS = 1000;
const DEFAULT_LIFETIME_MS = 86_400_000;
const MAX_LIFETIME_MS = 90 * DEFAULT_LIFETIME_MS;
const BEARER = /^bearer +(\S+) *$/i;
/** Metadata that asks for another signer, or for somebody else's certificate. */
const REFUSED_METADATA = ['CertSigner', 'ImpersonatedIdentity'] as const;

/** See the file's head. */
export class CertificateService {
  readonly #options: CertificateServiceOptions;

  constructor(options: CertificateServiceOptions) {
    this.#options = options;
  }

  /** Serves it at `server`. */
  addTo(server: Server): void {
    server.addService(DEFINITION, {
      createCertificate: (
        call: ServerUnaryCall<Buffer, Buffer>,
        callback: sendUnaryData<Buffer>,
      ): void => {
        void this.#answer(call).then((answer) => {
          if (Buffer.isBuffer(answer)) callback(null, answer);
          else callback(answer);
        });
      },
    });
  }

  async #answer(call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer | Refusal> {
    const { log } = this.#options;
    const peer = call.getPeer();
    let answer: Buffer | Refusal;
    try {
      answer = await this.#create(call);
    } catch (error) {
      log.log('error', 'a certificate could not be made', { reason: (error as Error).message });
      answer = { code: status.INTERNAL, details: 'the certificate could not be made' };
    }
    if (!Buffer.isBuffer(answer)) {
      log.log('warning', 'no certificate is issued', { peer, reason: answer.details });
    }
    return answer;
  }

  async #create(call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer | Refusal> {
    const caller = {
      metadata: call.metadata,
      peer: call.getPeer(),
      certificate: certificateOf(call),
    };
    const identity = await this.#options.authenticate(caller);
    if (!identity.ok) return { code: status.UNAUTHENTICATED, details: identity.reason };
    const { spiffeId } = identity;
    const fault = nameFault({ kind: 'uri', value: spiffeId });
    if (fault !== null) return { code: status.UNAUTHENTICATED, details: fault };
    const request = decodeRequest(call.request);
    if (request === null) return invalid('no IstioCertificateRequest');
    return this.#issue(request, spiffeId);
  }

  #issue(request: CertificateRequest, spiffeId: string): Buffer | Refusal {
    const { authority, clock, log } = this.#options;
    const lifetimeMs = this.#lifetimeOf(request);
    if (typeof lifetimeMs !== 'number') return lifetimeMs;
    for (const name of REFUSED_METADATA) {
      if (request.metadata[name] !== undefined) return invalid(`${name} is not supported here`);
    }
    const signing = readSigningRequest(request.csr);
    if ('error' in signing) return invalid(`the CSR is refused: ${signing.error}`);
    const issuer = authority();
    const nowMs = clock.wallMs();
    if (issuer.certificate.notAfterMs <= nowMs) {
      return { code: status.FAILED_PRECONDITION, details: 'the authority has expired' };
    }
    const names = [{ kind: 'uri', value: spiffeId }] as const;
    const wish = { key: signing.publicKey, names, lifetimeMs, nowMs };
    const { certificate, chainPem, rootPem } = issuer.issue(wish);
    const { serialNumber: serial } = certificate;
    log.log('info', 'a certificate is issued', { to: spiffeId, serial });
    return encodeResponse([...pemsOf(chainPem), rootPem]);
  }

  #lifetimeOf({ validityS }: CertificateRequest): number | Refusal {
    const { defaultLifetimeMs = DEFAULT_LIFETIME_MS, maxLifetimeMs = MAX_LIFETIME_MS } =
      this.#options;
    if (validityS <= 0) return Math.min(defaultLifetimeMs, maxLifetimeMs);
    const wished = validityS * SECOND_MS;
    if (wished <= maxLifetimeMs) return wished;
    const most = maxLifetimeMs / SECOND_MS;
    return invalid(`a lifetime of ${validityS} s is more than the ${most} s that are allowed`);
  }
}

/** The token of `authorization: Bearer …`; null: there is none. */
export function bearerToken(metadata: Metadata): string | null {
  for (const value of metadata.get('authorization')) {
    const token = BEARER.exec(value.toString())?.[1];
    if (token !== undefined) return token;
  }
  return null;
}

function invalid(details: string): Refusal {
  return { code: status.INVALID_ARGUMENT, details };
}

function certificateOf(call: ServerUnaryCall<Buffer, Buffer>): Buffer | null {
  const { transportSecurityType, sslPeerCertificate } = call.getAuthContext();
  if (transportSecurityType !== 'ssl') return null;
  return sslPeerCertificate?.raw ?? null;
}

function pemsOf(chain: string): readonly string[] {
  return chain.split(/(?<=-----END CERTIFICATE-----\n)/);
}

const bytes = (value: Buffer): Buffer => value;

/** Messages pass as they are: see ca-messages.ts. */
const DEFINITION: ServiceDefinition = {
  createCertificate: {
    path: CREATE_CERTIFICATE,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};
