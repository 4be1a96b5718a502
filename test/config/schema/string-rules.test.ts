import t from 'tap';
import type { RuleSet } from '../../../proxy/config/schema/rule-set.ts';
import { bytesChecks, stringChecks } from '../../../proxy/config/schema/string-rules.ts';

function reason(rules: RuleSet, value: string): string | null {
  return (
    stringChecks(rules)
      .map((check) => check(value))
      .find((it) => it !== null) ?? null
  );
}

t.test('lengths count code points or bytes', (t) => {
  t.equal(reason({ min_len: 2n }, '😀'), 'value length must be at least 2 characters');
  t.equal(reason({ max_len: 1n }, '😀'), null);
  t.equal(reason({ max_len: 1n }, 'ab'), 'value length must be at most 1 characters');
  t.equal(reason({ len: 2n }, 'a'), 'value length must be 2 characters');
  t.equal(reason({ min_bytes: 4n }, '😀'), null);
  t.equal(reason({ min_bytes: 2n }, 'a'), 'value length must be at least 2 bytes');
  t.equal(reason({ max_bytes: 3n }, '😀'), 'value length must be at most 3 bytes');
  t.equal(reason({ len_bytes: 3n }, 'ab'), 'value length must be 3 bytes');
  t.end();
});

t.test('content', (t) => {
  t.equal(reason({ const: 'a' }, 'b'), 'value must equal a');
  t.equal(reason({ prefix: '/' }, 'a'), "value does not have prefix '/'");
  t.equal(reason({ suffix: '/' }, 'a'), "value does not have suffix '/'");
  t.equal(reason({ contains: 'b' }, 'a'), "value does not contain substring 'b'");
  t.equal(reason({ not_contains: 'a' }, 'ab'), "value contains substring 'a'");
  t.equal(reason({ in: ['a', 'b'] }, 'c'), 'value must be in list [a, b]');
  t.equal(reason({ not_in: ['a'] }, 'a'), 'value must not be in list [a]');
  t.equal(reason({ in: ['a'], prefix: 'a' }, 'a'), null);
  t.end();
});

t.test('patterns are searched for, by RE2', (t) => {
  t.equal(reason({ pattern: 'b+' }, 'abc'), null);
  t.equal(reason({ pattern: '^b' }, 'abc'), "value does not match regex pattern '^b'");
  t.throws(() => stringChecks({ pattern: '(' }), /of a rule/);
  t.end();
});

t.test('header names and values, strict and loose', (t) => {
  const name = { well_known_regex: 1 };
  t.equal(reason(name, ':path'), null);
  t.equal(reason(name, 'x a'), 'value is not a valid HTTP header name');
  t.equal(reason(name, ''), 'value is not a valid HTTP header name');
  t.equal(reason({ ...name, ignore_empty: true }, ''), null);
  t.equal(reason({ ...name, strict: false }, 'x a'), null);
  t.equal(reason({ ...name, strict: false }, ''), null);
  t.equal(reason({ ...name, strict: false }, 'a\n'), 'value is not a valid HTTP header name');
  const value = { well_known_regex: 2 };
  t.equal(reason(value, 'a\tb é'), null);
  t.equal(reason(value, 'a\u0001'), 'value is not a valid HTTP header value');
  t.equal(reason({ ...value, strict: false }, 'a\u0001'), null);
  t.equal(reason({ ...value, strict: false }, 'a\0'), 'value is not a valid HTTP header value');
  t.end();
});

t.test('a rule nobody implemented is a bug, not a pass', (t) => {
  t.throws(() => stringChecks({ uuid: true }), /uuid is not implemented/);
  t.end();
});

t.test('bytes have lengths', (t) => {
  const checks = bytesChecks({ min_len: 2n, max_len: 3n });
  const all = (length: number) => checks.map((check) => check(new Uint8Array(length)));
  t.same(all(1), ['value length must be at least 2 bytes', null]);
  t.same(all(2), [null, null]);
  t.same(all(4), [null, 'value length must be at most 3 bytes']);
  t.same(bytesChecks({}), []);
  t.end();
});
