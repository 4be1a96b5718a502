import t from 'tap';
import type { ScopedRoutesConfig } from '../../proxy/model/scoped-routes.ts';
import { matchInput, requestHead } from '../support/route-fixtures.ts';
import { scopedTable } from '../support/scoped-routes.ts';

type Extract = ScopedRoutesConfig['fragments'][number]['extract'];

const FIRST: Extract = { kind: 'index', index: 0 };

/** Name of the scope of a request with these names and values in turn; '' for none. */
function scopeOf(
  fragments: ScopedRoutesConfig['fragments'],
  keys: readonly (readonly string[])[],
  ...headers: readonly string[]
): string {
  const table = scopedTable(fragments, keys);
  const head = requestHead({ headers });
  const { scope = 'absent', lookup } = table.trace(head, matchInput());
  t.equal(table.match(head, matchInput()).kind, scope === '' ? 'none' : 'route');
  t.equal(lookup.kind, scope === '' ? 'none' : 'route');
  return scope;
}

t.test('takes an element of a field by its index', async (t) => {
  const keys = [['a'], ['b'], ['']];
  const at = (index: number, ...headers: readonly string[]) => {
    const extract: Extract = { kind: 'index', index };
    return scopeOf([{ header: 'x-s', elementSeparator: ',', extract }], keys, ...headers);
  };
  t.equal(at(0, 'x-s', 'a,b'), 'a');
  t.equal(at(0, 'x-s', ''), 'empty');
  t.equal(at(1, 'x-s', 'a,'), 'empty');
  t.equal(at(0, 'x-s', 'A'), '');
  t.equal(at(0, 'x-s', 'b', 'x-s', 'a'), 'b', 'of the first line');
  t.equal(at(1, 'x-s', 'a,b'), 'b');
  t.equal(at(1, 'x-s', 'a'), '');
  t.equal(at(0), '');
});

t.test('takes the value behind a key', async (t) => {
  const extract: Extract = { kind: 'element', key: 'k', separator: '=' };
  const keys = [['a'], ['b=c']];
  const of = (value: string) =>
    scopeOf([{ header: 'x-s', elementSeparator: ';', extract }], keys, 'x-s', value);
  t.equal(of('j=b;k=a'), 'a');
  t.equal(of('k=b=c'), 'b=c');
  t.equal(of('k=q;k=a'), '', 'the first one counts');
  t.equal(of('K=a'), '');
  t.equal(of('j=b; k=a'), '');
});

t.test('a key of several fragments needs them all', async (t) => {
  const fragments = [
    { header: 'x-a', elementSeparator: '', extract: FIRST },
    { header: ':authority', elementSeparator: '', extract: FIRST },
  ];
  const keys = [['a', 'h.test'], ['a'], ['a', 'other']];
  t.equal(scopeOf(fragments, keys, 'x-a', 'a'), 'a/h.test');
  t.equal(scopeOf(fragments, keys), '');
  t.equal(scopeOf(fragments, [['a']], 'x-a', 'a'), '', 'a key of another length matches nothing');
});

t.test('has the name of the scoped routes', async (t) => {
  t.equal(scopedTable([], []).name, 'scoped');
});
