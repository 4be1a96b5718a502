// Certificates of clients and servers with all that is told of them: names of every kind, several of
// each, characters that formats give a meaning to, and none at all.
import {
  makeAuthority,
  makeCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from './certificates.ts';
import { TAG, tlv } from './der-writer.ts';

/** Signs all of them, one by way of an intermediate. */
export const identityRoot = makeAuthority({
  subject: [
    ['O', 'Test, Inc.'],
    ['CN', 'root "r"'],
  ],
});
const middle = makeAuthority({ issuer: identityRoot, subject: 'middle' });

function leaf(options: TestCertificateOptions): TestCertificate {
  return makeCertificate({ issuer: identityRoot, ...options });
}

/** Our own certificates: one with every kind of name, one with none. */
export const serverIdentities = {
  named: leaf({
    subject: 'server',
    altNames: [
      { uri: 'spiffe://td/server' },
      { dns: 'server.test' },
      { dns: 'b.test' },
      { uri: 'spiffe://td/other' },
      { ip: [10, 0, 0, 1] },
      { email: 's@x' },
      { otherOid: '1.2.3.4', value: tlv(TAG.utf8, 'user') },
    ],
  }),
  bare: leaf({ subject: 'bare server' }),
};

/** What clients show; null: nothing. */
export const clientIdentities: Readonly<Record<string, TestCertificate | null>> = {
  none: null,
  named: leaf({
    subject: [
      ['C', 'US'],
      ['O', 'Acme, "Co"'],
      [
        ['OU', 'a+b'],
        ['CN', 'x;y'],
      ],
    ],
  }),
  workload: leaf({ subject: [], altNames: [{ uri: 'spiffe://td/ns/a/sa/b' }] }),
  chained: makeCertificate({
    issuer: middle,
    subject: [['CN', 'back\\sl"ash \xc3\xbc']],
    altNames: [
      { uri: 'spiffe://td/a=b?c' },
      { uri: 'spiffe://td/two' },
      { dns: 'a.test' },
      { dns: '*.a.test' },
      { ip: [10, 0, 0, 1] },
      { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
      { email: 'm@a' },
      { email: 'n@a' },
      { otherOid: '1.2.3.4', value: tlv(TAG.utf8, 'user') },
    ],
  }),
};

/** Names that would say something else if they were written as they are. */
export const trickyIdentity = leaf({
  subject: 'tricky',
  altNames: [{ uri: 'spiffe://td/x;URI=spiffe://td/admin' }, { dns: 'a,"b' }, { uri: 'a\r\nb: c' }],
});
