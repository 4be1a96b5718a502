import t from 'tap';
import { reasonPhrase } from '../../proxy/http/status.ts';
import { isFieldName, isFieldValue, isTargetText } from '../../proxy/http/validation.ts';

t.test('tells field names from what would break a line', async (t) => {
  for (const name of ['a', 'X-Y', "!#$%&'*+-.^_`|~09"]) t.equal(isFieldName(name), true, name);
  for (const name of ['', ' ', 'a b', 'a:', 'a\r\n', 'é', 'a\0']) t.equal(isFieldName(name), false);
});

t.test('tells field values from what would break a line or not fit latin1', async (t) => {
  for (const value of ['', 'a b\tc', '\x80\xff']) t.equal(isFieldValue(value), true);
  for (const value of ['\r', '\n', '\0', '\x7f', '\x1b', '\u010a', '\u20ac']) {
    t.equal(isFieldValue(value), false, JSON.stringify(value));
  }
});

t.test('tells request targets from what would break the line', async (t) => {
  for (const target of ['/', '/a?b=%20', '*']) t.equal(isTargetText(target), true);
  for (const target of ['', '/ ', '/#', '/\xe9', '/\r\n', '/\x7f', '/\u010a']) {
    t.equal(isTargetText(target), false, JSON.stringify(target));
  }
});

t.test('names statuses as Envoy does', async (t) => {
  t.equal(reasonPhrase(200), 'OK');
  t.equal(reasonPhrase(413), 'Payload Too Large');
  t.equal(reasonPhrase(431), 'Request Header Fields Too Large');
  t.equal(reasonPhrase(418), 'Unknown');
});
