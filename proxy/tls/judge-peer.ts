// The last step of a handshake on both sides: reads who the peer is, and lets the verifier decide.
import type { TLSSocket } from 'node:tls';
import { verifyErrorOf } from '../net/secure-socket.ts';
import type { Certificate } from '../x509/certificate.ts';
import { verifyFailureText } from './failure-text.ts';
import type { PeerVerifier } from './peer-verifier.ts';
import { peerCertificatesOf } from './tls-facts.ts';
import type { TlsServices } from './tls-services.ts';
import type { TlsStats } from './tls-stats.ts';

/** What a judgement needs. */
export interface Judge {
  readonly services: TlsServices;
  readonly stats: TlsStats;
  /** null: any peer will do. */
  readonly verifier: PeerVerifier | null;
  /** The peer must show a certificate. */
  readonly requiresCertificate: boolean;
  /** The peer's chain from the session that was resumed; null: the socket has it. */
  readonly resumedChain: readonly Certificate[] | null;
}

/** A peer that showed who it is. */
export interface JudgedPeer {
  readonly chain: readonly Certificate[];
  readonly isValidated: boolean;
  /** Transport failure reason: it is refused, and counted; '' : it is accepted. */
  readonly refusal: string;
  /** Who issued the first of the chain; null: nobody who is trusted or was shown. */
  issuer(): Certificate | null;
}

/** Who the peer is; a transport failure reason: what it showed cannot be read. */
export function judgePeer(
  judge: Judge,
  socket: TLSSocket,
  expectedName: string,
): JudgedPeer | string {
  const { services, stats, verifier, requiresCertificate } = judge;
  const chain = judge.resumedChain ?? readChain(judge, socket);
  if (typeof chain === 'string') return chain;
  if (verifier === null || (chain.length === 0 && !requiresCertificate)) {
    // As Envoy: a name can be asked of those only who are judged at all.
    const refusal = expectedName === '' ? '' : verifyFailureText('');
    return { chain, isValidated: false, refusal, issuer: () => null };
  }
  const nowMs = services.clock.wallMs();
  const issuer = () => verifier.issuerOf(chain, nowMs);
  const { text: chainError, code } = verifyErrorOf(socket);
  const refusal = verifier.verify({
    chain,
    chainError,
    chainErrorCode: code,
    expectedName,
    nowMs,
  });
  if (refusal === null) return { chain, isValidated: verifier.validates, refusal: '', issuer };
  stats.countRefusal(refusal);
  if (refusal.isTolerated) return { chain, isValidated: false, refusal: '', issuer };
  const text = verifyFailureText(refusal.detail);
  return { chain, isValidated: false, refusal: text, issuer: () => null };
}

function readChain({ services, stats }: Judge, socket: TLSSocket): readonly Certificate[] | string {
  const chain: Certificate[] = [];
  for (const der of peerCertificatesOf(socket)) {
    const parsed = services.parseCertificate(der);
    if ('error' in parsed) {
      stats.failVerifyError.inc();
      return verifyFailureText(`verify cert failed: ${parsed.error}`);
    }
    chain.push(parsed);
  }
  return chain;
}
