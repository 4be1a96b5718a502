import t from 'tap';
import { compileSafeRegex } from '../../proxy/base/safe-regex.ts';
import type { PathMatchConfig } from '../../proxy/model/route-match.ts';
import { compilePathMatcher, pathOf } from '../../proxy/routing/path-matcher.ts';

type Kind = 'prefix' | 'path' | 'separated-prefix';

function matches(kind: Kind, text: string, target: string, caseSensitive = true): boolean {
  return compilePathMatcher({ kind, text }, caseSensitive).matches(target);
}

function regex(source: string): PathMatchConfig {
  const compiled = compileSafeRegex(source);
  if ('error' in compiled) throw new Error(compiled.error);
  return { kind: 'regex', regex: compiled };
}

t.test('matches each kind on the path without its query', async (t) => {
  const cases: readonly (readonly [Kind, text: string, target: string, wanted: boolean])[] = [
    ['prefix', '/', '/', true],
    ['prefix', '/', '/any?x', true],
    ['prefix', '/', '*', false],
    ['prefix', '/', '', false],
    ['prefix', '', '/x', true],
    ['prefix', '', '', false],
    ['prefix', '/foo', '/foo', true],
    ['prefix', '/foo', '/foobar', true],
    ['prefix', '/foo', '/foo?x', true],
    ['prefix', '/foo', '/fo', false],
    ['prefix', '/foo', '/Foo', false],
    ['prefix', '/foo?', '/foo?x', false],
    ['prefix', '/foo/', '/foo?/', false],
    ['path', '/foo', '/foo', true],
    ['path', '/foo', '/foo?x=1', true],
    ['path', '/foo', '/foo?', true],
    ['path', '/foo', '/foo/', false],
    ['path', '/foo', '/foobar', false],
    ['path', '/foo', '/fo', false],
    ['path', '/foo?x', '/foo?x', false],
    ['path', '/foo', '/FOO', false],
    ['separated-prefix', '/foo', '/foo', true],
    ['separated-prefix', '/foo', '/foo/', true],
    ['separated-prefix', '/foo', '/foo/bar', true],
    ['separated-prefix', '/foo', '/foo?x', true],
    ['separated-prefix', '/foo', '/foobar', false],
    ['separated-prefix', '/foo', '/fo', false],
    ['separated-prefix', '/foo', '/bar/', false],
  ];
  for (const [kind, text, target, wanted] of cases) {
    t.equal(matches(kind, text, target), wanted, `${kind} ${text} on ${target}`);
  }
});

t.test('ignores case when told', async (t) => {
  t.ok(matches('prefix', '/Foo', '/fOObar', false));
  t.ok(matches('path', '/foo', '/FOO?x', false));
  t.ok(matches('separated-prefix', '/foo', '/FOO/x', false));
  t.notOk(matches('prefix', '/foo', '/bar', false));
});

t.test('a regex matches the whole path and never sees the query', async (t) => {
  const matcher = compilePathMatcher(regex('/v[12]/.*'), true);
  t.ok(matcher.matches('/v1/x'));
  t.ok(matcher.matches('/v2/?x'));
  t.notOk(matcher.matches('/v3/x'));
  t.notOk(matcher.matches('/a/v1/x'));
  t.notOk(matcher.matches('/a?/v1/x'));
  t.notOk(compilePathMatcher(regex('/info\\?v1'), true).matches('/info?v1'));
});

t.test('cuts off the query', async (t) => {
  t.equal(pathOf('/a?b?c'), '/a');
  t.equal(pathOf('/a'), '/a');
});

t.test('CONNECT, which has no path, matches connect_matcher and nothing else', async (t) => {
  const connect = compilePathMatcher({ kind: 'connect' }, true);
  t.ok(connect.matches(''));
  t.notOk(connect.matches('/'));
  t.notOk(compilePathMatcher(regex('.*'), true).matches(''));
});
