// Chains that we judge ourselves: every reason to refuse one, with its depth and words.
import t from 'tap';
import { parsePemRevocationLists, type RevocationList } from '../../proxy/x509/revocation-list.ts';
import { type ChainRules, ChainVerifier } from '../../proxy/x509/verify-chain.ts';
import {
  makeAuthority,
  makeCertificate,
  makeCrl,
  PURPOSE,
  type TestCertificate,
} from '../support/certificates.ts';
import { sequence, TAG, tlv } from '../support/der-writer.ts';
import { parsedCertificate } from '../support/validation.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const root = makeAuthority();
const intermediate = makeAuthority({ issuer: root, subject: 'intermediate' });
const leaf = makeCertificate({ issuer: root });

/** What a verifier says of a chain: `depth: text`, or `accepted`. */
function verdict(
  sent: readonly TestCertificate[],
  rules: Partial<ChainRules> = {},
  nowMs = NOW,
): string {
  const verifier = new ChainVerifier({
    trusted: [parsedCertificate(root)],
    revocationLists: [],
    onlyLeafCrl: false,
    allowsExpired: false,
    maxIntermediates: 99,
    role: 'client',
    ...rules,
  });
  const error = verifier.verify(sent.map(parsedCertificate), nowMs);
  return error === null ? 'accepted' : `${error.depth}: ${error.text}`;
}

function lists(...pems: readonly { readonly pem: string }[]): readonly RevocationList[] {
  const parsed = parsePemRevocationLists(pems.map(({ pem }) => pem).join(''));
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed;
}

t.test('accepts what an authority signed, directly and through another', (t) => {
  t.equal(verdict([leaf]), 'accepted');
  t.equal(verdict([makeCertificate({ issuer: intermediate }), intermediate]), 'accepted');
  for (const key of ['rsa2048', 'ec384', 'ed25519'] as const) {
    const other = makeAuthority({ key, subject: key });
    const trusted = [parsedCertificate(other)];
    t.equal(verdict([makeCertificate({ issuer: other })], { trusted }), 'accepted', key);
  }
  t.end();
});

t.test('takes a trusted certificate that is no root as the end of the chain', (t) => {
  const trusted = [parsedCertificate(intermediate)];
  t.equal(verdict([makeCertificate({ issuer: intermediate })], { trusted }), 'accepted');
  t.equal(verdict([leaf], { trusted: [parsedCertificate(leaf)] }), 'accepted');
  t.equal(verdict([leaf], { trusted }), '0: unable to get local issuer certificate');
  t.end();
});

t.test('refuses chains that lead nowhere', (t) => {
  const nowhere = 'unable to get local issuer certificate';
  const other = makeAuthority({ subject: 'somebody else' });
  t.equal(verdict([makeCertificate({ issuer: other })]), `0: ${nowhere}`);
  t.equal(verdict([makeCertificate({ issuer: other }), other]), `1: ${nowhere}`);
  t.equal(verdict([makeCertificate({ subject: 'self' })]), `0: ${nowhere}`);
  t.equal(verdict([makeCertificate({ issuer: intermediate })]), `0: ${nowhere}`);
  t.equal(verdict([]), `-1: ${nowhere}`);
  t.end();
});

t.test('refuses a signature of another key with the same name', (t) => {
  const impostor = makeAuthority({ keyLabel: 'impostor' });
  const forged = makeCertificate({ issuer: impostor });
  t.equal(verdict([forged]), '0: certificate signature failure');
  t.equal(verdict([forged, impostor]), '0: certificate signature failure');
  const forgedLower = makeAuthority({ issuer: impostor, subject: 'lower' });
  t.equal(
    verdict([makeCertificate({ issuer: forgedLower }), forgedLower]),
    '1: certificate signature failure',
  );
  t.end();
});

t.test('finds the key that signed among authorities of one name', (t) => {
  const renewed = makeAuthority({ keyLabel: 'renewed' });
  const trusted = [root, renewed].map(parsedCertificate);
  t.equal(verdict([leaf], { trusted }), 'accepted');
  t.equal(verdict([makeCertificate({ issuer: renewed })], { trusted }), 'accepted');
  const older = makeAuthority({ notBeforeMs: NOW - 3 * DAY_MS, notAfterMs: NOW - DAY_MS });
  t.equal(verdict([leaf], { trusted: [older, root].map(parsedCertificate) }), 'accepted');
  t.end();
});

