// Connections of one peer share what was read of its certificate; strangers can't fill the memory.
import t from 'tap';
import { PeerCertificates, parsePeerCertificate } from '../../proxy/x509/peer-certificates.ts';
import { makeCertificate } from '../support/certificates.ts';

t.test('gives the same object for the same octets', (t) => {
  const { der } = makeCertificate();
  const first = parsePeerCertificate(der);
  t.equal(parsePeerCertificate(Buffer.from(der)), first);
  t.not(parsePeerCertificate(makeCertificate().der), first);
  t.end();
});

t.test('keeps no more than its limit, what was asked for last the longest', (t) => {
  const ders = [1, 2, 3].map((serial) => makeCertificate({ serial }).der) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const limit = ders[0].length * 2 + 20;
  const cache = new PeerCertificates(limit);
  const [first, second] = [cache.parse(ders[0]), cache.parse(ders[1])];
  t.equal(cache.parse(ders[0]), first);
  cache.parse(ders[2]);
  t.ok(cache.keptBytes <= limit);
  t.equal(cache.parse(ders[0]), first, 'asked for lately');
  t.not(cache.parse(ders[1]), second, 'the oldest went');
  t.end();
});

t.test('keeps nothing of what is no certificate', (t) => {
  const cache = new PeerCertificates();
  t.same(cache.parse(Buffer.from('rubbish')), { error: 'expected tag 0x30, found 0x72' });
  t.equal(cache.keptBytes, 0);
  t.end();
});
