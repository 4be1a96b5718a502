import t from 'tap';
import { cookieValue } from '../../proxy/http/cookie.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';

function sid(...lines: readonly string[]): string | null {
  return cookieValue(HeaderList.of(...lines.flatMap((line) => ['cookie', line])), 'sid');
}

t.test('finds the first cookie of the name, on any line', async (t) => {
  t.equal(sid('sid=1'), '1');
  t.equal(sid('a=b; sid=1; sid=2'), '1');
  t.equal(sid('a=b;sid=1'), '1');
  t.equal(sid('a=b', 'sid=2'), '2');
  t.equal(sid('sid;   sid=3'), '3');
  t.equal(sid('sid=='), '=');
  t.equal(sid('sid='), '');
});

t.test('takes names as they are written, and nothing for a cookie', async (t) => {
  t.equal(sid(), null);
  t.equal(sid(''), null);
  t.equal(sid(';;'), null);
  t.equal(sid('xsid=1; SID=2; sid =3; sid'), null);
});

t.test('takes off the quotes around a value, and no blanks behind it', async (t) => {
  t.equal(sid('sid="1"'), '1');
  t.equal(sid('sid=""'), '');
  t.equal(sid('sid="1'), '"1');
  t.equal(sid('sid="'), '"');
  t.equal(sid('sid=1 ; a=b'), '1 ');
});
