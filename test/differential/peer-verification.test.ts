// Envoy and we judge clients' certificates alike, for the same reasons and in the same words.
import type { JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { CertificateValidationContextSchema } from '../../proxy/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { compileValidationSecret } from '../../proxy/config/compile/tls/validation-secret.ts';
import { makePeerVerifier } from '../../proxy/tls/make-peer-verifier.ts';
import type { PeerVerifier } from '../../proxy/tls/peer-verifier.ts';
import {
  makeAuthority,
  makeCertificate,
  makeCrl,
  PURPOSE,
  type TestAltName,
  type TestCertificate,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { compileJson, typed } from '../support/compile-json.ts';
import { integer, TAG, tlv } from '../support/der-writer.ts';
import { withEnvoyJudge } from '../support/envoy-verdicts.ts';
import { clientEvidence } from '../support/tls-evidence.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const PAST = { notBeforeMs: NOW - 2 * DAY_MS, notAfterMs: NOW - DAY_MS };
const FUTURE = { notBeforeMs: NOW + DAY_MS, notAfterMs: NOW + 2 * DAY_MS };
const root = makeAuthority();
const impostor = makeAuthority({ keyLabel: 'impostor' });
const middle = authority('middle');
const lower = makeAuthority({ issuer: middle, subject: 'lower' });
const short = authority('short', { pathLength: 0 });
const tooLow = makeAuthority({ issuer: short, subject: 'too low' });
const leaf = signed({
  altNames: [
    { dns: 'a.example' },
    { uri: 'spiffe://td/a' },
    { dns: '*.w.example' },
    { email: 'm@a.example' },
    { ip: [10, 0, 0, 1] },
    { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
    { otherOid: '1.2.3.4', value: tlv(TAG.utf8, 'user') },
  ],
});
const hidden = signed({ altNames: [{ dns: 'b.example\0.a.example' }] });

function signed(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate({ issuer: root, ...options });
}

function authority(subject: string, options: TestCertificateOptions = {}): TestCertificate {
  return makeAuthority({ issuer: root, subject, ...options });
}

function constrained(
  constraints: NonNullable<TestCertificateOptions['nameConstraints']>,
  options: TestCertificateOptions,
): TestCertificate {
  const issuer = authority('constrained', { nameConstraints: constraints });
  return makeCertificate({ issuer, ...options });
}

function workload(uri: string, options: TestCertificateOptions = {}): TestCertificate {
  return signed({ altNames: [{ uri }], ...options });
}

const ca: JsonObject = { trusted_ca: { inline_string: root.pem } };
const OTHER_PIN = '00'.repeat(32);

function names(sanType: string, matcher: JsonObject, more: JsonObject = {}): JsonObject {
  const matchers = [{ san_type: sanType, matcher, ...more }];
  return { ...ca, match_typed_subject_alt_names: matchers };
}

function crl(pem: string, more: JsonObject = {}): JsonObject {
  return { ...ca, crl: { inline_string: pem }, ...more };
}

const spiffe: JsonObject = {
  custom_validator_config: {
    name: 'envoy.tls.cert_validator.spiffe',
    typed_config: typed('extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig', {
      trust_domains: [{ name: 'td', trust_bundle: { inline_string: root.pem } }],
    }),
  },
};

const CONTEXTS: Readonly<Record<string, JsonObject>> = {
  ca,
  middle: { trusted_ca: { inline_string: middle.pem } },
  revoked: crl(makeCrl(root, { revoked: [leaf] }).pem),
  old_crl: crl(makeCrl(root, { thisUpdateMs: NOW - 2 * DAY_MS, nextUpdateMs: NOW - DAY_MS }).pem),
  leaf_crl: crl(makeCrl(middle).pem, { only_verify_leaf_cert_crl: true }),
  expired: { ...ca, allow_expired_certificate: true },
  untrusted: { ...ca, trust_chain_verification: 'ACCEPT_UNTRUSTED' },
  depth_0: { ...ca, max_verify_depth: 0 },
  depth_2: { ...ca, max_verify_depth: 2 },
  dns: names('DNS', { exact: 'b.example' }),
  dns_wildcard: names('DNS', { exact: 'x.w.example' }),
  dns_two_labels: names('DNS', { exact: 'x.y.w.example' }),
  dns_prefix: names('DNS', { prefix: 'x.w' }),
  dns_case: names('DNS', { exact: 'A.EXAMPLE' }),
  dns_suffix: names('DNS', { suffix: '.w.example' }),
  dns_regex: names('DNS', { safe_regex: { regex: '[a-c]\\.example' } }),
  uri_case: names('URI', { exact: 'spiffe://TD/a' }),
  uri_ignore_case: names('URI', { exact: 'spiffe://TD/a', ignore_case: true }),
  uri_prefix: names('URI', { prefix: 'spiffe://td/' }),
  uri_contains: names('URI', { contains: '//td' }),
  email: names('EMAIL', { exact: 'm@a.example' }),
  ip: names('IP_ADDRESS', { exact: '::1' }),
  ip_written_long: names('IP_ADDRESS', { exact: '0:0:0:0:0:0:0:1' }),
  other: names('OTHER_NAME', { exact: 'user' }, { oid: '1.2.3.4' }),
  other_oid: names('OTHER_NAME', { exact: 'user' }, { oid: '1.2.3.5' }),
  pin: { verify_certificate_hash: [OTHER_PIN] },
  pin_and_ca: { ...ca, verify_certificate_hash: [OTHER_PIN] },
  names_and_pin: { ...names('DNS', { exact: 'b.example' }), verify_certificate_hash: [OTHER_PIN] },
  spiffe,
  spiffe_names: {
    ...spiffe,
    match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'spiffe://td/b' } }],
  },
};

