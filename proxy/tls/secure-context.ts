// OpenSSL's context of one certificate, from what a TLS context says.
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificateSecret } from '../model/secret.ts';
import type { CommonTlsConfig } from '../model/transport-socket.ts';
import type { PeerVerifier } from './peer-verifier.ts';
import { useTicketRing } from './ticket-ring.ts';

/** TLS 1.3 is not configured by its suites; the cheapest one with hardware first, as in Envoy. */
const TLS13_SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** What a server's sessions live by. */
export interface ServerSessions {
  /** Of 48 octets each: the first one encrypts tickets, all decrypt; none: no tickets. */
  readonly ticketKeys: readonly Buffer[];
  /** Sessions of another one are not resumed; 32 characters at most. */
  readonly idContext: string;
  /** null: the library's. */
  readonly timeoutS: number | null;
}

/** What goes into it. */
export interface ContextParts {
  readonly common: Pick<
    CommonTlsConfig,
    'minVersion' | 'maxVersion' | 'ciphers' | 'groups' | 'signatureAlgorithms'
  >;
  /** null: a client without one. */
  readonly certificate: CertificateSecret | null;
  /** null: the peer is not judged. */
  readonly verifier: PeerVerifier | null;
  /** null: a client. */
  readonly sessions: ServerSessions | null;
  readonly prefersOwnCiphers: boolean;
}

/** Throws what OpenSSL has against it. */
export function makeSecureContext(parts: ContextParts): SecureContext {
  const { common, certificate, verifier, sessions } = parts;
  const context = createSecureContext({
    minVersion: common.minVersion,
    maxVersion: common.maxVersion,
    ciphers: common.ciphers === '' ? TLS13_SUITES : `${TLS13_SUITES}:${common.ciphers}`,
    ...(common.groups === '' ? {} : { ecdhCurve: common.groups }),
    ...(common.signatureAlgorithms === '' ? {} : { sigalgs: common.signatureAlgorithms }),
    ...(certificate === null ? {} : ownCertificate(certificate)),
    // Without authorities: none at all, rather than those that node brings along.
    ca: verifier?.trustedCaPem == null ? [] : [verifier.trustedCaPem],
    ...(verifier?.crlPem == null ? {} : { crl: [verifier.crlPem] }),
    honorCipherOrder: parts.prefersOwnCiphers,
    secureOptions: optionBits(sessions),
    ...(sessions === null ? {} : sessionOptions(sessions)),
  });
  if (sessions !== null) useTicketRing(context, sessions.ticketKeys);
  return context;
}

function ownCertificate({ chainPem, keyPem, passphrase }: CertificateSecret): SecureContextOptions {
  return { cert: chainPem, key: keyPem, ...(passphrase === '' ? {} : { passphrase }) };
}

function sessionOptions(sessions: ServerSessions): SecureContextOptions {
  const { ticketKeys, idContext, timeoutS } = sessions;
  const [first] = ticketKeys;
  return {
    sessionIdContext: idContext,
    ...(first === undefined ? {} : { ticketKeys: first }),
    ...(timeoutS === null ? {} : { sessionTimeout: timeoutS }),
  };
}

function optionBits(sessions: ServerSessions | null): number {
  const noTicket = sessions !== null && sessions.ticketKeys.length === 0;
  return constants.SSL_OP_NO_RENEGOTIATION | (noTicket ? constants.SSL_OP_NO_TICKET : 0);
}
