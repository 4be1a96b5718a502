import t from 'tap';
import { plainScalar } from '../../../proxy/config/source/yaml-scalar.ts';

t.test('reads the words for nothing, true and false as Envoy does', (t) => {
  for (const text of ['', '~', 'null', 'Null', 'NULL']) t.equal(plainScalar(text), null, text);
  t.equal(plainScalar('nULL'), 'nULL');
  for (const text of ['y', 'Yes', 'TRUE', 'on', 'tRuE']) t.equal(plainScalar(text), true, text);
  for (const text of ['n', 'No', 'FALSE', 'oFF']) t.equal(plainScalar(text), false, text);
  t.equal(plainScalar('t'), 't');
  t.end();
});

t.test('reads decimal, hexadecimal and octal integers of 32 bits as numbers', (t) => {
  t.equal(plainScalar('12'), 12);
  t.equal(plainScalar('-12'), -12);
  t.equal(plainScalar('+5'), 5);
  t.equal(plainScalar('0x1F'), 31);
  t.equal(plainScalar('-0x10'), -16);
  t.equal(plainScalar('010'), 8);
  t.equal(plainScalar('0'), 0);
  t.equal(plainScalar('2147483647'), 2147483647);
  t.equal(plainScalar('-2147483648'), -2147483648);
  t.end();
});

t.test('keeps larger integers as decimal text', (t) => {
  t.equal(plainScalar('2147483648'), '2147483648');
  t.equal(plainScalar('0xFFFFFFFFFF'), '1099511627775');
  t.equal(plainScalar('-9223372036854775808'), '-9223372036854775808');
  t.equal(plainScalar('9223372036854775808'), '9223372036854775808');
  t.equal(plainScalar('0x8000000000000000'), '0x8000000000000000', 'beyond 64 bits: as written');
  t.end();
});

t.test('leaves fractions, and what only looks like an integer, as text', (t) => {
  for (const text of [
    '1.5',
    '1e3',
    '08',
    '0o10',
    '1_000',
    '.inf',
    '0x',
    '1s',
    '- 1',
    '127.0.0.1',
  ]) {
    t.equal(plainScalar(text), text);
  }
  t.end();
});
