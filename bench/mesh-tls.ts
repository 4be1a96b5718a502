// mTLS as sidecars speak it, with identities made for one run.
import { makeAuthority, makeCertificate } from '../test/support/certificates.ts';

type Json = Readonly<Record<string, unknown>>;

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';

/** Transport sockets of a mesh's hop that speaks one protocol. */
export function meshTls(protocol: 'h2' | 'http/1.1'): {
  readonly upstream: Json;
  readonly downstream: Json;
} {
  const authority = makeAuthority({ subject: 'bench root' });
  const socket = (type: string, account: string, members: Json): Json => {
    const uri = `spiffe://cluster.local/ns/bench/sa/${account}`;
    const { chainPem, keyPem } = makeCertificate({ issuer: authority, altNames: [{ uri }] });
    const common_tls_context = {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      alpn_protocols: [protocol],
      tls_certificates: [
        {
          certificate_chain: { inline_string: chainPem },
          private_key: { inline_string: keyPem },
        },
      ],
      validation_context: {
        trusted_ca: { inline_string: authority.pem },
        match_typed_subject_alt_names: [
          { san_type: 'URI', matcher: { prefix: 'spiffe://cluster.local/' } },
        ],
      },
    };
    return {
      name: 'envoy.transport_sockets.tls',
      typed_config: { '@type': TYPE + type, common_tls_context, ...members },
    };
  };
  return {
    upstream: socket('UpstreamTlsContext', 'client', {}),
    downstream: socket('DownstreamTlsContext', 'server', { require_client_certificate: true }),
  };
}
