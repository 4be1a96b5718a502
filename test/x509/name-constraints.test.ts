// For which names an authority may speak.
import t from 'tap';
import { hidesHostName, nameConstraintError } from '../../proxy/x509/name-constraints.ts';
import {
  makeAuthority,
  makeCertificate,
  type TestAltName,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { integer, TAG, tlv } from '../support/der-writer.ts';
import { parsedCertificate } from '../support/validation.ts';

type Constraints = NonNullable<TestCertificateOptions['nameConstraints']>;

function errorOf(nameConstraints: Constraints, options: TestCertificateOptions): string {
  const authority = parsedCertificate(makeAuthority({ nameConstraints }));
  return nameConstraintError(parsedCertificate(makeCertificate(options)), authority);
}

/** Whether a name is inside of a permitted subtree; the excluded one must say the opposite. */
function isInside(tree: TestAltName, name: TestAltName): boolean {
  const permitted = errorOf({ permitted: [tree] }, { altNames: [name] });
  const excluded = errorOf({ excluded: [tree] }, { altNames: [name] });
  t.equal(excluded === '', permitted !== '', 'excluded is the opposite of permitted');
  return permitted === '';
}

t.test('hosts: the base and what is below it', (t) => {
  t.ok(isInside({ dns: 'example' }, { dns: 'example' }));
  t.ok(isInside({ dns: 'example' }, { dns: 'a.EXAMPLE' }));
  t.ok(isInside({ dns: '.example' }, { dns: 'a.example' }));
  t.ok(isInside({ dns: '' }, { dns: 'anything' }));
  t.notOk(isInside({ dns: 'example' }, { dns: 'badexample' }));
  t.notOk(isInside({ dns: '.example' }, { dns: 'example' }));
  t.end();
});

t.test('URIs: by host, without port, path and user', (t) => {
  t.ok(isInside({ uri: 'td' }, { uri: 'spiffe://td/a' }));
  t.ok(isInside({ uri: 'td' }, { uri: 'https://td:443/a' }));
  t.ok(isInside({ uri: '.td' }, { uri: 'spiffe://a.td' }));
  t.notOk(isInside({ uri: 'td' }, { uri: 'spiffe://a.td/b' }));
  t.notOk(isInside({ uri: 'td' }, { uri: 'spiffe://te/td' }));
  t.notOk(isInside({ uri: 'td' }, { uri: 'urn:td' }));
  t.end();
});

t.test('mailboxes: one, those of a host, those below a host', (t) => {
  t.ok(isInside({ email: 'a@host' }, { email: 'a@HOST' }));
  t.ok(isInside({ email: 'host' }, { email: 'a@host' }));
  t.ok(isInside({ email: '.host' }, { email: 'a@b.host' }));
  t.notOk(isInside({ email: 'a@host' }, { email: 'A@host' }));
  t.notOk(isInside({ email: 'host' }, { email: 'a@b.host' }));
  t.notOk(isInside({ email: 'host' }, { email: 'host' }));
  t.end();
});

t.test('addresses: by their mask', (t) => {
  const net: TestAltName = { ip: [10, 1, 0, 0, 255, 255, 0, 0] };
  t.ok(isInside(net, { ip: [10, 1, 9, 9] }));
  t.notOk(isInside(net, { ip: [10, 2, 0, 0] }));
  t.notOk(isInside(net, { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0] }));
  t.end();
});

t.test('subjects: by their beginning, whatever the case and the blanks', (t) => {
  const tree: TestAltName = { directory: [['O', 'Good  Inc']] };
  const say = (subject: TestCertificateOptions['subject']): string =>
    errorOf({ permitted: [tree] }, subject === undefined ? {} : { subject });
  t.equal(
    say([
      ['O', 'good inc'],
      ['CN', 'x'],
    ]),
    '',
  );
  t.equal(say([]), '');
  t.equal(
    say([
      ['CN', 'x'],
      ['O', 'good inc'],
    ]),
    'permitted subtree violation',
  );
  t.equal(say([['O', 'good']]), 'permitted subtree violation');
  t.end();
});

t.test('mailboxes in the subject count as well', (t) => {
  const subject = [['emailAddress', 'a@bad', TAG.ia5]] as const;
  t.equal(errorOf({ permitted: [{ email: 'good' }] }, { subject }), 'permitted subtree violation');
  t.end();
});

t.test('names of kinds that are not constrained are free, unknown constraints are not met', (t) => {
  const altNames: readonly TestAltName[] = [{ uri: 'spiffe://td/a' }];
  t.equal(errorOf({ permitted: [{ dns: 'example' }] }, { altNames }), '');
  const other: TestAltName = { otherOid: '1.2.3', value: integer(1) };
  t.equal(
    errorOf({ permitted: [other] }, { altNames: [other] }),
    'unsupported name constraint type',
  );
  t.end();
});

t.test('refuses constraints that are malformed', (t) => {
  const extension = { oid: '2.5.29.30', isCritical: true, value: tlv(TAG.null) };
  const authority = parsedCertificate(makeAuthority({ extensions: [extension] }));
  const text = 'invalid or inconsistent certificate extension';
  t.equal(nameConstraintError(parsedCertificate(makeCertificate()), authority), text);
  t.end();
});

t.test('gives up on more comparisons than anybody needs', (t) => {
  const many = Array.from({ length: 1100 }, (_, index) => ({ dns: `h${index}` }));
  t.equal(
    errorOf({ permitted: many }, { altNames: many }),
    'unspecified certificate verification error',
  );
  t.end();
});

t.test('knows common names that look like hosts', (t) => {
  const hides = (options: TestCertificateOptions): boolean =>
    hidesHostName(parsedCertificate(makeCertificate(options)));
  t.ok(hides({ subject: 'a.example' }));
  t.notOk(hides({ subject: 'not a host' }));
  t.notOk(hides({ subject: 'a.example', altNames: [{ dns: 'a' }] }));
  t.end();
});
