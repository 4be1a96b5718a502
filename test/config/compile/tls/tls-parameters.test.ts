import { createSecureContext } from 'node:tls';
import type { JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { TlsParametersSchema } from '../../../../proxy/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { compileTlsParameters } from '../../../../proxy/config/compile/tls/tls-parameters.ts';
import { compileJson, problemLines } from '../../../support/compile-json.ts';

function compile(json: JsonObject) {
  return compileJson({ schema: TlsParametersSchema, json }, (message, context) =>
    compileTlsParameters(message, 'TLSv1.2', context),
  );
}

function refusals(json: JsonObject): readonly string[] {
  return problemLines(compile(json).rejections);
}

t.test('OpenSSL takes what comes out', (t) => {
  const names = {
    ecdh_curves: ['x25519', 'prime256v1:P-384', 'P-521'],
    signature_algorithms: ['ecdsa_sha1', 'rsa_pss_rsae_sha256', 'RSA+SHA256', 'ed25519'],
    cipher_suites: ['ALL'],
  };
  const { value, rejections } = compile(names);
  t.same(rejections, []);
  t.equal(value.groups, 'X25519:P-256:P-384:P-521');
  t.equal(value.signatureAlgorithms, 'ECDSA+SHA1:rsa_pss_rsae_sha256:RSA+SHA256:ed25519');
  const { ciphers, groups, signatureAlgorithms } = value;
  t.doesNotThrow(() =>
    createSecureContext({ ciphers, ecdhCurve: groups, sigalgs: signatureAlgorithms }),
  );
  const fips = compile({ compliance_policies: ['FIPS_202205'] }).value;
  t.match(fips, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', groups: 'P-256:P-384' });
  t.notMatch(fips.ciphers, /CHACHA20/);
  t.doesNotThrow(() =>
    createSecureContext({ ciphers: fips.ciphers, sigalgs: fips.signatureAlgorithms }),
  );
  t.end();
});

t.test('versions that nobody should speak are refused, and a range without any', (t) => {
  t.match(refusals({ tls_minimum_protocol_version: 'TLSv1_0' }), [
    /^tls_minimum_protocol_version: TLSv1_0 is not supported: it is broken/,
  ]);
  t.match(refusals({ tls_maximum_protocol_version: 'TLSv1_1' }), [/^tls_maximum_.*TLSv1_1/]);
  t.match(refusals({ tls_minimum_protocol_version: 'TLSv1_3' }), [/no version is left/]);
  t.same(
    refusals({
      tls_minimum_protocol_version: 'TLSv1_3',
      tls_maximum_protocol_version: 'TLSv1_3',
    }),
    [],
  );
  t.end();
});

t.test('unknown names are told with those that are known', (t) => {
  t.match(refusals({ cipher_suites: ['FOO', 'AES128-SHA'] }), [
    /^cipher_suites: Failed to initialize cipher suites FOO:AES128-SHA\. The following ciphers were rejected when tried individually: FOO\. Known are ECDHE-ECDSA-AES128-GCM-SHA256, /,
  ]);
  t.match(refusals({ cipher_suites: ['TLS_AES_128_GCM_SHA256'] }), [/together they leave none/]);
  t.match(refusals({ ecdh_curves: ['X25519', 'P-224'] }), [
    /^ecdh_curves: Failed to initialize ECDH curves X25519:P-224: P-224 is not known\. Known are X25519, /,
  ]);
  t.match(refusals({ signature_algorithms: ['foo'] }), [
    /^signature_algorithms: Failed to initialize TLS signature algorithms foo: foo is not known/,
  ]);
  t.match(refusals({ compliance_policies: ['CNSA2_202603'] }), [
    /^compliance_policies\[0\]: CNSA2_202603 is a policy of BoringSSL/,
  ]);
  t.end();
});
