// SPIFFE ids: exact octets, one form.
import t from 'tap';
import { parseSpiffeId } from '../../proxy/x509/spiffe-id.ts';

t.test('reads trust domain and path', (t) => {
  const read = { trustDomain: 'cluster.local', path: '/ns/default/sa/reviews_v1.2-x' };
  t.same(parseSpiffeId('spiffe://cluster.local/ns/default/sa/reviews_v1.2-x'), read);
  t.same(parseSpiffeId('spiffe://td'), { trustDomain: 'td', path: '' });
  t.same(parseSpiffeId('spiffe://td/Upper'), { trustDomain: 'td', path: '/Upper' });
  t.end();
});

const REFUSED: Readonly<Record<string, string>> = {
  '': 'does not start with spiffe://',
  'http://td/a': 'does not start with spiffe://',
  'SPIFFE://td/a': 'does not start with spiffe://',
  'spiffe:/td/a': 'does not start with spiffe://',
  'spiffe://': 'no trust domain',
  'spiffe:///a': 'no trust domain',
  'spiffe://TD/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://user@td/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://td:443/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://td?q': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://td%20/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://td\0/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
  'spiffe://td/': 'empty path segment',
  'spiffe://td//a': 'empty path segment',
  'spiffe://td/a/': 'empty path segment',
  'spiffe://td/./a': 'relative path segment',
  'spiffe://td/a/..': 'relative path segment',
  'spiffe://td/a?q': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://td/a#f': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://td/a%2fb': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://td/a,URI:spiffe': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://td/a\0': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://td/a\n': 'path of other characters than letters, digits, ".", "-", "_"',
  'spiffe://t\u00e4/a': 'trust domain of other characters than a-z, 0-9, ".", "-", "_"',
};

for (const [id, error] of Object.entries(REFUSED)) {
  t.test(`refuses ${JSON.stringify(id)}`, (t) => {
    t.same(parseSpiffeId(id), { error });
    t.end();
  });
}

t.test('refuses what is longer than an id may be', (t) => {
  t.ok('path' in parseSpiffeId(`spiffe://td/${'a'.repeat(2036)}`));
  t.same(parseSpiffeId(`spiffe://td/${'a'.repeat(2037)}`), { error: 'longer than 2048 octets' });
  const trustDomain = 'a'.repeat(256);
  t.same(parseSpiffeId(`spiffe://${trustDomain}/a`), {
    error: 'trust domain longer than 255 octets',
  });
  t.end();
});