/** Context, what is shown, the certificate; where we differ on purpose: what we say. */
type Case = readonly [context: string, title: string, shown: TestCertificate, ours?: string];

const CHAINS: readonly Case[] = [
  ['ca', 'a good one', leaf],
  ['ca', 'another key of the same name', makeCertificate({ issuer: impostor })],
  ['ca', 'another authority', makeCertificate({ issuer: makeAuthority({ subject: 'else' }) })],
  ['ca', 'itself', makeCertificate({ subject: 'self' })],
  ['ca', 'expired', signed(PAST)],
  ['ca', 'not yet valid', signed(FUTURE)],
  ['ca', 'servers only', signed({ extendedKeyUsage: [PURPOSE.server] })],
  ['ca', 'any purpose', signed({ extendedKeyUsage: [PURPOSE.any] })],
  ['ca', 'no purpose named', signed({ extendedKeyUsage: null })],
  ['ca', 'an intermediate', makeCertificate({ issuer: middle })],
  ['ca', 'too long a path', makeCertificate({ issuer: tooLow })],
  ['ca', 'issued by a leaf', makeCertificate({ issuer: leaf })],
  [
    'ca',
    'an authority that may not sign',
    makeCertificate({ issuer: authority('no signer', { keyUsage: [6] }) }),
  ],
  ['ca', 'an expired authority', makeCertificate({ issuer: authority('lapsed', PAST) })],
  [
    'ca',
    'an authority for servers',
    makeCertificate({ issuer: authority('servers', { extendedKeyUsage: [PURPOSE.server] }) }),
  ],
  [
    'ca',
    'an unknown critical extension',
    signed({ extensions: [{ oid: '1.2.3', isCritical: true, value: integer(1) }] }),
  ],
  ['middle', 'below the trusted intermediate', makeCertificate({ issuer: middle })],
  ['middle', 'beside the trusted intermediate', leaf],
  ['revoked', 'revoked', leaf],
  ['revoked', 'not revoked', signed()],
  ['revoked', 'no list of its issuer', makeCertificate({ issuer: middle })],
  ['old_crl', 'a list that is old', leaf],
  ['leaf_crl', 'a list of its issuer only', makeCertificate({ issuer: middle })],
  ['leaf_crl', 'no list of its issuer', leaf],
  ['expired', 'expired', signed(PAST)],
  ['expired', 'not yet valid', signed(FUTURE)],
  ['expired', 'expired of another', makeCertificate({ issuer: impostor, ...PAST })],
  ['untrusted', 'another key', makeCertificate({ issuer: impostor })],
  ['depth_0', 'a leaf', leaf],
  ['depth_0', 'one intermediate', makeCertificate({ issuer: middle })],
  ['depth_2', 'one intermediate', makeCertificate({ issuer: middle })],
  ['depth_2', 'two intermediates', makeCertificate({ issuer: lower })],
];

