import t from 'tap';
import type { ValueMatchConfig } from '../../proxy/model/route-match.ts';
import { matchesQueryParameter, queryParameter } from '../../proxy/routing/query-parameters.ts';

t.test('reads the first value of a name, raw', async (t) => {
  const cases: readonly (readonly [target: string, name: string, value: string | null])[] = [
    ['/', 'a', null],
    ['/?', 'a', null],
    ['/a=1', 'a', null],
    ['/?a=1', 'a', '1'],
    ['/?a=1&a=2', 'a', '1'],
    ['/?b=1&a=2', 'a', '2'],
    ['/?ab=1&a=2', 'a', '2'],
    ['/?a', 'a', ''],
    ['/?a=', 'a', ''],
    ['/?a&b=1', 'a', ''],
    ['/?a=b=c', 'a', 'b=c'],
    ['/?a=%20+x', 'a', '%20+x'],
    ['/?%61=1', 'a', null],
    ['/?A=1', 'a', null],
    ['/?&&a=1&', 'a', '1'],
    ['/?x=a=1', 'a', null],
    ['/?a=1?a=2', 'a', '1?a=2'],
    ['/?=1', '', '1'],
  ];
  for (const [target, name, value] of cases) t.equal(queryParameter(target, name), value, target);
});

t.test('tests presence, absence and value', async (t) => {
  const test = (match: ValueMatchConfig, target: string): boolean =>
    matchesQueryParameter({ name: 'a', match }, target);
  t.ok(test({ kind: 'present', expected: true }, '/?a'));
  t.notOk(test({ kind: 'present', expected: true }, '/?b'));
  t.ok(test({ kind: 'present', expected: false }, '/?b'));
  t.notOk(test({ kind: 'present', expected: false }, '/?a'));
  t.ok(test({ kind: 'exact', text: 'v', ignoreCase: false }, '/?a=v'));
  t.notOk(test({ kind: 'exact', text: 'v', ignoreCase: false }, '/?a=w'));
  t.notOk(test({ kind: 'exact', text: '', ignoreCase: false }, '/?b'));
  t.ok(test({ kind: 'prefix', text: 'v', ignoreCase: true }, '/?a=VW'));
});
