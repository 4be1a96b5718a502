import t, { type Test } from 'tap';
import { compileCel, type Roots } from '../../proxy/cel/compile-cel.ts';
import { fromJson } from '../../proxy/cel/literal-map.ts';
import { CelError, CelTime, CelUint, type CelValue } from '../../proxy/cel/values.ts';

interface Context {
  readonly code: bigint | undefined;
}

const ROOTS: Roots<Context> = {
  request: {
    path: () => '/a?b',
    headers: () => fromJson({ 'x-a': 'A', n: 1 }),
    referer: () => undefined,
    size: () => 7n,
    attempts: () => new CelUint(2n),
    duration: () => new CelTime('duration', 1_500_000_000n),
    time: () => new CelTime('timestamp', 1_700_000_000_000_000_000n),
  },
  response: { code: ({ code }) => code },
  bytes: () => Buffer.from('ab'),
  state: () => fromJson({ list: [1, 'b', null], deep: { a: { b: true } } }),
};

function evaluated(text: string, code: bigint | undefined = 200n): CelValue | string {
  const evaluate = compileCel(text, ROOTS);
  if (typeof evaluate !== 'function') return `${evaluate.at}: ${evaluate.reason}`;
  const value = evaluate({ code });
  if (value instanceof CelUint) return `${value.value}u`;
  return value instanceof CelError ? `error: ${value.reason}` : value;
}

function same(t: Test, cases: readonly (readonly [string, unknown])[]): void {
  for (const [text, expected] of cases) t.same(evaluated(text), expected, text);
  t.end();
}