const dns = (text: string): readonly TestAltName[] => [{ dns: text }];
const permitted = (...list: readonly TestAltName[]) => ({ permitted: list });

const CONSTRAINTS: readonly Case[] = [
  ['ca', 'DNS outside', constrained(permitted({ dns: 'example' }), { altNames: dns('bad.com') })],
  ['ca', 'DNS inside', constrained(permitted({ dns: 'example' }), { altNames: dns('a.example') })],
  [
    'ca',
    'URI beside',
    constrained(permitted({ dns: 'example' }), { altNames: [{ uri: 'spiffe://td/a' }] }),
  ],
  [
    'ca',
    'URI inside',
    constrained(permitted({ uri: 'td' }), { altNames: [{ uri: 'spiffe://td/a' }] }),
  ],
  [
    'ca',
    'URI outside',
    constrained(permitted({ uri: 'td' }), { altNames: [{ uri: 'spiffe://te/a' }] }),
  ],
  ['ca', 'DNS excluded', constrained({ excluded: dns('bad.com') }, { altNames: dns('a.bad.com') })],
  [
    'ca',
    'subject outside',
    constrained(permitted({ directory: [['O', 'good']] }), { subject: [['O', 'bad']] }),
  ],
  [
    'ca',
    'subject inside',
    constrained(permitted({ directory: [['O', 'good']] }), {
      subject: [
        ['O', 'Good'],
        ['CN', 'no host!'],
      ],
    }),
  ],
  [
    'ca',
    'a common name like a host, which OpenSSL takes for one',
    constrained(permitted({ dns: 'example' }), { subject: 'a.example' }),
    '',
  ],
  [
    'ca',
    'mailbox inside',
    constrained(permitted({ email: 'example' }), { altNames: [{ email: 'a@example' }] }),
  ],
  [
    'ca',
    'mailbox outside',
    constrained(permitted({ email: 'example' }), { altNames: [{ email: 'a@b.example' }] }),
  ],
  [
    'ca',
    'an address inside, which Envoy cannot tell',
    constrained(permitted({ ip: [10, 0, 0, 0, 255, 0, 0, 0] }), {
      altNames: [{ ip: [10, 0, 0, 1] }],
    }),
    '',
  ],
];

const NAMES: readonly Case[] = [
  ...Object.keys(CONTEXTS)
    .filter((name) => /^(dns|uri|email|ip|other|pin|names)/.test(name))
    .map((name): Case => [name, 'names of every kind', leaf]),
  ['dns', 'no names', signed()],
  ['dns', 'a common name instead', signed({ subject: 'b.example' })],
  ['dns_suffix', 'names without it', signed({ altNames: dns('w.example') })],
  [
    'dns_prefix',
    'a NUL behind what is wanted',
    signed({ altNames: dns('x.w\0.evil.example') }),
    'verify cert failed: SAN matcher, certificate SANs are [x.w\\x00.evil.example]',
  ],
  [
    'dns_wildcard',
    'a star inside of a label',
    signed({ altNames: dns('x*.w.example') }),
    'verify cert failed: SAN matcher, certificate SANs are [x*.w.example]',
  ],
  ['pin', 'another authority', makeCertificate({ issuer: impostor })],
];

