import { generateKeyPairSync } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { SecretSchema } from '../../../../proxy/api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { compileSecret } from '../../../../proxy/config/compile/tls/secret.ts';
import { validationFault } from '../../../../proxy/config/compile/tls/validation-secret.ts';
import type { SecretValue, ValidationSecret } from '../../../../proxy/model/secret.ts';
import { makeAuthority, makeCertificate, makeCrl } from '../../../support/certificates.ts';
import {
  compileJson,
  problemLines,
  testEnvironment,
  typed,
} from '../../../support/compile-json.ts';

const authority = makeAuthority();
const leaf = makeCertificate({ issuer: authority });
const KEY = { inline_string: leaf.keyPem };
const CHAIN = { inline_string: leaf.chainPem + authority.pem };
const CA = { inline_string: authority.pem };

function compile(json: JsonObject, files: Readonly<Record<string, string>> = {}) {
  const environment = testEnvironment({
    readFile: (path) => {
      const content = files[path];
      return content === undefined ? null : Buffer.from(content);
    },
  });
  return compileJson({ schema: SecretSchema, json, environment }, compileSecret);
}

function value(json: JsonObject, files: Readonly<Record<string, string>> = {}): SecretValue | null {
  const compiled = compile(json, files);
  if (compiled.rejections.length > 0) throw new Error(problemLines(compiled.rejections).join());
  return compiled.value;
}

function refusals(json: JsonObject): string {
  const { rejections, value: made } = compile(json);
  if (made !== null) throw new Error('was compiled');
  const text = problemLines(rejections).join('\n');
  if (/PRIVATE KEY|MIIE|MIGH/.test(text)) throw new Error('a key is told');
  return text;
}

function certificate(members: JsonObject): string {
  const own = { certificate_chain: CHAIN, private_key: KEY };
  return refusals({ tls_certificate: { ...own, ...members } });
}

t.test('a certificate with its key, inline or in files', (t) => {
  const inline = value({ tls_certificate: { certificate_chain: CHAIN, private_key: KEY } });
  t.match(inline, {
    kind: 'certificate',
    keyPem: leaf.keyPem,
    passphrase: '',
    chainPem: leaf.chainPem + authority.pem,
    chain: { length: 2, 0: { subject: 'CN=leaf' } },
    ocspStaple: null,
  });
  const files = { '/c.pem': CHAIN.inline_string, '/k.pem': leaf.keyPem };
  const named = { certificate_chain: { filename: '/c.pem' }, private_key: { filename: '/k.pem' } };
  t.match(value({ tls_certificate: named }, files), { keyPem: leaf.keyPem });
  const staple = { inline_bytes: 'AAEC' };
  const stapled = { certificate_chain: CHAIN, private_key: KEY, ocsp_staple: staple };
  t.match(value({ tls_certificate: stapled }), { ocspStaple: Buffer.from([0, 1, 2]) });
  t.end();
});

t.test('an encrypted key needs its password', (t) => {
  const inline_string = leaf.key
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' })
    .toString();
  const private_key = { inline_string };
  const tls_certificate = { certificate_chain: CHAIN, private_key };
  t.match(
    value({ tls_certificate: { ...tls_certificate, password: { inline_string: 'sesame' } } }),
    {
      passphrase: 'sesame',
    },
  );
  t.match(certificate({ private_key }), /Cause: .*no password$/);
  const wrong = certificate({ private_key, password: { inline_string: 'open' } });
  t.match(
    wrong,
    /^tls_certificate\.private_key: Failed to load private key from <inline>, Cause: /,
  );
  t.end();
});

t.test('what does not belong together, or is missing, is refused as by Envoy', (t) => {
  const other = { inline_string: makeCertificate({ keyLabel: 'other' }).keyPem };
  t.match(
    certificate({ private_key: other }),
    /^tls_certificate\.private_key: Failed to load private key from <inline>, Cause: KEY_VALUES_MISMATCH/,
  );
  t.equal(
    refusals({ tls_certificate: { private_key: KEY } }),
    'tls_certificate.certificate_chain: Failed to load incomplete certificate from : certificate chain not set',
  );
  t.equal(
    refusals({ tls_certificate: { certificate_chain: CHAIN } }),
    'tls_certificate.private_key: Failed to load incomplete private key from path: ',
  );
  t.match(certificate({ certificate_chain: { filename: '/no' } }), /filename: file \/no does not/);
  t.match(certificate({ private_key: { inline_string: 'x' } }), /Cause: it is not a private key/);
  const broken = CHAIN.inline_string.replace('\nMII', '\n*II');
  t.match(
    certificate({ certificate_chain: { inline_string: broken } }),
    /^tls_certificate\.certificate_chain: Failed to load certificate chain from <inline>: line 2: /,
  );
  t.match(
    certificate({ ocsp_staple: { inline_string: 'x' } }),
    /OCSP staple cannot be provided via inline_string/,
  );
  t.end();
});

