// Peers are judged by chain, names and pins, and every refusal has its counter and its words.
import { createHash } from 'node:crypto';
import t from 'tap';
import { compileSafeRegex, type SafeRegex } from '../../proxy/base/safe-regex.ts';
import type { ValidationSecret } from '../../proxy/model/secret.ts';
import { makePeerVerifier } from '../../proxy/tls/make-peer-verifier.ts';
import type { PeerEvidence } from '../../proxy/tls/peer-verifier.ts';
import type { PeerRole } from '../../proxy/x509/verify-chain.ts';
import {
  makeAuthority,
  makeCertificate,
  makeCrl,
  PURPOSE,
  type TestAltName,
  type TestCertificate,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { TAG, tlv } from '../support/der-writer.ts';
import { parsedCertificate, sanMatcher, validationOf } from '../support/validation.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const root = makeAuthority();
const impostor = makeAuthority({ keyLabel: 'impostor' });
const AT_0 = 'verify cert failed: X509_verify_cert: certificate verification error at depth 0: ';

function signed(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate({ issuer: root, ...options });
}

function named(...altNames: readonly TestAltName[]): TestCertificate {
  return signed({ altNames });
}

/** `stat: detail`, or `accepted`. */
function verdict(
  validation: ValidationSecret,
  shown: readonly TestCertificate[],
  more: Partial<PeerEvidence> & { readonly role?: PeerRole } = {},
): string {
  const { role = 'client', ...evidence } = more;
  const refusal = makePeerVerifier(validation, role).verify({
    chain: shown.map(parsedCertificate),
    chainError: '',
    chainErrorCode: '',
    expectedName: '',
    nowMs: NOW,
    ...evidence,
  });
  if (refusal === null) return 'accepted';
  return `${refusal.stat}: ${refusal.detail}${refusal.isTolerated ? ' (tolerated)' : ''}`;
}

t.test('refuses a peer without a certificate', (t) => {
  const text = 'fail_verify_no_cert: peer did not provide required client certificate';
  t.equal(verdict(validationOf([root]), []), text);
  t.end();
});

t.test('believes OpenSSL, and says at which depth', (t) => {
  const context = validationOf([root]);
  t.equal(verdict(context, [signed()]), 'accepted');
  const forged = makeCertificate({ issuer: impostor });
  const chainError = 'unable to verify the first certificate';
  t.equal(
    verdict(context, [forged], { chainError }),
    `fail_verify_error: ${AT_0}certificate signature failure`,
  );
  t.equal(
    verdict(context, [signed()], { chainError: 'certificate chain too long' }),
    `fail_verify_error: ${AT_0}certificate chain too long`,
    'also what we would accept',
  );
  t.end();
});

t.test('refuses a session that outlived its certificate', (t) => {
  const context = validationOf([root]);
  const nowMs = NOW + 2 * DAY_MS;
  t.equal(
    verdict(context, [signed()], { nowMs }),
    `fail_verify_error: ${AT_0}certificate has expired`,
  );
  t.equal(verdict({ ...context, allowsExpired: true }, [signed()], { nowMs }), 'accepted');
  t.end();
});

t.test('judges by itself where OpenSSL has no switch', (t) => {
  const past = signed({ notBeforeMs: NOW - 2 * DAY_MS, notAfterMs: NOW - DAY_MS });
  const chainError = 'certificate has expired';
  const lax = validationOf([root], { allowsExpired: true });
  t.equal(verdict(lax, [past], { chainError }), 'accepted');
  const forged = makeCertificate({ issuer: impostor });
  t.equal(verdict(lax, [forged]), `fail_verify_error: ${AT_0}certificate signature failure`);
  const middle = makeAuthority({ issuer: root, subject: 'middle' });
  const below = makeCertificate({ issuer: middle });
  t.equal(verdict(validationOf([middle]), [below], { chainError: 'partial' }), 'accepted');
  t.match(
    verdict(validationOf([root], { maxVerifyDepth: 1 }), [below, middle]),
    /at depth 1: unable to get local issuer certificate/,
  );
  const onlyLeaf = { crlPem: makeCrl(middle).pem, onlyVerifyLeafCrl: true };
  t.equal(verdict(validationOf([root], onlyLeaf), [below, middle]), 'accepted');
  t.match(verdict(validationOf([root], onlyLeaf), [signed()]), /unable to get certificate CRL/);
  t.end();
});

t.test('refuses a certificate for the other side', (t) => {
  const context = validationOf([root], { maxVerifyDepth: 5 });
  const refused = `fail_verify_error: ${AT_0}unsupported certificate purpose`;
  const servers = signed({ extendedKeyUsage: [PURPOSE.server] });
  const clients = signed({ extendedKeyUsage: [PURPOSE.client] });
  t.equal(verdict(context, [servers], { role: 'client' }), refused);
  t.equal(verdict(context, [servers], { role: 'server' }), 'accepted');
  t.equal(verdict(context, [clients], { role: 'server' }), refused);
  t.end();
});

t.test('matches names by kind and in every way', (t) => {
  const shown = named(
    { dns: 'a.example' },
    { uri: 'spiffe://td/a' },
    { email: 'm@example' },
    { ip: [10, 0, 0, 1] },
    { otherOid: '1.2.3', value: tlv(TAG.utf8, 'user') },
  );
  const say = (matcher: ReturnType<typeof sanMatcher>): boolean =>
    verdict(validationOf([root], { sanMatchers: [matcher] }), [shown]) === 'accepted';
  t.ok(say(sanMatcher('dns', 'A.Example')));
  t.ok(say(sanMatcher('uri', 'spiffe://td/', { kind: 'prefix' })));
  t.ok(say(sanMatcher('uri', '//td', { kind: 'contains' })));
  t.ok(say(sanMatcher('uri', '/A', { kind: 'suffix', ignoresCase: true })));
  t.ok(say(sanMatcher('email', 'm@example')));
  t.ok(say(sanMatcher('ip', '10.0.0.1')));
  t.ok(say(sanMatcher('other', 'user', { oid: '1.2.3' })));
  const regex = compileSafeRegex('spiffe://[a-z]+/a') as SafeRegex;
  t.ok(say(sanMatcher('uri', '', { kind: 'regex', regex })));
  t.notOk(say(sanMatcher('dns', 'spiffe://td/a')), 'another kind');
  t.notOk(say(sanMatcher('uri', 'spiffe://TD/a')), 'another case');
  t.notOk(say(sanMatcher('other', 'user', { oid: '1.2.4' })), 'another identifier');
  t.notOk(say(sanMatcher('uri', 'spiffe://td', { kind: 'exact' })), 'a part');
  t.end();
});

t.test('lets a wildcard stand for one whole label, the left-most', (t) => {
  const say = (pattern: string, host: string): boolean => {
    const sanMatchers = [sanMatcher('dns', host)];
    return verdict(validationOf([root], { sanMatchers }), [named({ dns: pattern })]) === 'accepted';
  };
  t.ok(say('*.example', 'a.example'));
  t.ok(say('*.EXAMPLE', 'A.example'));
  t.notOk(say('*.example', 'a.b.example'));
  t.notOk(say('*.example', 'example'));
  t.notOk(say('*.example', '.example'));
  t.notOk(say('a*.example', 'ab.example'));
  t.notOk(say('*a.example', 'ba.example'));
  t.notOk(say('a.*.example', 'a.b.example'));
  t.notOk(say('*', 'example'));
  t.end();
});

t.test('takes no name with a NUL, a control or another octet that is no text', (t) => {
  for (const bad of [
    'a.example\0',
    'a.example\n',
    'a.example\x7f',
    'a.example\xe9',
    'a.example\0.b',
  ]) {
    const sanMatchers = [sanMatcher('dns', 'a.example', { kind: 'prefix' })];
    const context = validationOf([root], { sanMatchers });
    t.match(verdict(context, [named({ dns: bad })]), /^fail_verify_san: .*certificate SANs are \[/);
    t.match(
      verdict(validationOf([root]), [named({ dns: bad })], { expectedName: bad }),
      /^fail_verify_san: .*verify SAN list/,
    );
  }
  t.end();
});

t.test('takes a comma for a part of the name it stands in', (t) => {
  const shown = named({ uri: 'spiffe://td/a, URI:spiffe://td/b' });
  const context = validationOf([root], { sanMatchers: [sanMatcher('uri', 'spiffe://td/b')] });
  t.equal(
    verdict(context, [shown]),
    'fail_verify_san: verify cert failed: SAN matcher, certificate SANs are [spiffe://td/a, URI:spiffe://td/b]',
  );
  t.end();
});

t.test('writes no control character and no endless list into a reason', (t) => {
  const context = validationOf([root], { sanMatchers: [sanMatcher('dns', 'x')] });
  t.match(verdict(context, [named({ dns: 'a\r\nb' })]), '[a\\x0d\\x0ab]');
  const many = Array.from({ length: 2000 }, (_, index) => ({ dns: `host-${index}.example` }));
  const text = verdict(context, [named(...many)]);
  t.ok(text.length < 8192);
  t.match(text, /, \.\.\.\]$/);
  t.end();
});

t.test('wants the name that was asked for', (t) => {
  const context = validationOf([root]);
  const shown = named({ dns: '*.example' }, { ip: [10, 0, 0, 1] });
  const role = 'server';
  t.equal(verdict(context, [shown], { role, expectedName: 'a.example' }), 'accepted');
  t.equal(verdict(context, [shown], { role, expectedName: '10.0.0.1' }), 'accepted');
  t.equal(
    verdict(context, [shown], { role, expectedName: 'a.test' }),
    'fail_verify_san: verify cert failed: verify SAN list, expected SANs: [a.test], certificate SANs: [*.example, 10.0.0.1]',
  );
  t.end();
});

t.test('takes one of the pinned certificates or keys', (t) => {
  const shown = signed();
  const { fingerprint256, publicKeyInfo } = parsedCertificate(shown);
  const keyHash = createHash('sha256').update(publicKeyInfo).digest('hex');
  const refused = 'fail_verify_cert_hash: verify cert failed: cert hash and spki';
  const other = '00'.repeat(32);
  t.equal(verdict(validationOf([], { certificateHashes: [fingerprint256] }), [shown]), 'accepted');
  t.equal(verdict(validationOf([], { publicKeyHashes: [other, keyHash] }), [shown]), 'accepted');
  t.equal(
    verdict(validationOf([], { certificateHashes: [other], publicKeyHashes: [keyHash] }), [shown]),
    'accepted',
  );
  t.equal(verdict(validationOf([], { certificateHashes: [other] }), [shown]), refused);
  t.equal(verdict(validationOf([], { publicKeyHashes: [other] }), [shown]), refused);
  t.end();
});

t.test('tolerates with ACCEPT_UNTRUSTED, but tells', (t) => {
  const context = validationOf([root], { acceptsUntrusted: true });
  const forged = makeCertificate({ issuer: impostor });
  t.match(verdict(context, [forged], { chainError: 'x' }), /^fail_verify_error.*\(tolerated\)$/);
  const sanMatchers = [sanMatcher('dns', 'x')];
  t.match(verdict({ ...context, sanMatchers }, [signed()]), /^fail_verify_san.*\(tolerated\)$/);
  t.notMatch(verdict(context, []), /tolerated/);
  t.end();
});

t.test('picks authorities by the trust domain, before it judges the chain', (t) => {
  const other = makeAuthority({ subject: 'other' });
  const trustDomains = new Map([
    ['td', [parsedCertificate(root)]],
    ['other', [parsedCertificate(other)]],
  ]);
  const context = validationOf([], { spiffe: { trustDomains } });
  const of = (uri: string, issuer: TestCertificate): readonly TestCertificate[] => [
    makeCertificate({ issuer, altNames: [{ uri }] }),
  ];
  t.equal(verdict(context, of('spiffe://td/a', root)), 'accepted');
  t.equal(verdict(context, of('spiffe://other/a', other)), 'accepted');
  t.match(verdict(context, of('spiffe://td/a', other)), /unable to get local issuer certificate/);
  const noBundle = 'fail_verify_error: verify cert failed: no trust bundle store';
  t.equal(verdict(context, of('spiffe://elsewhere/a', root)), noBundle);
  for (const uri of ['spiffe://td', 'spiffe://TD/a', 'spiffe://td//a', 'spiffe://u@td/a']) {
    t.equal(verdict(context, of(uri, root)), noBundle, uri);
  }
  const two = named({ uri: 'spiffe://td/a' }, { uri: 'spiffe://td/b' });
  t.match(verdict(context, [two]), /cert precheck: 2 URI SANs/);
  t.equal(makePeerVerifier(context, 'client').trustedCaPem, root.pem + other.pem);
  t.end();
});

t.test('says whether it judges at all', (t) => {
  const judges = (validation: ValidationSecret): boolean =>
    makePeerVerifier(validation, 'client').validates;
  t.equal(judges(validationOf([])), false);
  t.equal(judges(validationOf([root])), true);
  t.equal(judges(validationOf([], { certificateHashes: ['00'.repeat(32)] })), true);
  t.end();
});
