import t from 'tap';
import { inOctets } from '../../proxy/formatter/octets-value.ts';

t.test('texts and keys become octets at any depth; all else stays', (t) => {
  const value = { ü: ['é', 1, null, { a: '€' }], b: true };
  t.same(inOctets(value), {
    '\xc3\xbc': ['\xc3\xa9', 1, null, { a: '\xe2\x82\xac' }],
    b: true,
  });
  t.equal(inOctets('plain'), 'plain');
  t.equal(inOctets(1.5), 1.5);
  t.equal(inOctets(null), null);
  t.end();
});
