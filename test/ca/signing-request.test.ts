import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { generateKey } from '../../proxy/ca/keys.ts';
import { makeSigningRequest, readSigningRequest } from '../../proxy/ca/signing-request.ts';
import { parsePem, toPem } from '../../proxy/x509/pem.ts';
import { NEEDS_OPENSSL, openssl, withFiles } from '../support/openssl.ts';

const ID = 'spiffe://example.org/ns/shop/sa/cart';

function errorOf(pem: string): string {
  const read = readSigningRequest(pem);
  return 'error' in read ? read.error : 'accepted';
}

for (const kind of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
  t.test(`a request with a key of ${kind} is read back`, async (t) => {
    const key = await generateKey(kind);
    const pem = makeSigningRequest({ key, names: [{ kind: 'uri', value: ID }] });
    const read = readSigningRequest(pem);
    if ('error' in read) throw new Error(read.error);
    t.same(read.subjectAltNames, [{ kind: 'uri', value: ID, oid: '' }]);
    t.equal(read.publicKey.asymmetricKeyType, kind.startsWith('rsa') ? 'rsa' : 'ec');
    t.equal(errorOf(makeSigningRequest({ key, names: [] })), 'accepted');
  });

  t.test(`openssl takes a request with a key of ${kind}`, NEEDS_OPENSSL, async (t) => {
    const key = await generateKey(kind);
    const pem = makeSigningRequest({ key, names: [{ kind: 'uri', value: ID }] });
    const { status, text } = openssl(['req', '-verify', '-noout', '-text'], pem);
    t.equal(status, 0, text);
    t.match(text, /verify OK/i);
    t.match(text, /X509v3 Subject Alternative Name: critical\s+URI:spiffe:\/\/example\.org/);
    t.match(text, /Subject: O\s?=/);
  });
}

t.test('requests that openssl made are read', NEEDS_OPENSSL, (t) => {
  withFiles({}, (path) => {
    for (const key of ['rsa:2048', 'ec -pkeyopt ec_paramgen_curve:P-256']) {
      const names = ['-subj', '/CN=x', '-addext', `subjectAltName=URI:${ID},DNS:a.b`];
      const how = ['req', '-new', '-nodes', '-newkey', ...key.split(' '), '-keyout', path('key')];
      const made = openssl([...how, ...names, '-out', path('csr')]);
      t.equal(made.status, 0, made.text);
      const { text } = openssl(['req', '-in', path('csr')]);
      const read = readSigningRequest(text);
      if ('error' in read) throw new Error(read.error);
      t.same(
        read.subjectAltNames.map(({ value }) => value),
        [ID, 'a.b'],
      );
    }
  });
  t.end();
});

t.test('a request that somebody changed is refused', async (t) => {
  const key = await generateKey('ec-p256');
  const pem = makeSigningRequest({ key, names: [{ kind: 'uri', value: ID }] });
  const blocks = parsePem(pem);
  const der = Buffer.from('error' in blocks ? '' : (blocks[0]?.der ?? ''));
  const at = der.indexOf('cart');
  der.write('root', at, 'latin1');
  t.equal(errorOf(toPem('CERTIFICATE REQUEST', der)), 'the signature is wrong');
});

t.test('rubbish is refused with a reason, cut anywhere or changed anywhere', async (t) => {
  const key = await generateKey('ec-p256');
  const pem = makeSigningRequest({ key, names: [{ kind: 'uri', value: ID }] });
  const blocks = parsePem(pem);
  const der = 'error' in blocks ? Buffer.alloc(0) : (blocks[0]?.der ?? Buffer.alloc(0));
  for (let length = 0; length < der.length; length += 1) {
    t.not(errorOf(toPem('CERTIFICATE REQUEST', der.subarray(0, length))), 'accepted');
  }
  for (let at = 0; at < der.length; at += 1) {
    const changed = Buffer.from(der);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    t.not(errorOf(toPem('CERTIFICATE REQUEST', changed)), 'accepted', `octet ${at}`);
  }
  t.equal(errorOf(''), 'no CERTIFICATE REQUEST in PEM');
  t.equal(errorOf('x'.repeat(70_000)), 'more than 65536 octets');
  t.equal(errorOf(toPem('CERTIFICATE', der)), 'no CERTIFICATE REQUEST in PEM');
  t.equal(errorOf(pem + pem), 'more than one PEM block');
});

t.test('weak and unknown keys are refused', (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  t.match(errorOf(makeSigningRequest({ key: weak, names: [] })), /RSA key of 1024 bits/);
  const odd = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  t.match(errorOf(makeSigningRequest({ key: odd, names: [] })), /EC key on secp256k1/);
  t.end();
});