t.test('authorities, names and pins', (t) => {
  const hash = 'AB'.repeat(32);
  const secret = value({
    validation_context: {
      trusted_ca: CA,
      crl: { inline_string: makeCrl(authority).pem },
      only_verify_leaf_cert_crl: true,
      verify_certificate_hash: [hash, hash.replace(/..(?!$)/g, '$&:')],
      verify_certificate_spki: [Buffer.alloc(32, 1).toString('base64')],
      match_typed_subject_alt_names: [
        { san_type: 'URI', matcher: { prefix: 'spiffe://A/', ignore_case: true } },
        { san_type: 'OTHER_NAME', oid: '1.3.6.1', matcher: { safe_regex: { regex: 'a+' } } },
      ],
      trust_chain_verification: 'ACCEPT_UNTRUSTED',
      max_verify_depth: 3,
    },
  });
  t.match(secret, {
    kind: 'validation',
    trustedCaPem: authority.pem,
    trustedCas: { length: 1 },
    crlPem: /^-----BEGIN X509 CRL-----/,
    onlyVerifyLeafCrl: true,
    certificateHashes: [hash.toLowerCase(), hash.toLowerCase()],
    publicKeyHashes: ['01'.repeat(32)],
    acceptsUntrusted: true,
    allowsExpired: false,
    maxVerifyDepth: 3,
    spiffe: null,
    sanMatchers: [
      { kind: 'uri', match: { kind: 'prefix', text: 'spiffe://A/', ignoresCase: true } },
      { kind: 'other', oid: '1.3.6.1', match: { kind: 'regex', text: 'a+' } },
    ],
  });
  t.end();
});

t.test('a name matcher without a type is one for each type', (t) => {
  const secret = value({ validation_context: { match_subject_alt_names: [{ exact: 'a' }] } });
  const { sanMatchers } = secret as ValidationSecret;
  t.same(
    sanMatchers.map(({ kind }) => kind),
    ['uri', 'dns', 'email', 'ip'],
  );
  const both = compile({
    validation_context: {
      match_subject_alt_names: [{ exact: 'a' }],
      match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'b' } }],
    },
  });
  t.match(problemLines(both.warnings), [/Ignoring match_subject_alt_names as/]);
  t.equal((both.value as ValidationSecret).sanMatchers.length, 1);
  t.end();
});

