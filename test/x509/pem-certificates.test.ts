// Certificates in PEM, with the line where one is wrong.
import t from 'tap';
import { parsePemCertificates } from '../../proxy/x509/pem-certificates.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';

const root = makeAuthority();
const leaf = makeCertificate({ issuer: root });

function subjects(text: string): readonly string[] | object {
  const read = parsePemCertificates(text);
  return 'error' in read ? read : read.map(({ subject }) => subject);
}

t.test('reads all certificates in order, and passes over the rest', (t) => {
  const text = `a note\n${leaf.pem}${leaf.keyPem}\n# root\n${root.pem}`;
  t.same(subjects(text), ['CN=leaf', 'CN=test root']);
  t.same(subjects(text.replaceAll('\n', '\r\n')), ['CN=leaf', 'CN=test root']);
  t.same(subjects(leaf.pem.trimEnd()), ['CN=leaf']);
  t.end();
});

t.test('says what is wrong, and where', (t) => {
  t.same(subjects(''), { error: 'no certificate in it', line: 1 });
  t.same(subjects(leaf.keyPem), { error: 'no certificate in it', line: 1 });
  const cut = leaf.pem.split('\n').slice(0, 4).join('\n');
  t.same(subjects(`\n${cut}`), {
    error: 'no line "-----END CERTIFICATE-----" follows',
    line: 2,
  });
  const wrong = leaf.pem.replace(/\n(.)/, '\n!');
  t.same(subjects(`${root.pem}${wrong}`), {
    error: 'no base64',
    line: root.pem.split('\n').length + 1,
  });
  const empty = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
  t.same(subjects(root.pem + empty), {
    error: 'expected tag 0x30, found the end',
    line: root.pem.split('\n').length,
  });
  t.end();
});

t.test('prints what it read', (t) => {
  const read = parsePemCertificates(leaf.pem);
  t.equal('error' in read ? '' : read[0]?.pem, leaf.pem);
  t.end();
});
