import t from 'tap';
import { isKnownMethod, knownMethodAt } from '../../proxy/http/methods.ts';

t.test('knows the methods of the fixed list, in their case', async (t) => {
  for (const method of [
    'GET',
    'HEAD',
    'M-SEARCH',
    'PURGE',
    'SOURCE',
    'UNSUBSCRIBE',
    'MKCALENDAR',
  ]) {
    t.equal(isKnownMethod(method), true);
    t.equal(knownMethodAt(Buffer.from(` ${method} /`), 1, method.length), method);
  }
  for (const method of ['get', 'BREW', 'GE', 'GETS', 'G', 'PUX']) {
    t.equal(isKnownMethod(method), false);
    t.equal(knownMethodAt(Buffer.from(` ${method} /`), 1, method.length), '');
  }
  const long = `G${'E'.repeat(18)}`;
  t.equal(knownMethodAt(Buffer.from(long), 0, long.length), '', 'the same length modulo 16');
});
