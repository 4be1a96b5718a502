import t from 'tap';
import { DEFAULT_H1_SERVER_OPTIONS } from '../../proxy/http/h1/options.ts';
import { RequestDecoder } from '../../proxy/http/h1/request-decoder.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { HEADER_ID, headerMask, properCase } from '../../proxy/http/header-names.ts';

/** A list as the codec makes it. */
function parsed(...lines: readonly string[]): HeaderList {
  const head = Buffer.from(`GET / HTTP/1.1\r\nHost: h\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const decoder = new RequestDecoder(DEFAULT_H1_SERVER_OPTIONS);
  decoder.reset();
  decoder.read(head, 0, head.length);
  const request = decoder.take();
  if (request === null) throw new Error(decoder.error?.reason);
  return request.headers;
}

/** The same fields, parsed and added. */
function both(...pairs: readonly string[]): HeaderList[] {
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += 2) lines.push(`${pairs[at]}: ${pairs[at + 1]}`);
  return [parsed(...lines), HeaderList.of(...pairs)];
}

t.test('finds fields by id and by name, parsed or added', async (t) => {
  for (const list of both(
    'accept-language',
    'a',
    'x-own',
    'b',
    'accept-language',
    'c',
    'x-forwarded-for',
    'd',
  )) {
    t.equal(list.get(HEADER_ID['accept-language']), 'a');
    t.equal(list.get(HEADER_ID.cookie), null);
    t.equal(list.get(HEADER_ID['x-forwarded-for']), 'd');
    t.equal(list.getByName('accept-language'), 'a');
    t.equal(list.getByName('x-own'), 'b');
    t.equal(list.getByName('x-other'), null);
    t.same(list.values('accept-language'), ['a', 'c']);
    t.equal(list.countKnown(HEADER_ID['accept-language']), 2);
    t.equal(list.countKnown(HEADER_ID.cookie), 0);
    t.equal(list.mayHave(HEADER_ID['x-forwarded-for']), true);
    t.equal(list.mayHave(HEADER_ID.cookie), false);
    t.equal(list.mayHaveAny(headerMask('cookie', 'x-forwarded-for')), true);
    t.equal(list.mayHaveAny(headerMask('cookie', 'x-forwarded-host')), false);
    t.equal(list.count(), 4);
    t.equal(list.byteSize(), 15 + 1 + 5 + 1 + 15 + 1 + 15 + 1);
  }
});

t.test('removes every field of a name, parsed or added', async (t) => {
  for (const list of both(
    'accept-language',
    'a',
    'x-own',
    'b',
    'accept-language',
    'c',
    'x-own',
    'd',
    'via',
    'e',
  )) {
    list.remove('accept-language');
    list.remove('x-own');
    list.remove('x-none');
    list.remove('cookie');
    t.equal(list.toFieldLines(), 'via: e\r\n');
    t.equal(list.mayHave(HEADER_ID['accept-language']), false);
    t.equal(list.getByName('x-own'), null);
    list.removeAny(headerMask('via', 'te'));
    list.removeAny(headerMask('via', 'te'));
    t.equal(list.toFieldLines(), '');
    t.equal(list.count(), 0);
  }
});

t.test('sets fields behind the others', async (t) => {
  for (const list of both('accept-language', 'a', 'x-own', 'b', 'via', 'c')) {
    list.set('accept-language', '1');
    list.setKnown(HEADER_ID.via, '2');
    list.set('x-own', '3');
    list.add('x-own', '4');
    list.addKnown(HEADER_ID.date, '5');
    t.equal(
      list.toFieldLines(),
      'accept-language: 1\r\nvia: 2\r\nx-own: 3\r\nx-own: 4\r\ndate: 5\r\n',
    );
    t.equal(list.get(HEADER_ID.via), '2');
  }
});

t.test('rewrites lines with unusual white space and keeps the others', async (t) => {
  const list = parsed('A:1', 'B:  2', 'C: 3 ', 'D:\t4', 'E: 5', 'F: 6', 'G:', 'H: ');
  t.equal(list.toFieldLines(), 'a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\nf: 6\r\ng: \r\nh: \r\n');
});

t.test('writes what is left of runs of untouched lines', async (t) => {
  for (let removed = 0; removed < 32; removed += 1) {
    const list = parsed('a: 0', 'b: 1', 'c: 2', 'd: 3', 'e: 4');
    let expected = '';
    for (let index = 0; index < 5; index += 1) {
      if ((removed >> index) & 1) list.remove('abcde'.charAt(index));
      else expected += `${'abcde'.charAt(index)}: ${index}\r\n`;
    }
    t.equal(list.toFieldLines(), expected);
  }
});

t.test('iterates over positions; a removed field has no name', async (t) => {
  const list = parsed('a: 1', 'via: 2');
  list.add('c', '3');
  list.remove('a');
  const seen: string[] = [];
  for (let at = 0; at < list.length; at += 1) seen.push(`${list.nameAt(at)}=${list.valueAt(at)}`);
  t.same(seen, ['=1', 'via=2', 'c=3']);
});

t.test('writes names in proper case', async (t) => {
  const list = parsed('content-type: a', 'x-b3-traceid: b', 'x-own!y_z: c');
  list.add('www-authenticate', 'd');
  list.remove('x-b3-traceid');
  t.equal(list.toProperCaseLines(), 'Content-Type: a\r\nX-Own!Y_Z: c\r\nWww-Authenticate: d\r\n');
  t.equal(properCase('x-b3-traceid'), 'X-B3-Traceid');
});

t.test('knows every known name when it is parsed', async (t) => {
  for (const [name, id] of Object.entries(HEADER_ID)) {
    if (['host', 'expect', 'transfer-encoding', 'content-length'].includes(name)) continue;
    const list = parsed(`${name.toUpperCase()}: x`, `${name}y: z`);
    t.equal(list.get(id), 'x', name);
    t.equal(list.getByName(`${name}y`), 'z', name);
  }
});

t.test('refuses to add what could not stand on the wire', async (t) => {
  const list = HeaderList.of('a', 'x');
  for (const value of ['b\r\nc: d', '\u010a', '\0']) {
    list.add('accept-language', value);
    list.add('x-own', value);
  }
  list.add('b\r\n', 'c');
  list.add('', 'c');
  list.set('a', '\n');
  t.equal(list.toFieldLines(), '');
});

t.test('joins the lines of a field where they are one value', async (t) => {
  for (const list of both('via', 'a', 'x-own', '1', 'via', 'b', 'cookie', 'c', 'cookie', 'd')) {
    list.joinLines(headerMask('via', 'origin'));
    t.same(list.values('via'), ['a,b']);
    t.same(list.values('cookie'), ['c', 'd']);
    t.same(list.values('origin'), []);
  }
});

t.test('tells a visitor what was parsed, then what was added', async (t) => {
  const list = parsed('Accept: a', 'x-own: b', 'via: c');
  list.removeKnown(HEADER_ID.via);
  list.add('server', 'd');
  list.add('x-other', 'e');
  const told: unknown[] = [];
  list.visit({
    onListLines: (text, spans) => {
      for (let at = 0; at < spans.length; at += 6) {
        told.push([spans[at], text.substring(spans[at + 1] as number, spans[at + 4])]);
      }
    },
    onListField: (id, name, value) => told.push([id, name, value]),
  });
  t.same(told, [
    [HEADER_ID.accept, 'accept: a'],
    [0, 'x-own: b'],
    [-1, 'via: c'],
    [HEADER_ID.server, 'server', 'd'],
    [0, 'x-other', 'e'],
  ]);
});
