// What a real handshake shows a server of a client: its chain, and OpenSSL's verdict on it.
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { PeerEvidence, PeerVerifier } from '../../proxy/tls/peer-verifier.ts';
import type { Certificate } from '../../proxy/x509/certificate.ts';
import { parsePeerCertificate } from '../../proxy/x509/peer-certificates.ts';
import type { TestCertificate } from './certificates.ts';

/** The client shows `shown` to a server that trusts whom `verifier` does. */
export async function clientEvidence(
  server: TestCertificate,
  shown: Pick<TestCertificate, 'chainPem' | 'keyPem'>,
  verifier: Pick<PeerVerifier, 'trustedCaPem' | 'crlPem'>,
): Promise<PeerEvidence> {
  const listener = tls.createServer({
    key: server.keyPem,
    cert: server.chainPem,
    requestCert: true,
    rejectUnauthorized: false,
    ca: verifier.trustedCaPem === null ? [] : [verifier.trustedCaPem],
    ...(verifier.crlPem === null ? {} : { crl: [verifier.crlPem] }),
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as net.AddressInfo;
  const client = tls.connect({
    socket: net.connect(port, '127.0.0.1'),
    cert: shown.chainPem,
    key: shown.keyPem,
    rejectUnauthorized: false,
  });
  try {
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      listener.once('secureConnection', resolve);
      listener.once('tlsClientError', reject);
      client.once('error', reject);
    });
    return { ...evidenceOf(socket), expectedName: '', nowMs: Date.now() };
  } finally {
    client.destroy();
    listener.close();
  }
}

function evidenceOf(
  socket: TLSSocket,
): Pick<PeerEvidence, 'chain' | 'chainError' | 'chainErrorCode'> {
  const chain: Certificate[] = [];
  const seen = new Set<string>();
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    const parsed = parsePeerCertificate(next.raw);
    if ('error' in parsed) throw new Error(parsed.error);
    chain.push(parsed);
    next = next.issuerCertificate;
  }
  const error = socket.authorizationError as unknown as NodeJS.ErrnoException | string | null;
  if (error === null || error === undefined) return { chain, chainError: '', chainErrorCode: '' };
  const text = typeof error === 'string' ? error : error.message;
  return { chain, chainError: text, chainErrorCode: text };
}