t.test('refuses what is out of its time, also an authority', (t) => {
  const past = { notBeforeMs: NOW - 2 * DAY_MS, notAfterMs: NOW - DAY_MS };
  const future = { notBeforeMs: NOW + DAY_MS, notAfterMs: NOW + 2 * DAY_MS };
  const lapsed = makeAuthority({ issuer: root, subject: 'lapsed', ...past });
  const below = [makeCertificate({ issuer: lapsed }), lapsed];
  t.equal(verdict([makeCertificate({ issuer: root, ...past })]), '0: certificate has expired');
  t.equal(
    verdict([makeCertificate({ issuer: root, ...future })]),
    '0: certificate is not yet valid',
  );
  t.equal(verdict(below), '1: certificate has expired');
  const allowed = { allowsExpired: true };
  t.equal(verdict(below, allowed), 'accepted');
  t.equal(verdict([makeCertificate({ issuer: root, ...future })], allowed), 'accepted');
  t.end();
});

t.test('forgets that it accepted a chain when the time of a certificate ends', (t) => {
  const verifier = new ChainVerifier({
    trusted: [parsedCertificate(root)],
    revocationLists: [],
    onlyLeafCrl: false,
    allowsExpired: false,
    maxIntermediates: 99,
    role: 'server',
  });
  const chain = [parsedCertificate(makeCertificate({ issuer: root, notAfterMs: NOW + 60_000 }))];
  t.equal(verifier.verify(chain, NOW), null);
  t.equal(verifier.verify(chain, NOW + 50_000), null);
  t.same(verifier.verify(chain, NOW + 62_000), { depth: 0, text: 'certificate has expired' });
  t.same(verifier.verify(chain, NOW - 7_200_000), {
    depth: 1,
    text: 'certificate is not yet valid',
  });
  t.end();
});

t.test('refuses purposes that a certificate is not for', (t) => {
  const refused = 'unsupported certificate purpose';
  const of = (extendedKeyUsage: readonly string[]): readonly TestCertificate[] => [
    makeCertificate({ issuer: root, extendedKeyUsage }),
  ];
  t.equal(verdict(of([PURPOSE.server])), `0: ${refused}`);
  t.equal(verdict(of([PURPOSE.client])), 'accepted');
  t.equal(verdict(of([PURPOSE.client]), { role: 'server' }), `0: ${refused}`);
  t.equal(verdict(of([PURPOSE.codeSigning])), `0: ${refused}`);
  t.equal(verdict(of([PURPOSE.any])), `0: ${refused}`);
  t.equal(verdict([makeCertificate({ issuer: root, extendedKeyUsage: null })]), 'accepted');
  t.equal(verdict([makeCertificate({ issuer: root, keyUsage: [5] })]), `0: ${refused}`);
  t.equal(verdict([makeCertificate({ issuer: root, keyUsage: [2] })]), `0: ${refused}`);
  t.equal(
    verdict([makeCertificate({ issuer: root, keyUsage: [2] })], { role: 'server' }),
    'accepted',
  );
  const authority = makeAuthority({
    issuer: root,
    subject: 'servers only',
    extendedKeyUsage: [PURPOSE.server],
  });
  t.equal(verdict([makeCertificate({ issuer: authority }), authority]), `1: ${refused}`);
  t.end();
});

t.test('refuses issuers that are no authorities', (t) => {
  const plain = makeCertificate({ issuer: root, subject: 'plain', keyUsage: null });
  const noSigner = makeAuthority({ issuer: root, subject: 'no signer', keyUsage: [6] });
  t.equal(verdict([makeCertificate({ issuer: plain }), plain]), '1: invalid CA certificate');
  t.equal(
    verdict([makeCertificate({ issuer: noSigner }), noSigner]),
    '0: unable to get local issuer certificate',
  );
  t.equal(
    verdict([makeCertificate({ issuer: leaf }), leaf]),
    '0: unable to get local issuer certificate',
  );
  t.end();
});

t.test('counts the authorities below one with a path length', (t) => {
  const last = makeAuthority({ issuer: root, subject: 'last', pathLength: 0 });
  const below = makeAuthority({ issuer: last, subject: 'below' });
  t.equal(verdict([makeCertificate({ issuer: last }), last]), 'accepted');
  t.equal(
    verdict([makeCertificate({ issuer: below }), below, last]),
    '2: path length constraint exceeded',
  );
  t.end();
});

t.test('limits the certificates between leaf and authority', (t) => {
  const lower = makeAuthority({ issuer: intermediate, subject: 'lower' });
  const short = [makeCertificate({ issuer: intermediate }), intermediate];
  const long = [makeCertificate({ issuer: lower }), lower, intermediate];
  const nowhere = 'unable to get local issuer certificate';
  t.equal(verdict([leaf], { maxIntermediates: 0 }), 'accepted');
  t.equal(verdict(short, { maxIntermediates: 0 }), `1: ${nowhere}`);
  t.equal(verdict(short, { maxIntermediates: 1 }), 'accepted');
  t.equal(verdict(long, { maxIntermediates: 1 }), `2: ${nowhere}`);
  t.equal(verdict(long, { maxIntermediates: 2 }), 'accepted');
  t.end();
});

