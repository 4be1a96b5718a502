// Revocation lists from DER and PEM; what they do to chains stands in verify-chain.test.ts.
import t from 'tap';
import { randomBelow } from '../../proxy/base/random.ts';
import { parsePemRevocationLists, parseRevocationList } from '../../proxy/x509/revocation-list.ts';
import { makeAuthority, makeCertificate, makeCrl } from '../support/certificates.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const root = makeAuthority();
const revoked = [1, 0x80, 0xffff].map((serial) => makeCertificate({ issuer: root, serial }));
const { der, pem } = makeCrl(root, { revoked, thisUpdateMs: Date.UTC(2026, 0, 1) });

function errorOf(octets: Buffer): string {
  const list = parseRevocationList(octets);
  return 'error' in list ? list.error : '';
}

t.test('reads whom a list revokes, and for how long it holds', (t) => {
  const list = parseRevocationList(der);
  if ('error' in list) throw new Error(list.error);
  t.same([...list.revoked], ['01', '0080', '00ffff']);
  t.equal(list.thisUpdateMs, Date.UTC(2026, 0, 1));
  t.equal(list.hasUnknownCritical, false);
  const endless = parseRevocationList(makeCrl(root, { nextUpdateMs: null }).der);
  t.equal('error' in endless ? 0 : endless.nextUpdateMs, Number.POSITIVE_INFINITY);
  t.end();
});

t.test('reads all lists of a PEM text', (t) => {
  const lists = parsePemRevocationLists(pem + root.pem + pem);
  t.equal('error' in lists ? 0 : lists.length, 2);
  t.same(parsePemRevocationLists(root.pem), { error: 'no revocation list in it', line: 1 });
  const wrong = `${root.pem}-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n`;
  t.same(parsePemRevocationLists(wrong), {
    error: 'expected tag 0x30, found the end',
    line: root.pem.split('\n').length,
  });
  t.end();
});

t.test('takes no list that was cut or has something behind it', (t) => {
  let taken = 0;
  for (let length = 0; length < der.length; length += 1) {
    if (errorOf(der.subarray(0, length)) === '') taken += 1;
  }
  t.equal(taken, 0);
  t.equal(errorOf(Buffer.concat([der, Buffer.from([0])])), 'data behind the end');
  t.equal(errorOf(root.der) === '', false, 'a certificate is no list');
  t.end();
});

t.test('never throws, whatever the octets', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < 5000; run += 1) {
    const octets = Buffer.from(der);
    for (let left = 1 + randomBelow(random, 3); left > 0; left -= 1) {
      octets[randomBelow(random, octets.length)] = randomBelow(random, 256);
    }
    try {
      parseRevocationList(octets);
    } catch (error) {
      t.fail(`seed ${seed}: ${String(error)}: ${octets.toString('hex')}`);
    }
  }
  t.end();
});
