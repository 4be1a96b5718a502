// A rig's listener and cluster with TLS, their secrets inline.
import type { TestCertificate } from './certificates.ts';
import { type Json, type RigListener, typed } from './rig-bootstrap.ts';

/** Who one is, and whom one trusts. */
export interface Identity {
  readonly certificate?: TestCertificate;
  /** Peers need a certificate of this authority. */
  readonly trusts?: TestCertificate;
  readonly alpn?: readonly string[];
  /** Laid over the context. */
  readonly context?: Json;
  /** Laid over common_tls_context. */
  readonly common?: Json;
}

/** A listener whose only filter chain ends TLS; by default it offers HTTP/2 and HTTP/1.1. */
export function secureListener(identity: Identity, listener: RigListener = {}): RigListener {
  return { ...listener, transportSocket: serverTls(identity) };
}

/** A filter chain's transport socket. */
export function serverTls(identity: Identity): Json {
  const alpn = identity.alpn ?? ['h2', 'http/1.1'];
  return socket('DownstreamTlsContext', {
    common_tls_context: common({ ...identity, alpn }),
    ...(identity.trusts === undefined ? {} : { require_client_certificate: true }),
    ...identity.context,
  });
}

/** A cluster's. */
export function clientTls(identity: Identity): Json {
  const { context } = identity;
  return socket('UpstreamTlsContext', { common_tls_context: common(identity), ...context });
}

function common({ certificate, trusts, alpn = [], common: members }: Identity): Json {
  const own = certificate && {
    certificate_chain: { inline_string: certificate.chainPem },
    private_key: { inline_string: certificate.keyPem },
  };
  return {
    ...(own === undefined ? {} : { tls_certificates: [own] }),
    ...(trusts === undefined
      ? {}
      : { validation_context: { trusted_ca: { inline_string: trusts.pem } } }),
    ...(alpn.length === 0 ? {} : { alpn_protocols: alpn }),
    ...members,
  };
}

function socket(type: string, value: Json): Json {
  const typed_config = typed(`extensions.transport_sockets.tls.v3.${type}`, value);
  return { name: 'envoy.transport_sockets.tls', typed_config };
}