t.test('refuses critical extensions that it does not know', (t) => {
  const unknown = { oid: '1.2.3', value: tlv(TAG.null) };
  t.equal(verdict([makeCertificate({ issuer: root, extensions: [unknown] })]), 'accepted');
  t.equal(
    verdict([makeCertificate({ issuer: root, extensions: [{ ...unknown, isCritical: true }] })]),
    '0: unhandled critical extension',
  );
  t.end();
});

t.test('is not caught in a circle of authorities', (t) => {
  const one = makeAuthority({ issuer: makeAuthority({ subject: 'two' }), subject: 'one' });
  const two = makeAuthority({ issuer: one, subject: 'two' });
  t.match(verdict([makeCertificate({ issuer: one }), one, two]), /unable to get local issuer/);
  t.end();
});

t.test('refuses what is revoked, and what nobody says about', (t) => {
  const revoked = 'certificate revocation check against provided CRLs failed';
  const good = makeCertificate({ issuer: root, serial: 0x80 });
  const bad = makeCertificate({ issuer: root, serial: 0xff });
  const own = lists(makeCrl(root, { revoked: [bad] }));
  t.equal(verdict([good], { revocationLists: own }), 'accepted');
  t.equal(verdict([bad], { revocationLists: own }), `0: ${revoked}: certificate revoked`);
  const lower = [makeCertificate({ issuer: intermediate }), intermediate];
  t.equal(verdict(lower, { revocationLists: own }), `0: ${revoked}: unable to get certificate CRL`);
  const both = lists(makeCrl(root, { revoked: [intermediate] }), makeCrl(intermediate));
  t.equal(verdict(lower, { revocationLists: both }), `1: ${revoked}: certificate revoked`);
  t.equal(verdict(lower, { revocationLists: both, onlyLeafCrl: true }), 'accepted');
  t.end();
});

t.test(
  'believes no revocation list that is old, early, forged or more than it understands',
  (t) => {
    const prefix = '0: certificate revocation check against provided CRLs failed';
    const say = (crl: { readonly pem: string }): string =>
      verdict([leaf], { revocationLists: lists(crl) });
    const old = { thisUpdateMs: NOW - 2 * DAY_MS, nextUpdateMs: NOW - DAY_MS };
    t.equal(say(makeCrl(root, old)), `${prefix}: CRL has expired`);
    t.equal(say(makeCrl(root, { thisUpdateMs: NOW + DAY_MS })), `${prefix}: CRL is not yet valid`);
    t.equal(say(makeCrl(root, { nextUpdateMs: null })), 'accepted');
    const impostor = makeAuthority({ keyLabel: 'impostor' });
    t.equal(say(makeCrl(impostor)), `${prefix}: CRL signature failure`);
    const partial = { oid: '2.5.29.28', isCritical: true, value: sequence() };
    t.equal(
      say(makeCrl(root, { extensions: [partial] })),
      `${prefix}: unhandled critical CRL extension`,
    );
    const noSigner = makeAuthority({ subject: 'no crl', keyUsage: [5] });
    t.equal(
      verdict([makeCertificate({ issuer: noSigner })], {
        trusted: [parsedCertificate(noSigner)],
        revocationLists: lists(makeCrl(noSigner)),
      }),
      `${prefix}: key usage does not include CRL signing`,
    );
    t.end();
  },
);

t.test('refuses a digest of which collisions are made', (t) => {
  const certificate = parsedCertificate(leaf);
  const verifier = new ChainVerifier({
    trusted: [parsedCertificate(root)],
    revocationLists: [],
    onlyLeafCrl: false,
    allowsExpired: false,
    maxIntermediates: 9,
    role: 'client',
  });
  // Only its name: nothing here would sign with it any more.
  const weak = new Proxy(certificate, {
    get: (target, name) =>
      name === 'signatureAlgorithm' ? '1.2.840.113549.1.1.5' : Reflect.get(target, name, target),
  });
  t.same(verifier.verify([weak], NOW), {
    depth: 0,
    text: 'CA signature digest algorithm too weak',
  });
  t.end();
});

t.test('remembers the way to an authority, should the peer not show it again', (t) => {
  const verifier = new ChainVerifier({
    trusted: [parsedCertificate(root)],
    revocationLists: [],
    onlyLeafCrl: false,
    allowsExpired: false,
    maxIntermediates: 99,
    role: 'client',
  });
  const below = parsedCertificate(makeCertificate({ issuer: intermediate }));
  t.match(verifier.verify([below], NOW), { text: 'unable to get local issuer certificate' });
  t.equal(verifier.verify([below, parsedCertificate(intermediate)], NOW), null);
  t.equal(verifier.verify([below], NOW), null);
  t.end();
});
