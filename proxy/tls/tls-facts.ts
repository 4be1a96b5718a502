// What a finished handshake shows, read from its socket while that is still there.
import type { TLSSocket } from 'node:tls';
import type { TlsInfo } from '../http/tls-info.ts';
import type { Certificate } from '../x509/certificate.ts';

/** What the side that made the handshake knows by itself. */
export interface OwnFacts {
  /** '' : it is asked of the socket, which knows on the client's side. */
  readonly group: string;
  readonly serverName: string;
  readonly localCertificate: Certificate | null;
  readonly peerChain: readonly Certificate[];
  readonly isPeerValidated: boolean;
  peerIssuer(): Certificate | null;
}

/** OpenSSL's names of groups that Envoy calls otherwise. */
const GROUP_NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** One connection's. */
export function tlsFacts(socket: TLSSocket, own: OwnFacts): TlsInfo {
  const { group, ...facts } = own;
  return {
    ...facts,
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    group: group === '' ? clientGroup(socket) : group,
    sessionId: sessionIdOf(socket.getSession()),
    isResumed: socket.isSessionReused(),
    applicationProtocol: negotiatedProtocol(socket),
  };
}

/** What ALPN chose; '' for nothing. */
export function negotiatedProtocol(socket: TLSSocket): string {
  const chosen = socket.alpnProtocol;
  return typeof chosen === 'string' ? chosen : '';
}

/** The peer's certificates in DER as it sent them, its own first. Asked once: node forgets them. */
export function peerCertificatesOf(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = [];
  const seen = new Set<string>();
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

function clientGroup(socket: TLSSocket): string {
  const key = socket.getEphemeralKeyInfo();
  const name = key !== null && 'name' in key ? key.name : undefined;
  return name === undefined ? '' : (GROUP_NAMES[name] ?? name);
}

/** OCTET STRINGs of an SSL_SESSION behind two INTEGERs: cipher, then session id. */
function sessionIdOf(session: Buffer | undefined): string {
  if (session === undefined) return '';
  let at = contentStart(session, 0);
  for (let skipped = 0; skipped < 3; skipped += 1)
    at = contentStart(session, at) + size(session, at);
  const start = contentStart(session, at);
  return session.toString('hex', start, start + size(session, at));
}

function size(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  return first < 128 ? first : der.readUIntBE(at + 2, first - 128);
}

function contentStart(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  return at + 2 + (first < 128 ? 0 : first - 128);
}
