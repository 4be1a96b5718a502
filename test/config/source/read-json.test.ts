import t, { type Test } from 'tap';
import { readJson } from '../../../proxy/config/source/read-json.ts';
import { toPlainValue } from '../../../proxy/config/source/source-node.ts';

function value(text: string): unknown {
  const read = readJson(text);
  if (!read.ok) throw new Error(read.problems.map((it) => it.reason).join('; '));
  return toPlainValue(read.root);
}

function refuses(t: Test, text: string, start: number, reason: RegExp): void {
  t.match(readJson(text), { ok: false, problems: [{ start, reason }] }, text);
}

t.test('reads what JSON.parse reads, to the same value', (t) => {
  for (const text of [
    '{}',
    '[]',
    ' [ 1 , -2.5e3, "a", true, false, null ] ',
    '{"a": {"b": [{}, [[]]]}, "c": ""}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00"',
    '"😀 é"',
    '0',
    '-0.1E-2',
  ]) {
    t.same(value(text), JSON.parse(text), text);
  }
  t.end();
});

t.test('takes what Envoy takes beyond JSON', (t) => {
  t.same(value("{'a': 'it\\'s', b_1: [1,], \"c\": {},}"), { a: "it's", b_1: [1], c: {} });
  t.end();
});

t.test('keeps integers beyond 53 bits as text', (t) => {
  t.same(value('[9007199254740991, 9007199254740993, 1.5]'), [
    9007199254740991,
    '9007199254740993',
    1.5,
  ]);
  t.end();
});

t.test('merges repeated objects, replaces the rest, and warns', (t) => {
  t.same(value('{"a": {"b": 1, "c": 2, "d": [1]}, "a": {"c": 3, "d": [2]}}'), {
    a: { b: 1, c: 3, d: [2] },
  });
  t.same(value('{"a": [1], "a": 2}'), { a: 2 });
  const read = readJson('{"a": 1, "a": 2}');
  t.match(read, { ok: true, warnings: [{ start: 9, end: 12, reason: /'a' is given more/ }] });
  t.end();
});

t.test('refuses everything else at its place', (t) => {
  refuses(t, '', 0, /found 'the end of the text'/);
  refuses(t, 'a: 1', 0, /expected a JSON value, found 'a'/);
  refuses(t, '{} x', 3, /nothing may follow/);
  refuses(t, '{"a" 1}', 5, /expected ':' after the key 'a'/);
  refuses(t, '{"a": 1 "b": 2}', 8, /expected ',' or '}'/);
  refuses(t, '[1 2]', 3, /expected ',' or ']'/);
  refuses(t, '{1: 2}', 1, /expected a key/);
  refuses(t, '{', 1, /ends before a '}'/);
  refuses(t, '[1,', 3, /ends before a ']'/);
  refuses(t, '[,]', 1, /found ','/);
  refuses(t, '"abc', 0, /ends inside quotes/);
  refuses(t, '"a\nb"', 2, /control character/);
  refuses(t, '"\\x"', 1, /'\\x' is no escape/);
  refuses(t, '"\\u12g4"', 1, /four hexadecimal digits/);
  refuses(t, '"\\ud800"', 0, /half of a surrogate/);
  refuses(t, '"\\udc00x"', 0, /half of a surrogate/);
  refuses(t, '01', 0, /not a JSON number/);
  refuses(t, '1x', 0, /not a JSON number/);
  refuses(t, '.5', 0, /expected a JSON value/);
  refuses(t, '+1', 0, /expected a JSON value/);
  refuses(t, 'NaN', 0, /found 'NaN'/);
  refuses(t, 'True', 0, /found 'True'/);
  refuses(t, '[1 /* no */]', 3, /expected ','/);
  refuses(t, '\ufeff{}', 0, /expected a JSON value/);
  refuses(t, '['.repeat(101), 100, /nested deeper than 100 levels/);
  t.end();
});

t.test('remembers where keys and values stood', (t) => {
  const text = '{"ab": [12, {c: "d"}]}';
  t.match(readJson(text), {
    root: {
      start: 0,
      end: text.length,
      entries: [
        {
          keyStart: 1,
          keyEnd: 5,
          value: {
            start: 7,
            items: [
              { start: 8, end: 10 },
              { start: 12, end: 20, entries: [{ keyStart: 13, keyEnd: 14 }] },
            ],
          },
        },
      ],
    },
  });
  t.end();
});

t.test('survives rubbish of every length', (t) => {
  const sample = '{"a": [1, -2.5e1, "b\\u0041", null], \'c\': {d: true,},}';
  for (let end = 0; end <= sample.length; end++) {
    t.doesNotThrow(() => readJson(sample.slice(0, end)));
    t.doesNotThrow(() => readJson(sample.slice(end)));
  }
  t.end();
});

t.test('reads megabytes quickly', (t) => {
  const started = performance.now();
  t.equal(readJson(`[${'{"a": ["x", 1]},'.repeat(100_000)}]`).ok, true);
  t.equal(readJson('"'.repeat(2_000_001)).ok, false);
  t.equal(readJson(`"${'\\u0041'.repeat(300_000)}"`).ok, true);
  t.ok(performance.now() - started < 5000);
  t.end();
});
