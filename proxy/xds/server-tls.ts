// TLS towards a management server: the handshake, and the judgement of who answered. Node asks
// nobody about certificates that OpenSSL is not content with, nor about those of resumed sessions,
// so that everything is judged here, behind the handshake and before the first octet.
import type { Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { verifyErrorOf } from '../net/secure-socket.ts';
import type { PeerVerifier } from '../tls/peer-verifier.ts';
import { peerCertificatesOf } from '../tls/tls-facts.ts';
import type { Certificate } from '../x509/certificate.ts';
import { parseCertificate } from '../x509/parse-certificate.ts';

/** TLS of one version of its secrets. */
export interface ServerTls {
  readonly context: SecureContext;
  /** SNI; '' : none. */
  readonly serverName: string;
  /** Name that the certificate must be for besides all else; '' : any. */
  readonly expectedName: string;
  /** Judges chain, names and pins; null: any server will do. */
  readonly verifier: PeerVerifier | null;
}

/**
 * Makes the handshake on `raw`, which it owns from now on. Resolves with a socket whose peer was
 * judged and accepted; rejects with the reason otherwise, and the socket is gone.
 */
export function secure(
  raw: Socket,
  serverTls: ServerTls,
  applicationProtocols: readonly string[],
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: raw,
      secureContext: serverTls.context,
      ALPNProtocols: [...applicationProtocols],
      // Judged below.
      rejectUnauthorized: false,
      ...(serverTls.serverName === '' ? {} : { servername: serverTls.serverName }),
    });
    const refuse = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', refuse);
    socket.once('close', () => reject(new Error('closed by the server in its TLS handshake')));
    socket.once('secureConnect', () => {
      const refusal = refusalOf(serverTls, socket);
      if (refusal !== '') return refuse(new Error(refusal));
      socket.off('error', refuse);
      resolve(socket);
    });
  });
}

/** Why a server is not who it should be, '' if it is. */
function refusalOf({ verifier, expectedName }: ServerTls, socket: TLSSocket): string {
  if (verifier === null) {
    // As Envoy: a name can be asked of those only who are judged at all.
    return expectedName === '' ? '' : 'no validation context judges the name that it must be for';
  }
  const chain: Certificate[] = [];
  for (const der of peerCertificatesOf(socket)) {
    const certificate = parseCertificate(der);
    if ('error' in certificate) return `its certificate cannot be read: ${certificate.error}`;
    chain.push(certificate);
  }
  const { code, text } = verifyErrorOf(socket);
  const refusal = verifier.verify({
    ...{ chain, chainError: text, chainErrorCode: code, expectedName },
    nowMs: Date.now(),
  });
  return refusal === null || refusal.isTolerated ? '' : refusal.detail;
}
