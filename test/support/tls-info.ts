// What TLS tells about a connection, made up.
import type { TlsInfo } from '../../proxy/http/tls-info.ts';

/** A connection of TLS 1.3 without certificates, but for `facts`. */
export function tlsInfo(facts: Partial<TlsInfo> = {}): TlsInfo {
  return {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    group: 'X25519',
    sessionId: '',
    isResumed: false,
    serverName: '',
    applicationProtocol: '',
    peerChain: [],
    isPeerValidated: false,
    localCertificate: null,
    peerIssuer: () => null,
    ...facts,
  };
}
