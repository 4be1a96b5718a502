// static_resources.secrets in a whole bootstrap.
import t from 'tap';
import { loadBootstrap } from '../../../../proxy/config/load.ts';
import { makeCertificate } from '../../../support/certificates.ts';
import { loadOptions } from '../../../support/load-options.ts';

const leaf = makeCertificate();
const CERTIFICATE = {
  certificate_chain: { inline_string: leaf.pem },
  private_key: { inline_string: leaf.keyPem },
};
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

function cluster(name: string) {
  const tls_certificate_sds_secret_configs = [{ name }];
  const common_tls_context = { tls_certificate_sds_secret_configs };
  const transport_socket = { name: 'tls', typed_config: { '@type': TLS, common_tls_context } };
  return { name: 'c', connect_timeout: '1s', transport_socket };
}

function load(secrets: readonly unknown[], name: string) {
  const content = JSON.stringify({ static_resources: { secrets, clusters: [cluster(name)] } });
  return loadBootstrap([{ name: 'x.json', content }], loadOptions());
}

function errors(secrets: readonly unknown[], name = 's'): readonly string[] {
  return load(secrets, name)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ path, reason }) => `${path}: ${reason}`);
}

t.test('a secret is found by its name', (t) => {
  const loaded = load([{ name: 's', tls_certificate: CERTIFICATE }], 's');
  t.ok(loaded.ok);
  t.match(errors([{ name: 's', tls_certificate: CERTIFICATE }], 'other'), [
    /^static_resources\.clusters\[0\]\..*\.tls_certificate_sds_secret_configs\[0\]\.name: Unknown static secret: other/,
  ]);
  t.end();
});

t.test('secrets are checked even if nobody wants them, each name once', (t) => {
  const good = { name: 's', tls_certificate: CERTIFICATE };
  t.match(
    errors([good, { name: 'x', tls_certificate: { private_key: CERTIFICATE.private_key } }]),
    [
      /^static_resources\.secrets\[1\]\.tls_certificate\.certificate_chain: Failed to load incomplete/,
    ],
  );
  t.match(errors([good, good]), [
    /^static_resources\.secrets\[1\]\.name: Duplicate static TlsCertificate secret name s$/,
  ]);
  const pkcs12 = { name: 'p', tls_certificate: { pkcs12: { inline_bytes: 'AAAA' } } };
  t.match(errors([good, pkcs12]).join('\n'), /'pkcs12' is not supported: PKCS#12 archives are not/);
  t.end();
});

t.test('no word of a key is ever told', (t) => {
  const broken = { inline_string: leaf.keyPem.replace('\nM', '\n*') };
  const secret = { name: 's', tls_certificate: { ...CERTIFICATE, private_key: broken } };
  const told = JSON.stringify(load([secret], 's').problems);
  t.match(told, /Failed to load private key from <inline>/);
  for (const line of leaf.keyPem.split('\n').filter((part) => part.length > 8)) {
    if (!line.startsWith('-----')) t.notOk(told.includes(line.slice(2, 30)));
  }
  t.end();
});
