import t from 'tap';
import { compileSafeRegex } from '../../proxy/base/safe-regex.ts';
import { parseUriTemplate } from '../../proxy/base/uri-template.ts';
import type { PathMatchConfig } from '../../proxy/model/route-match.ts';
import {
  compilePathMatcher,
  type PathMatchOptions,
  pathOf,
} from '../../proxy/routing/path-matcher.ts';
import { requestHead } from '../support/route-fixtures.ts';

type Kind = 'prefix' | 'path' | 'separated-prefix';

const STRICT: PathMatchOptions = { caseSensitive: true, ignoresParameters: false };

function has(path: PathMatchConfig, target: string, options = STRICT, upgrade = ''): boolean {
  const head = requestHead({ path: target });
  head.upgrade = upgrade;
  return compilePathMatcher(path, options).matches(target, head);
}

function matches(kind: Kind, text: string, target: string, caseSensitive = true): boolean {
  return has({ kind, text }, target, { ...STRICT, caseSensitive });
}

function regex(source: string): PathMatchConfig {
  const compiled = compileSafeRegex(source);
  if ('error' in compiled) throw new Error(compiled.error);
  return { kind: 'regex', regex: compiled };
}

function template(source: string): PathMatchConfig {
  const parsed = parseUriTemplate(source);
  if ('error' in parsed) throw new Error(parsed.error);
  return { kind: 'template', template: parsed };
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
  const versions = regex('/v[12]/.*');
  t.ok(has(versions, '/v1/x'));
  t.ok(has(versions, '/v2/?x'));
  t.notOk(has(versions, '/v3/x'));
  t.notOk(has(versions, '/a/v1/x'));
  t.notOk(has(versions, '/a?/v1/x'));
  t.notOk(has(regex('/info\\?v1'), '/info?v1'));
});

t.test('a template matches the whole path, whatever its query', async (t) => {
  t.ok(has(template('/users/{id}/**'), '/users/1/x/y?z'));
  t.notOk(has(template('/users/{id}'), '/users/1/x'));
  t.notOk(has(template('/Users'), '/users', { ...STRICT, caseSensitive: false }));
});

t.test('path parameters do not count when told, in any segment', async (t) => {
  const options = { ...STRICT, ignoresParameters: true };
  t.ok(has({ kind: 'path', text: '/p' }, '/p;x?y;z', options));
  t.ok(has({ kind: 'path', text: '/p' }, '/p?y;z', options));
  t.ok(has({ kind: 'prefix', text: '/p/b' }, '/p;a=1;b/b;c', options));
  t.ok(has({ kind: 'separated-prefix', text: '/p' }, '/p;x/y?z', options));
  t.ok(has(regex('/p'), '/p;x', options));
  t.ok(has(template('/p;x'), '/p;x', options), 'templates see them');
  t.notOk(has(template('/p'), '/p;x', options));
  t.notOk(has({ kind: 'prefix', text: '/p;x' }, '/p;x', options), 'a condition keeps its own');
  t.ok(has({ kind: 'prefix', text: '/p;x' }, '/p;x'));
});

t.test('cuts off the query', async (t) => {
  t.equal(pathOf('/a?b?c'), '/a');
  t.equal(pathOf('/a'), '/a');
});

t.test('CONNECT, which has no path, matches connect_matcher and nothing else', async (t) => {
  t.ok(has({ kind: 'connect' }, ''));
  t.ok(has({ kind: 'connect' }, '/', STRICT, 'connect-udp'));
  t.notOk(has({ kind: 'connect' }, '/', STRICT, 'websocket'));
  t.notOk(has({ kind: 'connect' }, '/'));
  t.notOk(has(regex('.*'), ''));
  t.notOk(has(template('/**'), ''));
  for (const text of ['', '/', '/x']) t.notOk(has({ kind: 'prefix', text }, ''), text);
});

t.test('says why a path does not match', async (t) => {
  const said = (path: PathMatchConfig, target: string) =>
    compilePathMatcher(path, STRICT).mismatch(target);
  t.equal(said({ kind: 'prefix', text: '/' }, ''), 'CONNECT has no path');
  t.equal(said({ kind: 'prefix', text: '' }, ''), 'CONNECT has no path');
  t.equal(said({ kind: 'prefix', text: '/' }, '*'), "path '*' does not begin with the prefix '/'");
  t.equal(
    said({ kind: 'prefix', text: '/a' }, '/b?q'),
    "path '/b' does not begin with the prefix '/a'",
  );
  t.equal(said({ kind: 'path', text: '/a' }, '/b'), "path '/b' is not exactly '/a'");
  t.equal(
    said({ kind: 'separated-prefix', text: '/a' }, '/ab'),
    "path '/ab' is neither '/a' nor below it",
  );
  t.equal(said(regex('/v.'), '/b'), "path '/b' does not match the regex '/v.'");
  t.equal(said(template('/{a}'), '/b/'), "path '/b/' does not match the template '/{a}'");
  t.equal(
    said({ kind: 'prefix', text: '/a?b' }, '/a?b'),
    "path '/a' cannot match '/a?b': the query is not part of a path",
  );
  t.equal(said({ kind: 'connect' }, '/'), 'connect_matcher: the method is not CONNECT');
  const bare = compilePathMatcher(
    { kind: 'path', text: '/p' },
    { ...STRICT, ignoresParameters: true },
  );
  t.equal(bare.mismatch('/q;x'), "path '/q' is not exactly '/p'");
});
