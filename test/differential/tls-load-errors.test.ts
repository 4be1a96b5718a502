// TLS contexts that cannot be used: refused by both, with Envoy's words in our report.
import fs from 'node:fs';
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { loadOptions } from '../support/load-options.ts';
import { envoyValidate, withoutEnvoy } from '../support/with-envoy.ts';

type Members = Readonly<Record<string, unknown>>;

const authority = makeAuthority();
const leaf = makeCertificate({ issuer: authority });
const other = makeCertificate({ issuer: authority, keyLabel: 'other' });
const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const OWN = {
  certificate_chain: { inline_string: leaf.pem },
  private_key: { inline_string: leaf.keyPem },
};
const NAMES = { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'a' } }] };

const parameters = (tls_params: Members) => ({ common_tls_context: { tls_params } });
const certificates = (...tls_certificates: Members[]) => ({
  common_tls_context: { tls_certificates },
});
const validation = (validation_context: Members) => ({
  common_tls_context: { validation_context },
});

/** Contexts of a cluster, and what both say of them; '' : accepted. */
const CASES: readonly (readonly [members: Members, text: string])[] = [
  [{ sni: 'a', ...certificates(OWN) }, ''],
  [parameters({ cipher_suites: ['ECDHE+AESGCM:!aECDSA', 'TLS_AES_128_GCM_SHA256'] }), ''],
  [parameters({ ecdh_curves: ['x25519', 'prime256v1'], signature_algorithms: ['ecdsa_sha1'] }), ''],
  [parameters({ cipher_suites: ['FOO', 'AES128-SHA'] }), 'rejected when tried individually: FOO'],
  [
    parameters({ cipher_suites: ['AES128-SHA256'] }),
    'Failed to initialize cipher suites AES128-SHA',
  ],
  [parameters({ ecdh_curves: ['P-224'] }), 'Failed to initialize ECDH curves P-224'],
  [parameters({ signature_algorithms: ['x'] }), 'Failed to initialize TLS signature algorithms x'],
  [certificates(OWN, OWN), 'Multiple TLS certificates are not supported for client contexts'],
  [
    certificates({ ...OWN, private_key: { inline_string: other.keyPem } }),
    'Failed to load private key from <inline>, Cause: ',
  ],
  [
    certificates({ private_key: OWN.private_key }),
    'Failed to load incomplete certificate from : certificate chain not set',
  ],
  [validation(NAMES), 'SAN-based verification of peer certificates without trusted CA is insecure'],
  [validation({ trusted_ca: { inline_string: '' } }), 'DataSource cannot be empty'],
  [{ auto_sni_san_validation: true }, 'was configured without a validation context'],
];

function bootstrapOf(members: Members): string {
  const transport_socket = { name: 'tls', typed_config: { '@type': TYPE, ...members } };
  const cluster = { name: 'c', connect_timeout: '1s', transport_socket };
  return JSON.stringify({ static_resources: { clusters: [cluster] } });
}

for (const [members, text] of CASES) {
  t.test(text === '' ? 'accepted' : text, { skip: withoutEnvoy }, async (t) => {
    const content = bootstrapOf(members);
    const loaded = loadBootstrap([{ name: 'x.json', content }], loadOptions());
    const file = `${t.testdir()}/x.json`;
    fs.writeFileSync(file, content);
    const envoy = await envoyValidate(file);
    const told = loaded.problems.map(({ reason }) => reason).join('\n');
    t.equal(loaded.ok, text === '', told);
    t.equal(envoy.accepted, loaded.ok);
    if (text !== '') t.ok(told.includes(text) && JSON.stringify(envoy).includes(text), told);
  });
}