const WORKLOADS: readonly Case[] = [
  ['spiffe', 'an id', workload('spiffe://td/a')],
  ['spiffe', 'an id and a host', signed({ altNames: [{ dns: 'x' }, { uri: 'spiffe://td/a' }] })],
  ['spiffe', 'another trust domain', workload('spiffe://te/a')],
  ['spiffe', 'no URI', signed({ altNames: dns('a') })],
  ['spiffe', 'no names', signed()],
  ['spiffe', 'another scheme', workload('http://td/a')],
  ['spiffe', 'an upper-case trust domain', workload('spiffe://TD/a')],
  ['spiffe', 'no path', workload('spiffe://td')],
  ['spiffe', 'an authority', workload('spiffe://td/a', { isAuthority: true, keyUsage: [0] })],
  ['spiffe', 'a signer', workload('spiffe://td/a', { keyUsage: [0, 5] })],
  ['spiffe', 'a signer of lists', workload('spiffe://td/a', { keyUsage: [0, 6] })],
  ['spiffe', 'no key usage', workload('spiffe://td/a', { keyUsage: null })],
  ['spiffe', 'another key', workload('spiffe://td/a', { issuer: impostor })],
  ['spiffe', 'expired', workload('spiffe://td/a', PAST)],
  ['spiffe_names', 'another id', workload('spiffe://td/a')],
  [
    'spiffe',
    'two ids',
    signed({ altNames: [{ uri: 'spiffe://td/a' }, { uri: 'spiffe://td/b' }] }),
    'verify cert failed: cert precheck: 2 URI SANs',
  ],
  [
    'spiffe',
    'an id with a query',
    workload('spiffe://td/a?b'),
    'verify cert failed: no trust bundle store',
  ],
  [
    'spiffe',
    'for servers only',
    workload('spiffe://td/a', { extendedKeyUsage: [PURPOSE.server] }),
    'verify cert failed: X509_verify_cert: certificate verification error at depth 0: unsupported certificate purpose',
  ],
];

/** The verifier of a context, compiled as from a configuration. */
function verifierOf(json: JsonObject): PeerVerifier {
  const { value, rejections } = compileJson(
    { schema: CertificateValidationContextSchema, json },
    compileValidationSecret,
  );
  if (value === null) throw new Error(JSON.stringify(rejections));
  return makePeerVerifier(value, 'client');
}

/** The detail of a transport failure reason as logs have it, without what is before it. */
function detailOf(failure: string | null): string {
  const detail = /CERTIFICATE_VERIFY_FAILED:(.*):TLS_error_end$/.exec(failure ?? '')?.[1];
  return detail ?? failure ?? '';
}

t.test('judges as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const server = signed();
  await withEnvoyJudge(CONTEXTS, server, async (envoy) => {
    for (const [context, title, shown, deliberate] of [
      ...CHAINS,
      ...CONSTRAINTS,
      ...NAMES,
      ...WORKLOADS,
    ]) {
      const verifier = verifierOf(CONTEXTS[context] ?? {});
      const refusal = verifier.verify(await clientEvidence(server, shown, verifier));
      const ours = refusal === null || refusal.isTolerated ? '' : refusal.detail;
      const theirs = detailOf((await envoy.judge(context, shown)).failure);
      const name = `${context}: ${title}`;
      if (deliberate === undefined) {
        t.equal(ours.replaceAll(' ', '_'), theirs, name);
      } else {
        t.equal(ours, deliberate, name);
        t.not(ours.replaceAll(' ', '_'), theirs, `${name}: Envoy differs`);
      }
    }
  });
});

t.test('counts as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const refused: readonly Case[] = [
    ['ca', 'another key', makeCertificate({ issuer: impostor })],
    ['dns', 'other names', leaf],
    ['pin', 'another pin', leaf],
    ['untrusted', 'another key, tolerated', makeCertificate({ issuer: impostor })],
    ['spiffe', 'two kinds of names', hidden],
  ];
  const server = signed();
  await withEnvoyJudge(CONTEXTS, server, async (envoy) => {
    for (const [context, title, shown] of refused) {
      const verifier = verifierOf(CONTEXTS[context] ?? {});
      const refusal = verifier.verify(await clientEvidence(server, shown, verifier));
      await envoy.judge(context, shown);
      const theirs = await envoy.counter(context, `ssl.${refusal?.stat}`);
      t.equal(theirs, 1, `${context}: ${title}: ${refusal?.stat}`);
      t.equal(await envoy.counter(context, 'ssl.connection_error'), 0);
    }
  });
});