t.test('literals', (t) =>
  same(t, [
    ['1', 1n],
    ['-1', -1n],
    ['0x1F', 31n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['7u', '7u'],
    ['0xfu', '15u'],
    ['1.5', 1.5],
    ['.5e1', 5],
    ['1e3', 1000],
    ['true', true],
    ['null', null],
    ['"a\\n\\x41\\u00e9\\U0001F600\\101\\""', 'a\nAé😀A"'],
    ["r'a\\n'", 'a\\n'],
    ["'''a\n'b'''", "a\n'b"],
    ["b'\\xff'", Buffer.from([0xff])],
    ['// comment\n1 ', 1n],
    ['[1, "a",]', [1n, 'a']],
  ]),
);

t.test('operators bind as the grammar says', (t) =>
  same(t, [
    ['1 + 2 * 3 - 4 / 2', 5n],
    ['(1 + 2) * 3', 9n],
    ['7 % 3 == 1 && !false || false', true],
    ['true ? 1 : false ? 2 : 3', 1n],
    ['false ? 1 : false ? 2 : 3', 3n],
    ['1 < 2 == true', true],
    ['-(1) + 2', 1n],
    ['!!true', true],
    ['- -1', 1n],
    ['2 -1', 1n],
    ['"b" in ["a", "b"]', true],
    ['.response.code', 200n],
  ]),
);

t.test('numbers of different types compare by what they mean, all else is different', (t) =>
  same(t, [
    ['1 == 1.0 && 1u == 1 && 2.5 > 2 && 3u < 3.5', true],
    ['1 == "1"', false],
    ['1 != "1"', true],
    ['null == null', true],
    ['"b" > "a"', true],
    ['[1, 2] == [1.0, 2u]', true],
    ['b"ab" == bytes', true],
    ['"ab" == bytes', false],
    ['1 < "a"', 'error: no matching overload found: _<_(int, string)'],
    ['0.0 / 0.0 == 0.0 / 0.0', false],
    ['0.0 / 0.0 < 1.0', false],
  ]),
);

t.test('what overflows or has no meaning is an error', (t) =>
  same(t, [
    ['9223372036854775807 + 1', 'error: integer overflow'],
    ['1u - 2u', 'error: unsigned integer overflow'],
    ['1 / 0', 'error: divide by zero'],
    ['1 % 0', 'error: modulus by zero'],
    ['1 + 1.0', 'error: no matching overload found: _+_(int, double)'],
    ['"a" + "b"', 'error: no matching overload found: _+_(string, string)'],
    ['-"a"', 'error: no matching overload found: -_(string)'],
    ['!1', 'error: no matching overload found: !_(int)'],
    ['1 ? 2 : 3', 'error: no matching overload found: _?_:_(int)'],
    ['[1][1]', 'error: index out of bounds'],
    ['{1: 2, 1: 3}', 'error: duplicate key in map'],
  ]),
);

t.test('an error only shows where nothing makes it irrelevant', (t) =>
  same(t, [
    ['request.referer == "x" || true', true],
    ['true || request.referer == "x"', true],
    ['request.referer == "x" && false', false],
    ['request.referer == "x" || false', 'error: no such key'],
    ['request.referer == "x" ? 1 : 2', 'error: no such key'],
    ['true ? 1 : request.referer', 1n],
    ['[request.referer]', 'error: no such key'],
  ]),
);

t.test('attributes, elements and has()', (t) =>
  same(t, [
    ['request.path', '/a?b'],
    ['request["path"]', '/a?b'],
    ['request.headers["x-a"] == "A"', true],
    ['request.headers.n == 1', true],
    ['request.headers["none"]', 'error: no such key'],
    ['"x-a" in request.headers && !("y" in request.headers)', true],
    ['has(request.headers.n) && !has(request.headers.m)', true],
    ['has(request.referer)', false],
    ['has(response.code)', true],
    ['has(state.deep.a.b) && state.deep.a.b', true],
    ['state.list[1]', 'b'],
    ['state.list[1u] == state.list[1.0]', true],
    ['2 in state.list', false],
    ['{"a": 1, 2: "b"}[2]', 'b'],
    ['{"a": 1}.a', 1n],
    ['has(state.none.a)', 'error: no such key'],
  ]),
);

t.test('functions', (t) =>
  same(t, [
    ['size("aé😀")', 3n],
    ['"abc".size() + size([1, 2]) + size({"a": 1}) + size(bytes)', 8n],
    ['"abc".startsWith("ab") && "abc".endsWith("bc") && "abc".contains("b")', true],
    ['request.path.contains("zz")', false],
    ['"abc".matches("^a.c$") && matches("xabcx", "b")', true],
    ['request.size.contains("7")', 'error: no matching overload found: contains(int, string)'],
    ['int("7") + int(1.9) + int(2u)', 10n],
    ['uint(3)', '3u'],
    ['double("1.5")', 1.5],
    ['int("x")', "error: 'x' is no number"],
    ['uint(-1)', 'error: unsigned integer out of range'],
    ['request.duration > duration("1s") && request.duration < duration("1m0.5s")', true],
    ['request.time == timestamp("2023-11-14T22:13:20Z")', true],
    ['request.time > timestamp("2023-11-14T23:13:20.5+01:00")', false],
  ]),
);

t.test('what could never be evaluated is refused with its place', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^0: the expression ends too early/],
    ['1 +', /^3: the expression ends too early/],
    ['1 1', /^2: unexpected '1'/],
    ['(1', /^2: expected '\)', found the end/],
    ['[1 2]', /^3: expected ',', found '2'/],
    ['f(1,)', /^4: unexpected '\)'/],
    ['"a', /^0: a string that does not end/],
    ['"\\q"', /^0: a string with an escape that does not exist/],
    ['a # b', /^2: unexpected '#'/],
    ['9223372036854775808', /^0: 9223372036854775808 is no int/],
    ['18446744073709551616u', /is no uint/],
    ['1 in', /^4: the expression ends/],
    ['nothing.at.all', /^0: there is no attribute 'nothing': use request, response/],
    ['request.pathh == "a"', /^8: 'request' has no such attribute: use path, /],
    ['request == 1', /^0: 'request' is no value: name one of its attributes, path/],
    ['request[request.path]', /^7: 'request' has no such attribute/],
    ['["a"].exists(x, x == "a")', /^6: 'exists' goes through a list/],
    ['has(request)', /^0: has\(\) wants one field/],
    ['request.path.matches(request.path)', /the pattern of 'matches' has to be written out/],
    ['request.path.matches("(")', /missing closing|missing argument|\)/],
    ['request.path.upper()', /^13: there is no function 'upper' of 1 arguments/],
    ['string(1) == "1"', /^0: there is no function 'string'/],
    ['duration(request.path)', /^0: 'duration' wants a duration as text/],
    ['timestamp("today")', /^0: 'timestamp' wants/],
    ['package', /^0: 'package' is a reserved word/],
    ['request.', /^8: expected the name of a field/],
    [`${'('.repeat(200)}1${')'.repeat(200)}`, /nested too deep/],
    [`${'!'.repeat(200)}true`, /nested too deep/],
    ['1'.repeat(100_001), /too long/],
  ];
  for (const [text, reason] of cases) t.match(evaluated(text), reason, text.slice(0, 40));
  t.end();
});

t.test('rubbish is refused or evaluated, never thrown', (t) => {
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    '.',
    '?',
    ':',
    '!',
    '-',
    '&&',
    '==',
    'in',
    '1',
    '"a"',
    'request',
    '.path',
    'has',
    'b"',
    "'''",
    '\\',
    'é',
    '1u',
    '0x',
  ];
  let seed = 1;
  for (let run = 0; run < 3000; run += 1) {
    let text = '';
    for (let count = 0; count < 12; count += 1) {
      seed = (seed * 48271) % 2147483647;
      text += pieces[seed % pieces.length];
    }
    evaluated(text);
  }
  t.pass('all of them');
  t.end();
});
