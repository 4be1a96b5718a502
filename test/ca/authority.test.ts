import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { Authority, makeAuthorities } from '../../proxy/ca/authority.ts';
import type { WantedName } from '../../proxy/ca/identity.ts';
import { generateKey, type KeyKind, keyPem } from '../../proxy/ca/keys.ts';
import { KEY_USAGE } from '../../proxy/x509/certificate.ts';
import { ChainVerifier } from '../../proxy/x509/verify-chain.ts';
import { NEEDS_OPENSSL, openssl, withFiles } from '../support/openssl.ts';

const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
const DAY_MS = 86_400_000;
const NAMES: readonly WantedName[] = [
  { kind: 'uri', value: 'spiffe://example.org/ns/shop/sa/cart' },
  { kind: 'dns', value: 'cart.shop.svc' },
  { kind: 'ip', value: '10.1.2.3' },
  { kind: 'ip', value: '2001:db8::7' },
];

async function newAuthority(keyKind: KeyKind) {
  const made = await makeAuthorities({
    ...{ trustDomain: 'example.org', keyKind, nowMs: NOW_MS },
    ...{ rootLifetimeMs: 100 * DAY_MS, intermediateLifetimeMs: 10 * DAY_MS },
  });
  const { root, intermediate } = made;
  const parts = { key: intermediate.key, roots: [root.certificate] };
  const authority = new Authority({ ...parts, chain: [intermediate.certificate] });
  return { ...made, authority };
}

for (const keyKind of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
  t.test(`a workload's certificate leads to the root, with keys of ${keyKind}`, async (t) => {
    const { root, intermediate, authority } = await newAuthority(keyKind);
    const key = await generateKey(keyKind);
    const wish = { key, names: NAMES, lifetimeMs: DAY_MS, nowMs: NOW_MS };
    const { certificate, chainPem, rootPem } = authority.issue(wish);
    t.same(
      certificate.subjectAltNames.map(({ kind, value }) => ({ kind, value })),
      NAMES,
    );
    t.equal(certificate.subject, '');
    t.equal(certificate.notBeforeMs, NOW_MS - 120_000);
    t.equal(certificate.notAfterMs, NOW_MS + DAY_MS);
    t.match(certificate.serialNumber, /^[4-7][0-9a-f]{31}$/);
    const bits = keyKind === 'rsa-2048' ? KEY_USAGE.keyEncipherment : 0;
    t.equal(certificate.keyUsage, KEY_USAGE.digitalSignature | bits);
    t.equal(intermediate.certificate.pathLength, 0);
    t.equal(rootPem, root.certificate.pem);
    t.equal(chainPem, certificate.pem + intermediate.certificate.pem);
    const rules = { revocationLists: [], onlyLeafCrl: false, allowsExpired: false };
    for (const role of ['client', 'server'] as const) {
      const trusted = [root.certificate];
      const verifier = new ChainVerifier({ ...rules, trusted, maxIntermediates: 1, role });
      t.equal(verifier.verify([certificate, intermediate.certificate], NOW_MS), null);
    }
  });

  t.test(`openssl verifies what keys of ${keyKind} signed, strictly`, NEEDS_OPENSSL, async (t) => {
    const { authority } = await newAuthority(keyKind);
    const key = await generateKey(keyKind);
    const issued = authority.issue({ key, names: NAMES, lifetimeMs: DAY_MS, nowMs: NOW_MS });
    const files = { 'root.pem': issued.rootPem, 'chain.pem': issued.chainPem };
    withFiles(files, (path) => {
      const trust = ['-x509_strict', '-CAfile', path('root.pem'), '-untrusted', path('chain.pem')];
      for (const purpose of ['sslserver', 'sslclient']) {
        const how = ['-purpose', purpose, '-verify_ip', '10.1.2.3', path('chain.pem')];
        const { status, text } = openssl(['verify', ...trust, ...how]);
        t.equal(status, 0, text);
      }
      const own = openssl([
        'verify',
        '-x509_strict',
        '-CAfile',
        path('root.pem'),
        path('root.pem'),
      ]);
      t.equal(own.status, 0, own.text);
    });
    const { text } = openssl(['x509', '-noout', '-text'], issued.certificate.pem);
    t.match(text, /Subject Alternative Name: critical/);
    t.match(text, /TLS Web Server Authentication, TLS Web Client Authentication/);
    t.match(text, /CA:FALSE/);
    t.notMatch(keyPem(key, 'traditional'), keyPem(key));
  });
}

t.test('no certificate outlives its authority', async (t) => {
  const { authority, intermediate } = await newAuthority('ec-p256');
  const key = await generateKey('ec-p256');
  const wish = { key, names: NAMES, lifetimeMs: 365 * DAY_MS, nowMs: NOW_MS };
  const { certificate } = authority.issue(wish);
  t.equal(certificate.notAfterMs, intermediate.certificate.notAfterMs);
});

t.test('an authority is read from its files, and refused with the reason', async (t) => {
  const { authority, root, intermediate } = await newAuthority('ec-p256');
  const good = {
    keyPem: keyPem(intermediate.key),
    chainPem: intermediate.certificate.pem,
    rootPem: root.certificate.pem,
  };
  const read = Authority.read(good);
  if ('error' in read) throw new Error(read.error);
  t.equal(read.certificate.fingerprint256, intermediate.certificate.fingerprint256);
  const key = await generateKey('ec-p256');
  const leaf = authority.issue({ key, names: NAMES, lifetimeMs: DAY_MS, nowMs: NOW_MS });
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const bad = [
    [{ keyPem: 'no key' }, /the key: no private key in PEM/],
    [{ keyPem: keyPem(small) }, /RSA key of 1024 bits: at least 2048/],
    [{ keyPem: keyPem(key) }, /does not belong/],
    [{ keyPem: keyPem(key), chainPem: leaf.certificate.pem }, /not that of an authority/],
    [{ chainPem: good.keyPem }, /the certificate, line 1: no certificate in it/],
    [{ rootPem: '' }, /the root, line 1: no certificate in it/],
  ] as const;
  for (const [change, expected] of bad) {
    const refused = Authority.read({ ...good, ...change });
    t.match('error' in refused ? refused.error : 'accepted', expected);
  }
});

t.test('times behind 2049 and high serials are written as RFC 5280 wants them', async (t) => {
  const { root } = await makeAuthorities({
    ...{ trustDomain: 'example.org', keyKind: 'ec-p256', nowMs: Date.UTC(2049, 11, 31) },
    ...{ rootLifetimeMs: 2 * DAY_MS, intermediateLifetimeMs: DAY_MS },
  });
  t.equal(root.certificate.notAfterMs, Date.UTC(2050, 0, 2));
  const { validToDate } = root.certificate.native as unknown as { validToDate?: Date };
  if (validToDate !== undefined) t.equal(validToDate.getTime(), Date.UTC(2050, 0, 2));
});
