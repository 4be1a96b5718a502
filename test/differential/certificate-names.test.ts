// Names and serial numbers of certificates are printed octet for octet as Envoy prints them.
import t, { type Test } from 'tap';
import { ATTRIBUTE_TYPES } from '../../proxy/x509/attribute-types.ts';
import type { Certificate, SubjectAltName } from '../../proxy/x509/certificate.ts';
import { subjectAltNamesOf } from '../../proxy/x509/certificate.ts';
import {
  makeAuthority,
  makeCertificate,
  type TestAttribute,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { integer, oid, sequence, setOf, TAG, TRUE, tlv } from '../support/der-writer.ts';
import { type EnvoyJudge, withEnvoyJudge } from '../support/envoy-verdicts.ts';
import { parsedCertificate } from '../support/validation.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const root = makeAuthority({
  subject: [
    ['O', 'R, Inc'],
    ['CN', 'root'],
  ],
});
const CONTEXTS = { ca: { trusted_ca: { inline_string: root.pem } } };

/** Both print the same of a certificate. */
async function same(
  t: Test,
  envoy: EnvoyJudge,
  [title, options]: readonly [string, TestCertificateOptions],
): Promise<void> {
  const made = makeCertificate({ issuer: root, ...options });
  const theirs = await envoy.judge('ca', made);
  t.equal(theirs.failure, null, title);
  t.same({ ...theirs, failure: '' }, printed(parsedCertificate(made)), title);
}

/** As the access log shows it: null for nothing. */
function printed(certificate: Certificate): Readonly<Record<string, string | null>> {
  const names = (kind: SubjectAltName['kind']): string | null =>
    subjectAltNamesOf(certificate, kind).join(',') || null;
  return {
    subject: certificate.subject || null,
    issuer: certificate.issuer || null,
    serial: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    uris: names('uri'),
    dns: names('dns'),
    emails: names('email'),
    ips: names('ip'),
    others: names('other'),
    failure: '',
  };
}

const UNKNOWN_TYPES = ['1.2.3.4', '2.5.4.97', '1.3.6.1.4.1.311.60.2.1.3', '2.5.4.2'];
const TEXTS = [
  ' a ',
  '  ',
  '#a',
  'a#',
  'a,b+c"d\\e<f>g;h=i',
  '\u00e9\0',
  '\x7f\x01\n',
  '\u{1f600}',
  '',
];
const ENCODED: readonly TestAttribute[] = [
  ['CN', '\0a\0\xe9\x20\xac', TAG.bmp],
  ['CN', '\0\x01\xf6\0', TAG.universal],
  ['CN', 'a\xe9', TAG.t61],
  ['CN', 'a*\xe9', TAG.ia5],
  ['CN', 'a*', TAG.printable],
  ['CN', '12', TAG.numeric],
  ['CN', '\0ab', TAG.bitString],
  ['CN', '', TAG.sequence],
];
const OTHERS: readonly Buffer[] = [
  tlv(TAG.utf8, 'a\xc3\xa9'),
  integer(300),
  tlv(TAG.integer, '\xff'),
  tlv(TAG.enumerated, '\x07'),
  TRUE,
  tlv(TAG.null),
  oid('1.2.3'),
  tlv(TAG.octetString, 'xy'),
  tlv(TAG.bitString, '\0xy'),
  tlv(TAG.bmp, '\0a\0b'),
  tlv(TAG.universal, '\0\0\0a'),
  tlv(TAG.ia5, 'q'),
  tlv(TAG.printable, 'p'),
  tlv(TAG.visible, 'v'),
  tlv(TAG.numeric, '12'),
  tlv(TAG.generalizedTime, '20260101000000Z'),
  sequence(integer(1)),
  setOf(integer(1)),
];

const CASES: readonly (readonly [string, TestCertificateOptions])[] = [
  ...[0, 1, 0x80, 0xff, 0x1000, 0x0abcdefn, 2n ** 150n].map(
    (serial): readonly [string, TestCertificateOptions] => [`serial ${serial}`, { serial }],
  ),
  ...[...ATTRIBUTE_TYPES.keys(), ...UNKNOWN_TYPES].map(
    (type): readonly [string, TestCertificateOptions] => [type, { subject: [[type, 'v']] }],
  ),
  ...TEXTS.map((text): readonly [string, TestCertificateOptions] => [
    JSON.stringify(text),
    { subject: [['CN', Buffer.from(text)]] },
  ]),
  ...ENCODED.map((attribute): readonly [string, TestCertificateOptions] => [
    `tag ${attribute[2]}`,
    { subject: [attribute] },
  ]),
  [
    'several values',
    {
      subject: [
        ['O', 'o'],
        [
          ['CN', 'a'],
          ['OU', 'b'],
          ['L', 'zz'],
        ],
        ['CN', 'c'],
      ],
    },
  ],
  ['no subject', { subject: [] }],
  [
    'names of every kind',
    {
      altNames: [
        { dns: 'a' },
        { dns: 'b,c' },
        { uri: 'spiffe://td/a' },
        { uri: 'x' },
        { email: 'm@a' },
        { ip: [1, 2, 3, 4] },
        { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4] },
        { ip: [0x20, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1] },
      ],
    },
  ],
  ...OTHERS.map((value): readonly [string, TestCertificateOptions] => [
    `otherName of tag ${value[0]}`,
    { altNames: [{ otherOid: '1.2.3.4', value }] },
  ]),
];

t.test('prints certificates as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const server = makeCertificate({ issuer: root });
  await withEnvoyJudge(CONTEXTS, server, async (envoy) => {
    for (const one of CASES) await same(t, envoy, one);
  });
});
