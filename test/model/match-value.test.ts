import t from 'tap';
import { compileSafeRegex, type SafeRegex } from '../../proxy/base/safe-regex.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { matchesHeader, matchesValue } from '../../proxy/model/match-value.ts';
import type { HeaderMatchConfig, ValueMatchConfig } from '../../proxy/model/route-match.ts';

const TARGET = { path: '/a?b=c', authority: 'h.test', scheme: '' };
const head = new RequestHead(
  'HTTP/1.1',
  'GET',
  TARGET,
  HeaderList.of('x-one', 'Val', 'x-two', 'a', 'x-two', 'b', 'x-number', '-5'),
);

function header(name: string, match: ValueMatchConfig, rest: Partial<HeaderMatchConfig> = {}) {
  return { name, match, invert: false, treatMissingAsEmpty: false, ...rest };
}

function exact(text: string, ignoreCase = false): ValueMatchConfig {
  return { kind: 'exact', text, ignoreCase };
}

t.test('compares text as asked', (t) => {
  const regex = compileSafeRegex('a+') as SafeRegex;
  const cases: readonly (readonly [ValueMatchConfig, string, boolean])[] = [
    [exact('val'), 'Val', false],
    [exact('val', true), 'VAL', true],
    [{ kind: 'prefix', text: 'va', ignoreCase: false }, 'value', true],
    [{ kind: 'suffix', text: 'ue', ignoreCase: true }, 'VALUE', true],
    [{ kind: 'contains', text: 'al', ignoreCase: false }, 'value', true],
    [{ kind: 'contains', text: 'la', ignoreCase: false }, 'value', false],
    [{ kind: 'regex', regex }, 'aaa', true],
    [{ kind: 'regex', regex }, 'aab', false],
    [{ kind: 'present', expected: true }, '', true],
  ];
  for (const [match, value, expected] of cases) {
    t.equal(matchesValue(match, value), expected, `${match.kind} ${value}`);
  }
  t.end();
});

t.test('a range takes integers from its start to before its end', (t) => {
  const range: ValueMatchConfig = { kind: 'range', start: -5n, end: 7n };
  for (const value of ['-5', '+6', '0']) t.ok(matchesValue(range, value), value);
  for (const value of ['7', '-6', '', '1.5', '0x1', ' 1', '99999999999999999999']) {
    t.notOk(matchesValue(range, value), value);
  }
  t.end();
});

t.test('repeated fields are tested one by one', (t) => {
  t.ok(matchesHeader(header('x-two', exact('b')), head));
  t.notOk(matchesHeader(header('x-two', exact('a,b')), head));
  t.notOk(matchesHeader(header('x-two', exact('b'), { invert: true }), head));
  t.ok(matchesHeader(header('x-two', exact('c'), { invert: true }), head));
  t.end();
});

t.test('a missing field matches nothing, unless absence is asked for', (t) => {
  const present: ValueMatchConfig = { kind: 'present', expected: true };
  const absent: ValueMatchConfig = { kind: 'present', expected: false };
  t.notOk(matchesHeader(header('x-none', exact('a')), head));
  t.notOk(matchesHeader(header('x-none', exact('a'), { invert: true }), head));
  t.ok(
    matchesHeader(header('x-none', exact('a'), { invert: true, treatMissingAsEmpty: true }), head),
  );
  t.ok(matchesHeader(header('x-none', exact(''), { treatMissingAsEmpty: true }), head));
  t.notOk(matchesHeader(header('x-none', present), head));
  t.ok(matchesHeader(header('x-none', present, { invert: true }), head));
  t.ok(matchesHeader(header('x-none', absent), head));
  t.notOk(matchesHeader(header('x-one', absent), head));
  t.ok(matchesHeader(header('x-one', present), head));
  t.end();
});

t.test('pseudo-fields are matched like fields; the path has its query', (t) => {
  t.ok(matchesHeader(header(':path', exact('/a?b=c')), head));
  t.ok(matchesHeader(header(':method', exact('GET')), head));
  t.ok(matchesHeader(header(':authority', exact('h.test')), head));
  t.notOk(matchesHeader(header(':scheme', exact('http')), head));
  t.notOk(matchesHeader(header(':protocol', exact('x')), head));
  t.notOk(matchesHeader(header(':scheme', { kind: 'present', expected: true }), head));
  t.ok(matchesHeader(header(':scheme', { kind: 'present', expected: false }), head));
  t.end();
});
