// Asks a certificate authority that speaks Istio's gRPC service for a certificate. Token and root are
// read again for every connection: both are replaced while we run.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Certificate } from '../x509/certificate.ts';
import { parsePemCertificates } from '../x509/pem-certificates.ts';
import { CREATE_CERTIFICATE, decodeResponse, encodeRequest } from './ca-messages.ts';

/** Where the authority is, and how it is spoken to. */
export interface CertificateClientOptions {
  /** `host:port`, or what else gRPC takes. */
  readonly address: string;
  /** null: in the clear. */
  readonly tls: CaTls | null;
  /** A file with the bearer token; null: none is sent. */
  readonly tokenPath: string | null;
  /** Sent with each request, such as `clusterid`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly random: Random;
  /** Of one attempt. Default 10 s. */
  readonly timeoutMs?: number;
}

/** TLS of the connection to the authority. */
export interface CaTls {
  /** PEM file of whom the authority must be certified by; null: those that node brings along. */
  readonly rootPath: string | null;
  /** Name that its certificate must be for; '' : that of the address. */
  readonly serverName: string;
  /** A certificate of ours, where the authority knows us by it; null: by the token only. */
  readonly own: { readonly chainPath: string; readonly keyPath: string } | null;
}

/** A certificate that was issued. */
export interface ReceivedCertificate {
  readonly ok: true;
  /** The leaf first, without the root. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly chainPem: string;
  /** The response's last element: one root or several. */
  readonly rootPem: string;
}

/** Why there is none; `isFinal`: asking again would not help. */
export interface FailedRequest {
  readonly ok: false;
  readonly error: string;
  readonly isFinal: boolean;
}

const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 100;
const DELAY_FACTOR = 2;
const JITTER = 0.1;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 1024 * 1024;
/** What may go away by itself. */
const RETRIED: ReadonlySet<status> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

/** Keeps one connection; `close` it. */
export class CertificateClient {
  readonly #options: CertificateClientOptions;
  readonly #closing = new AbortController();
  #client: Client | null = null;

  constructor(options: CertificateClientOptions) {
    this.#options = options;
  }

  /** Asks up to five times. The certificate is for the key of `csrPem`, or it is not taken. */
  async createCertificate(wish: {
    readonly csrPem: string;
    /** SubjectPublicKeyInfo of that key. */
    readonly publicKeyInfo: Buffer;
    readonly validityS: number;
  }): Promise<ReceivedCertificate | FailedRequest> {
    const { log, random } = this.#options;
    const request = encodeRequest({ csr: wish.csrPem, validityS: wish.validityS });
    let waitMs = FIRST_DELAY_MS;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#attempt(request);
      if (Buffer.isBuffer(answer)) return received(answer, wish.publicKeyInfo);
      // Another host may do better, and another token or root may be there by now.
      this.#dropClient();
      const isOver = answer.isFinal || attempt === MAX_ATTEMPTS || this.#closing.signal.aborted;
      if (isOver) return answer;
      log.log('warning', 'no certificate yet', { attempt, reason: answer.error });
      const jitteredMs = waitMs * (1 + JITTER * (2 * random.next() - 1));
      const isClosed = await this.#sleep(jitteredMs);
      if (isClosed) return answer;
      waitMs *= DELAY_FACTOR;
    }
  }

  /** Nobody asks any more; who waits is answered with a failure. */
  close(): void {
    this.#closing.abort();
    this.#dropClient();
  }

  async #attempt(request: Buffer): Promise<Buffer | FailedRequest> {
    if (this.#closing.signal.aborted) return failed('the client is closed', true);
    let client: Client;
    let metadata: Metadata;
    try {
      client = this.#connected();
      metadata = this.#metadata();
    } catch (error) {
      // A file that is not there yet, or being replaced.
      return failed((error as Error).message, false);
    }
    const deadline = Date.now() + (this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    return await new Promise((resolve) => {
      const onAnswer = (error: ServiceError | null, answer?: Buffer): void => {
        if (error === null) resolve(answer ?? Buffer.alloc(0));
        else resolve(failed(`${status[error.code]}: ${error.details}`, !RETRIED.has(error.code)));
      };
      client.makeUnaryRequest(
        ...([CREATE_CERTIFICATE, bytes, bytes, request, metadata, { deadline }] as const),
        onAnswer,
      );
    });
  }

  #connected(): Client {
    if (this.#client === null) {
      const { address, tls } = this.#options;
      this.#client = new Client(address, credentialsOf(tls), optionsOf(tls));
    }
    return this.#client;
  }

  #metadata(): Metadata {
    const { tokenPath, headers = {} } = this.#options;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (tokenPath === null) return metadata;
    const token = readFileSync(tokenPath, 'utf8').trim();
    if (token === '') throw new Error(`${tokenPath} is empty`);
    metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }

  #dropClient(): void {
    this.#client?.close();
    this.#client = null;
  }

  /** True when the client was closed meanwhile. */
  async #sleep(ms: number): Promise<boolean> {
    const { signal } = this.#closing;
    await delay(ms, undefined, { signal }).catch(() => undefined);
    return signal.aborted;
  }
}

function credentialsOf(tls: CaTls | null): ChannelCredentials {
  if (tls === null) return credentials.createInsecure();
  const { rootPath, own } = tls;
  const root = rootPath === null ? null : readFileSync(rootPath);
  if (own === null) return credentials.createSsl(root);
  return credentials.createSsl(root, readFileSync(own.keyPath), readFileSync(own.chainPath));
}

function optionsOf(tls: CaTls | null): ClientOptions {
  const name = tls?.serverName ?? '';
  return {
    'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
    // Attempts are counted here.
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    ...(name === ''
      ? {}
      : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name }),
  };
}

function received(answer: Buffer, publicKeyInfo: Buffer): ReceivedCertificate | FailedRequest {
  const elements = decodeResponse(answer);
  if (elements === null) return failed('the answer is no IstioCertificateResponse', true);
  if (elements.length < 2) return failed('the answer has no root certificate', true);
  // Some authorities leave out the last line's end.
  const lines = elements.map((pem) => (pem.endsWith('\n') ? pem : `${pem}\n`));
  const chainPem = lines.slice(0, -1).join('');
  const rootPem = lines.at(-1) ?? '';
  const chain = parsePemCertificates(chainPem);
  const roots = parsePemCertificates(rootPem);
  if ('error' in chain) return failed(`the answer's certificates: ${chain.error}`, true);
  if ('error' in roots) return failed(`the answer's root: ${roots.error}`, true);
  const [leaf, ...upper] = chain;
  if (leaf === undefined || !leaf.publicKeyInfo.equals(publicKeyInfo)) {
    return failed('the certificate is for another key', true);
  }
  return { ok: true, chain: [leaf, ...upper], chainPem, rootPem };
}

function failed(error: string, isFinal: boolean): FailedRequest {
  return { ok: false, error, isFinal };
}

const bytes = (value: Buffer): Buffer => value;