t.test('parts of a validation context that mean nothing are refused as by Envoy', (t) => {
  const validation = (members: JsonObject) => refusals({ validation_context: members });
  t.match(validation({ verify_certificate_hash: ['z'.repeat(64)] }), /Invalid hex-encoded SHA-256/);
  t.match(validation({ verify_certificate_spki: ['!'.repeat(44)] }), /Invalid base64-encoded/);
  t.match(validation({ trusted_ca: { inline_string: 'x' } }), /Failed to load trusted CA certific/);
  t.match(
    validation({ trusted_ca: { inline_string: '' } }),
    /trusted_ca: DataSource cannot be emp/,
  );
  t.match(
    validation({ trusted_ca: CA, crl: { inline_string: 'x' } }),
    /Failed to load CRL from <i/,
  );
  const oid = { san_type: 'OTHER_NAME', oid: '1.x', matcher: { exact: 'a' } };
  t.match(
    validation({ match_typed_subject_alt_names: [oid] }),
    /^validation_context\.match_typed_subject_alt_names\[0\]\.oid: Failed to create SAN matcher for OTHER_NAME with OID: 1\.x$/,
  );
  t.match(validation({ system_root_certs: {} }), /none of the system's files is there/);
  t.end();
});

t.test('as a whole: nothing is verified by names, lists or dates without authorities', (t) => {
  const fault = (members: JsonObject) =>
    validationFault(value({ validation_context: members }) as ValidationSecret)?.reason ?? '';
  const names = { match_subject_alt_names: [{ exact: 'a' }] };
  t.match(fault(names), /^SAN-based verification of peer certificates without trusted CA/);
  t.match(fault({ crl: { inline_string: makeCrl(authority).pem } }), /without trusted CA$/);
  t.match(fault({ allow_expired_certificate: true }), /^Certificate validity period is always/);
  t.equal(fault({ ...names, trusted_ca: CA }), '');
  t.equal(fault({ verify_certificate_hash: ['a'.repeat(64)] }), '');
  t.end();
});

const SPIFFE = 'extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig';

function spiffe(members: JsonObject): JsonObject {
  const typed_config = typed(SPIFFE, members);
  return {
    validation_context: {
      custom_validator_config: { name: 'envoy.tls.cert_validator.spiffe', typed_config },
    },
  };
}

t.test('authorities by trust domain', (t) => {
  const domain = { name: 'a.test', trust_bundle: CA };
  const { spiffe: one } = value(spiffe({ trust_domains: [domain] })) as ValidationSecret;
  t.match([...(one?.trustDomains ?? [])], [['a.test', [{ subject: 'CN=test root' }]]]);
  t.match(
    refusals(spiffe({ trust_domains: [domain, domain] })),
    /Multiple trust bundles are given/,
  );
  const bad = { name: 'b', trust_bundle: { inline_string: 'x' } };
  t.match(
    refusals(spiffe({ trust_domains: [bad] })),
    /Failed to load trusted CA certificate for b/,
  );
  t.match(refusals(spiffe({})), /nobody would be trusted/);
  t.end();
});

t.test('a map of bundles', (t) => {
  const map = (content: unknown) =>
    spiffe({ trust_bundles: { inline_string: JSON.stringify(content) } });
  const key = { kty: 'EC', use: 'x509-svid', x5c: [authority.der.toString('base64')] };
  const token = { kty: 'EC', use: 'jwt-svid' };
  const good = value(map({ trust_domains: { 'a.test': { keys: [token, key] } } }));
  const { trustDomains } = (good as ValidationSecret).spiffe ?? { trustDomains: new Map() };
  t.match([...trustDomains], [['a.test', [{ subject: 'CN=test root' }]]]);
  t.match(refusals(map([])), /Invalid JSON found in SPIFFE bundle/);
  t.match(refusals(map({ trust_domains: {} })), /No trust domains found in SPIFFE bundle/);
  t.match(
    refusals(map({ trust_domains: { b: { keys: [token] } } })),
    /No keys found in SPIFFE bundle for domain 'b'/,
  );
  const broken = { ...key, x5c: ['AAAA'] };
  t.match(refusals(map({ trust_domains: { b: { keys: [broken] } } })), /Invalid x509 object/);
  t.end();
});

t.test('ticket keys have 80 octets, and a secret is something', (t) => {
  const keys = (length: number) => ({
    session_ticket_keys: { keys: [{ inline_bytes: Buffer.alloc(length).toString('base64') }] },
  });
  t.same(value(keys(80)), { kind: 'ticket-keys', keys: [Buffer.alloc(80)] });
  t.equal(
    refusals(keys(79)),
    'session_ticket_keys.keys[0]: Incorrect TLS session ticket key length. Length 79, expected length 80.',
  );
  t.same(value({ generic_secret: { secret: { inline_string: 'x' } } }), {
    kind: 'generic',
    value: Buffer.from('x'),
  });
  t.match(refusals({ name: 'x' }), /^: Secret type not implemented: one of tls_certificate, /);
  t.end();
});

t.test('weak keys and strange curves are refused', (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const strange = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const issued = (key: typeof weak) => makeCertificate({ issuer: authority, ownKey: key });
  t.match(
    certificate({ certificate_chain: { inline_string: issued(weak).pem } }),
    /from <inline>, only RSA certificates with 2048-bit or larger keys are supported/,
  );
  t.match(
    certificate({ certificate_chain: { inline_string: issued(strange).pem } }),
    /only P-256, P-384 or P-521 ECDSA certificates are supported/,
  );
  t.end();
});
