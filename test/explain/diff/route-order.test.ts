import t from 'tap';
import { covers, mayOverlap } from '../../../proxy/explain/diff/route-order.ts';
import type { PathMatchConfig, RouteMatchConfig } from '../../../proxy/model/route-match.ts';

function match(
  kind: 'prefix' | 'path' | 'separated-prefix' | 'connect',
  text = '',
  members: Partial<RouteMatchConfig> = {},
): RouteMatchConfig {
  const path = (kind === 'connect' ? { kind } : { kind, text }) as PathMatchConfig;
  return {
    path,
    ...{ caseSensitive: true, headers: [], queryParameters: [], runtimeFractionPpm: null },
    ...{ grpcOnly: false, cookies: [], tlsContext: null, dynamicMetadata: [], filterState: [] },
    ...members,
  };
}

const header = (name: string) => ({
  name,
  match: { kind: 'exact', text: 'x', ignoreCase: false } as const,
  ...{ invert: false, treatMissingAsEmpty: false },
});

t.test('a route covers what its path takes in', (t) => {
  const all = match('prefix', '/');
  t.ok(covers(all, match('path', '/a')));
  t.ok(covers(match('prefix', '/a'), match('prefix', '/ab')));
  t.ok(covers(match('separated-prefix', '/a'), match('prefix', '/a/b')));
  t.ok(covers(match('separated-prefix', '/a'), match('path', '/a')));
  t.ok(covers(match('path', '/a'), match('path', '/a')));
  t.notOk(covers(all, match('connect')), 'CONNECT has no path');
  t.notOk(covers(match('separated-prefix', '/a'), match('prefix', '/a')), 'nor /ab');
  t.notOk(covers(match('path', '/a'), match('prefix', '/a')));
  t.notOk(covers(match('prefix', '/A'), match('prefix', '/a', { caseSensitive: false })));
  t.ok(covers(match('prefix', '/a', { caseSensitive: false }), match('prefix', '/A')));
  t.end();
});

t.test('every condition of its own must be one of the other', (t) => {
  const all = match('prefix', '/');
  const narrow = match('prefix', '/', { headers: [header('a'), header('b')] });
  t.ok(covers(all, narrow));
  t.ok(covers(match('prefix', '/', { headers: [header('b')] }), narrow));
  t.notOk(covers(match('prefix', '/', { headers: [header('c')] }), narrow));
  t.notOk(covers(match('prefix', '/', { grpcOnly: true }), all));
  t.notOk(covers(match('prefix', '/', { runtimeFractionPpm: 999_999 }), all));
  t.ok(covers(match('prefix', '/', { runtimeFractionPpm: 1_000_000 }), all));
  t.end();
});

t.test('two paths overlap unless they are told apart', (t) => {
  t.ok(mayOverlap(match('prefix', '/a'), match('prefix', '/ab')));
  t.ok(mayOverlap(match('path', '/ab'), match('prefix', '/a')));
  t.notOk(mayOverlap(match('path', '/a'), match('path', '/ab')));
  t.notOk(mayOverlap(match('prefix', '/a'), match('prefix', '/b')));
  t.ok(mayOverlap(match('connect'), match('prefix', '/b')), 'unclear');
  t.end();
});
