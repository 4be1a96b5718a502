// One handshake with a server, to see what it offers: nothing is verified here, and nothing is sent.
import type { SecureVersion, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { peerCertificatesOf } from '../../tls/tls-facts.ts';

/** Who is asked. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** SNI; '' : none. */
  readonly serverName: string;
  /** PEM shown to servers that ask; null: none. */
  readonly own: { readonly chainPem: string; readonly keyPem: string } | null;
}

/** What a handshake is tried with. */
export interface ProbeWish {
  readonly version: ProbeVersion;
  /** ALPN; empty: none is offered. */
  readonly protocols: readonly string[];
  /** Waits whether the server still refuses us, as servers of TLS 1.3 do behind the handshake. */
  readonly lingers: boolean;
}

/** Versions, newest first. */
export const PROBE_VERSIONS = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'] as const;

/** One of PROBE_VERSIONS. */
export type ProbeVersion = (typeof PROBE_VERSIONS)[number];

/** What a handshake showed. */
export interface ProbeFacts {
  readonly ok: true;
  readonly cipher: string;
  /** '' : unknown. */
  readonly group: string;
  /** '' : none. */
  readonly protocol: string;
  readonly chain: readonly Buffer[];
  /** Octets of a stapled OCSP response; 0: none. */
  readonly ocspBytes: number;
  readonly asksForCertificate: boolean;
  /** Why the server closed behind the handshake; '' : it did not. */
  readonly refusal: string;
}

/** A handshake that failed. */
export interface ProbeFailure {
  readonly ok: false;
  readonly error: string;
  /** Nobody is there: no use in asking again. */
  readonly isUnreachable: boolean;
}

const TIMEOUT_MS = 5000;
/** A refusal takes as long as the handshake did, and some time to think. */
const LINGER_MS = 300;
const LINGER_FACTOR = 2;
const MODERN_CIPHERS = 'DEFAULT';
/** Old versions sign with SHA-1, which OpenSSL does not take otherwise. */
const ANY_CIPHERS = 'DEFAULT:@SECLEVEL=0';
const SHOWN_GROUPS: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
]);

/** Makes one handshake. */
export function probe(target: ProbeTarget, wish: ProbeWish): Promise<ProbeFacts | ProbeFailure> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let facts: ProbeFacts | null = null;
    let ocspBytes = 0;
    const socket = open(target, wish);
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), TIMEOUT_MS);
    const settle = (result: ProbeFacts | ProbeFailure): void => {
      clearTimeout(timer);
      resolve(result);
      socket.destroy();
    };
    socket.on('OCSPResponse', (response: Buffer | null) => {
      ocspBytes = response?.length ?? 0;
    });
    socket.once('secureConnect', () => {
      facts = factsOf(socket, ocspBytes);
      if (!wish.lingers) settle(facts);
      else {
        const tookMs = performance.now() - startMs;
        const seen = facts;
        setTimeout(() => settle(seen), Math.max(LINGER_MS, LINGER_FACTOR * tookMs));
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (facts !== null) settle({ ...facts, refusal: errorText(error) });
      else settle(failureOf(error));
    });
    socket.once('close', () => {
      const error = 'the peer closed the connection';
      if (facts !== null) settle({ ...facts, refusal: error });
      else settle({ ok: false, error, isUnreachable: false });
    });
    socket.resume();
  });
}

function open(target: ProbeTarget, { version, protocols }: ProbeWish): TLSSocket {
  const { host, port, serverName, own } = target;
  const isOld = version === 'TLSv1' || version === 'TLSv1.1';
  return connect({
    ...{ host, port, rejectUnauthorized: false, requestOCSP: true },
    minVersion: version as SecureVersion,
    maxVersion: version as SecureVersion,
    ciphers: isOld ? ANY_CIPHERS : MODERN_CIPHERS,
    servername: serverName,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    ...(own === null ? {} : { cert: own.chainPem, key: own.keyPem }),
  });
}

function factsOf(socket: TLSSocket, ocspBytes: number): ProbeFacts {
  const key = socket.getEphemeralKeyInfo();
  const group = key !== null && 'name' in key ? (key.name ?? '') : '';
  return {
    ok: true,
    cipher: socket.getCipher().standardName || socket.getCipher().name,
    group: SHOWN_GROUPS.get(group) ?? group,
    protocol: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
    chain: peerCertificatesOf(socket),
    ocspBytes,
    // Signature algorithms come with the request for a certificate, and with nothing else.
    asksForCertificate: socket.getSharedSigalgs().length > 0,
    refusal: '',
  };
}

function failureOf(error: NodeJS.ErrnoException): ProbeFailure {
  const isUnreachable = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'];
  return {
    ok: false,
    error: errorText(error),
    isUnreachable: isUnreachable.includes(error.code ?? ''),
  };
}

/** OpenSSL's reason without its file and line. */
function errorText({ code, message }: NodeJS.ErrnoException): string {
  if (code?.startsWith('ERR_SSL_') !== true) return message.trim();
  return code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ');
}
