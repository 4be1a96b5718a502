// Who a client is, by its certificate: as Envoy, URI names, then DNS names, then the subject.
import t from 'tap';
import {
  AuthenticatedPredicate,
  ValidatedPeerPredicate,
} from '../../../proxy/filters/rbac/connection-predicates.ts';
import type { RbacSubject } from '../../../proxy/filters/rbac/rbac-subject.ts';
import type { TlsInfo } from '../../../proxy/http/tls-info.ts';
import type { StringMatchConfig } from '../../../proxy/model/route-match.ts';
import type { Certificate, SubjectAltName } from '../../../proxy/x509/certificate.ts';
import { exchange, requestHead } from '../../support/route-fixtures.ts';
import { tlsInfo } from '../../support/tls-info.ts';

const SPIFFE = 'spiffe://cluster.local/ns/a/sa/b';

function exact(text: string): StringMatchConfig {
  return { kind: 'exact', text, ignoreCase: false };
}

function name(kind: SubjectAltName['kind'], value: string): SubjectAltName {
  return { kind, value, oid: '' };
}

function certificate(subject: string, ...subjectAltNames: readonly SubjectAltName[]): Certificate {
  return { subject, subjectAltNames } as unknown as Certificate;
}

function subjectWith(tls: TlsInfo | null): RbacSubject {
  const { info } = exchange(requestHead());
  Object.assign(info.downstream, { tls });
  return { head: null, info, path: null, routeMetadata: null };
}

function of(peer: Certificate, isPeerValidated = true): RbacSubject {
  return subjectWith(tlsInfo({ peerChain: [peer], isPeerValidated }));
}

function isNamed(peer: Certificate, text: string): boolean {
  return new AuthenticatedPredicate(exact(text)).matches(of(peer));
}

t.test('clear text is nobody, whatever is asked', async (t) => {
  const everything = { kind: 'prefix', text: '', ignoreCase: false } as const;
  t.equal(new AuthenticatedPredicate(null).matches(subjectWith(null)), false);
  t.equal(new AuthenticatedPredicate(everything).matches(subjectWith(null)), false);
  t.equal(new AuthenticatedPredicate(exact('')).matches(subjectWith(null)), false);
  t.equal(new ValidatedPeerPredicate(null).matches(subjectWith(null)), false);
});

t.test('without a name to match TLS is enough', async (t) => {
  t.equal(new AuthenticatedPredicate(null).matches(subjectWith(tlsInfo())), true);
});

t.test('a client without certificate has the empty name', async (t) => {
  t.equal(new AuthenticatedPredicate(exact('')).matches(subjectWith(tlsInfo())), true);
  t.equal(new AuthenticatedPredicate(exact(SPIFFE)).matches(subjectWith(tlsInfo())), false);
});

t.test('any URI name, any DNS name, or the subject may match', async (t) => {
  const peer = certificate('CN=c', name('dns', 'd1'), name('uri', 'u1'), name('uri', SPIFFE));
  for (const text of ['u1', SPIFFE, 'd1', 'CN=c']) t.equal(isNamed(peer, text), true, text);
  for (const text of ['', 'u', 'c', 'd2']) t.equal(isNamed(peer, text), false, text);
});

t.test('names of other kinds are no principals', async (t) => {
  const peer = certificate('', name('email', SPIFFE), name('ip', '1.2.3.4'), name('other', 'o'));
  for (const text of [SPIFFE, '1.2.3.4', 'o']) t.equal(isNamed(peer, text), false, text);
});

t.test('a NUL or comma inside of a name ends nothing and begins nothing', async (t) => {
  t.equal(isNamed(certificate('', name('uri', `${SPIFFE}\0.evil`)), SPIFFE), false);
  t.equal(isNamed(certificate('', name('uri', `x,${SPIFFE}`)), SPIFFE), false);
  t.equal(isNamed(certificate('CN=a\\,URI:x'), 'x'), false);
});

t.test('case counts unless it is said that it does not', async (t) => {
  t.equal(isNamed(certificate('', name('uri', SPIFFE.toUpperCase())), SPIFFE), false);
  const any = new AuthenticatedPredicate({ kind: 'exact', text: 'x', ignoreCase: true });
  t.equal(any.matches(of(certificate('', name('dns', 'X')))), true);
});

t.test('what one connection proved is not believed of another', async (t) => {
  const predicate = new AuthenticatedPredicate(exact(SPIFFE));
  const good = of(certificate('', name('uri', SPIFFE)));
  const bad = of(certificate('', name('uri', 'spiffe://other')));
  const found = [good, bad, good, subjectWith(tlsInfo()), good, subjectWith(null), bad];
  t.same(
    found.map((subject) => predicate.matches(subject)),
    [true, false, true, false, true, false, false],
  );
});

t.test('mtls_authenticated believes verified certificates alone', async (t) => {
  const peer = certificate('', name('uri', SPIFFE));
  const match = { kind: 'exact', text: SPIFFE, regex: null, ignoresCase: false } as const;
  const named = new ValidatedPeerPredicate([{ kind: 'uri', oid: '', match }]);
  const other = new ValidatedPeerPredicate([{ kind: 'dns', oid: '', match }]);
  const anybody = new ValidatedPeerPredicate(null);
  t.equal(anybody.matches(of(peer)), true);
  t.equal(anybody.matches(of(peer, false)), false);
  t.equal(named.matches(of(peer)), true);
  t.equal(named.matches(of(peer, false)), false);
  t.equal(other.matches(of(peer)), false);
  t.equal(anybody.matches(subjectWith(tlsInfo({ isPeerValidated: true }))), false);
});
