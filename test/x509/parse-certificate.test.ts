// Certificates from DER: what is read of sane ones, and that nothing else is taken.
import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { randomBelow } from '../../proxy/base/random.ts';
import { type Certificate, subjectAltNamesOf } from '../../proxy/x509/certificate.ts';
import { parseCertificate } from '../../proxy/x509/parse-certificate.ts';
import {
  makeAuthority,
  makeCertificate,
  PURPOSE,
  type TestCertificateOptions,
  type TestKeyKind,
} from '../support/certificates.ts';
import { sequence, TAG, tlv } from '../support/der-writer.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const FULL: TestCertificateOptions = {
  subject: [
    ['C', 'CH'],
    ['O', 'A, B'],
    ['CN', 'x'],
  ],
  serial: 0x0a0bn,
  altNames: [
    { uri: 'spiffe://td/ns/a' },
    { dns: 'a.example' },
    { email: 'a@example' },
    { ip: [10, 0, 0, 1] },
    { ip: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
    { otherOid: '1.3.6.1.4.1.311.20.2.3', value: tlv(TAG.utf8, 'user') },
    { directory: 'somebody' },
  ],
};

/** The certificate, which must be one. */
function parsed(options: TestCertificateOptions): Certificate {
  const certificate = parseCertificate(makeCertificate(options).der);
  if ('error' in certificate) throw new Error(certificate.error);
  return certificate;
}

function errorOf(der: Buffer): string {
  const certificate = parseCertificate(der);
  return 'error' in certificate ? certificate.error : '';
}

t.test('reads what a certificate says', (t) => {
  const certificate = parsed(FULL);
  t.equal(certificate.subject, 'CN=x,O=A\\, B,C=CH');
  t.equal(certificate.issuer, certificate.subject);
  t.equal(certificate.commonName, 'x');
  t.equal(certificate.serialNumber, '0a0b', 'in whole octets');
  t.same(subjectAltNamesOf(certificate, 'uri'), ['spiffe://td/ns/a']);
  t.same(subjectAltNamesOf(certificate, 'dns'), ['a.example']);
  t.same(subjectAltNamesOf(certificate, 'email'), ['a@example']);
  t.same(subjectAltNamesOf(certificate, 'ip'), ['10.0.0.1', '2001:db8::1']);
  t.same(
    certificate.subjectAltNames.filter(({ kind }) => kind === 'other'),
    [{ kind: 'other', value: 'user', oid: '1.3.6.1.4.1.311.20.2.3' }],
  );
  t.same(certificate.extendedKeyUsage, [PURPOSE.server, PURPOSE.client]);
  t.equal(certificate.keyUsage, 1);
  t.equal(certificate.isAuthority, false);
  t.end();
});

t.test('agrees with OpenSSL on keys, times, fingerprints and PEM', (t) => {
  const kinds: readonly TestKeyKind[] = ['ec256', 'ec384', 'ed25519', 'rsa2048'];
  for (const [index, key] of kinds.entries()) {
    const made = makeCertificate({ key, notAfterMs: Date.UTC(2045 + 4 * index, 1, 2, 3, 4, 5) });
    const ours = parseCertificate(made.der) as Certificate;
    const theirs = new X509Certificate(made.pem);
    t.equal(ours.pem, theirs.toString());
    t.equal(ours.native?.fingerprint256, theirs.fingerprint256);
    t.equal(ours.fingerprint256, theirs.fingerprint256.replaceAll(':', '').toLowerCase());
    t.equal(ours.fingerprint1, theirs.fingerprint.replaceAll(':', '').toLowerCase());
    t.equal(ours.notBeforeMs, Date.parse(theirs.validFrom));
    t.equal(ours.notAfterMs, Date.parse(theirs.validTo));
    t.same(ours.publicKeyInfo, theirs.publicKey.export({ type: 'spki', format: 'der' }));
    t.equal(ours.keyKind, theirs.publicKey.asymmetricKeyType);
  }
  t.end();
});

t.test('reads constraints of authorities', (t) => {
  const root = parseCertificate(makeAuthority({ pathLength: 3 }).der) as Certificate;
  t.equal(root.isAuthority, true);
  t.equal(root.pathLength, 3);
  t.equal(root.extendedKeyUsage, null);
  t.end();
});

t.test('keeps octets of names that would hide something', (t) => {
  const altNames = [{ dns: 'good.example\0.bad' }, { uri: 'spiffe://td/a, URI:spiffe://td/b' }];
  const names = parsed({ altNames }).subjectAltNames;
  t.equal(names[0]?.value, 'good.example\0.bad');
  t.equal(names[1]?.value, 'spiffe://td/a, URI:spiffe://td/b');
  t.end();
});

t.test('refuses what is no certificate, and says why', (t) => {
  const { der } = makeCertificate(FULL);
  t.equal(errorOf(Buffer.alloc(0)), 'expected tag 0x30, found the end');
  t.equal(errorOf(Buffer.concat([der, Buffer.from([0])])), 'data behind the end');
  t.equal(errorOf(Buffer.alloc(102_401)), 'certificate of 102401 octets');
  const twice = { oid: '1.2.3', value: tlv(TAG.null) };
  t.equal(errorOf(makeCertificate({ extensions: [twice, twice] }).der), 'extension 1.2.3 twice');
  const noNames = { oid: '2.5.29.17', value: sequence() };
  t.equal(
    errorOf(makeCertificate({ extensions: [noNames] }).der),
    'extension 2.5.29.17: no name in it',
  );
  t.equal(
    errorOf(makeCertificate({ altNames: [{ ip: [1, 2, 3] }] }).der),
    'extension 2.5.29.17: IP address of 3 octets',
  );
  t.end();
});

t.test('takes no certificate that was cut anywhere', (t) => {
  const { der } = makeCertificate(FULL);
  for (let length = 0; length < der.length; length += 1) {
    if (errorOf(der.subarray(0, length)) === '') t.fail(`taken with ${length} octets`);
  }
  t.end();
});

t.test('never throws, whatever the octets', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const samples = [makeCertificate(FULL).der, makeAuthority({ key: 'rsa2048' }).der];
  let taken = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const der = Buffer.from(samples[run % samples.length] ?? []);
    for (let left = 1 + randomBelow(random, 3); left > 0; left -= 1) {
      der[randomBelow(random, der.length)] = randomBelow(random, 256);
    }
    try {
      const certificate = parseCertificate(der);
      if ('error' in certificate) continue;
      taken += 1;
      void `${certificate.subject}${certificate.issuer}${certificate.pem}`;
    } catch (error) {
      t.fail(`seed ${seed}: ${String(error)}: ${der.toString('hex')}`);
    }
  }
  t.ok(taken > 0, 'some of them are still certificates');
  t.end();
});
