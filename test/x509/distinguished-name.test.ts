// Names are printed by RFC 2253, and text that is none is refused.
import t from 'tap';
import { commonNameOf, parseName, printName } from '../../proxy/x509/distinguished-name.ts';
import { encodeName, type TestName } from '../support/certificates.ts';
import { oid, sequence, setOf, TAG, tlv } from '../support/der-writer.ts';

function printed(name: TestName): string | null {
  const parsed = parseName(encodeName(name));
  return parsed === null ? null : printName(parsed);
}

t.test('prints the last attribute first, values of one set with a plus', (t) => {
  const name: TestName = [
    ['C', 'CH'],
    [
      ['O', 'a'],
      ['OU', 'b'],
    ],
    ['CN', 'c'],
  ];
  t.equal(printed(name), 'CN=c,OU=b+O=a,C=CH');
  t.equal(printed([]), '');
  t.end();
});

t.test('escapes what would end or hide a value', (t) => {
  t.equal(printed([['CN', 'a,CN=b+c']]), 'CN=a\\,CN=b\\+c');
  t.equal(printed([['CN', ' #"\\<>; ']]), 'CN=\\ #\\"\\\\\\<\\>\\;\\ ');
  t.equal(printed([['CN', '# ']]), 'CN=\\#\\ ');
  t.equal(printed([['CN', 'a\0\n\x7f']]), 'CN=a\\00\\0A\\7F');
  t.equal(printed([['CN', '\xc3\xa9']]), 'CN=\\C3\\A9');
  t.end();
});

t.test('prints types that it does not know, and values that are no text, as they are', (t) => {
  t.equal(printed([['1.2.3.4', 'x']]), '1.2.3.4=#0C0178');
  t.equal(printed([['CN', '\0x', TAG.bitString]]), 'CN=#03020078');
  t.end();
});

t.test('refuses text that is none', (t) => {
  t.equal(printed([['CN', '\xff', TAG.utf8]]), null);
  t.equal(printed([['CN', '\xed\xa0\x80', TAG.utf8]]), null, 'a surrogate');
  t.equal(printed([['CN', '\xef\xbf\xbf', TAG.utf8]]), null, 'no character');
  t.equal(printed([['CN', 'abc', TAG.bmp]]), null);
  t.equal(printed([['CN', '\xd8\x3d\xde\x00', TAG.bmp]]), null);
  t.equal(printed([['CN', '\0\x11\0\0', TAG.universal]]), null);
  t.equal(printed([['CN', 'x', TAG.octetString]]), null);
  t.equal(printed([[]]), null, 'an empty set');
  t.end();
});

t.test('refuses attributes with something behind their value', (t) => {
  const pair = sequence(oid('2.5.4.3'), tlv(TAG.utf8, 'a'), tlv(TAG.utf8, 'b'));
  t.equal(parseName(sequence(setOf(pair))), null);
  t.end();
});

t.test('finds the first common name', (t) => {
  const name =
    parseName(
      encodeName([
        ['O', 'o'],
        ['CN', 'one'],
        ['CN', 'two'],
      ]),
    ) ?? [];
  t.equal(commonNameOf(name), 'one');
  t.equal(commonNameOf([]), '');
  t.end();
});
