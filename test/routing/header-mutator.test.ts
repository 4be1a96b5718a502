import t from 'tap';
import type { Formatter } from '../../proxy/formatter/formatter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import type { HeaderValueConfig } from '../../proxy/model/header-mutations.ts';
import { HeaderMutator } from '../../proxy/routing/header-mutator.ts';
import { SINGLE_LINE_IN_REQUESTS } from '../../proxy/routing/single-line-fields.ts';
import { exchange, fieldLines, requestHead } from '../support/route-fixtures.ts';

const constant = (text: string): Formatter => ({ format: () => text });
/** The first value of a request's field, as `%REQ(name)%` reads it. */
const field = (name: string): Formatter => ({
  format: ({ request }) => request?.headers.getByName(name) ?? '',
});

function entry(
  action: HeaderValueConfig['action'],
  name: string,
  value: string | Formatter,
  keepEmptyValue = false,
): HeaderValueConfig {
  const formatter = typeof value === 'string' ? constant(value) : value;
  return { name, value: formatter, action, keepEmptyValue };
}

/** The fields after the work of one level. */
function mutated(
  given: readonly string[],
  set: readonly HeaderValueConfig[],
  remove: readonly string[] = [],
): string[] {
  const head = requestHead({ headers: given });
  const mutator = new HeaderMutator({ remove, set }, SINGLE_LINE_IN_REQUESTS);
  mutator.apply(head.headers, exchange(head));
  return fieldLines(head.headers);
}

t.test('each action treats present and absent fields its own way', async (t) => {
  const cases: readonly (readonly [HeaderValueConfig['action'], string[], string[]])[] = [
    ['append', ['x: old', 'x: new'], ['x: new']],
    ['add-if-absent', ['x: old'], ['x: new']],
    ['overwrite', ['x: new'], ['x: new']],
    ['overwrite-if-exists', ['x: new'], []],
  ];
  for (const [action, present, absent] of cases) {
    t.same(mutated(['x', 'old'], [entry(action, 'x', 'new')]), present, action);
    t.same(mutated([], [entry(action, 'x', 'new')]), absent, action);
  }
});

t.test('overwriting replaces every line', async (t) => {
  t.same(mutated(['x', '1', 'y', '2', 'x', '3'], [entry('overwrite', 'x', 'n')]), ['y: 2', 'x: n']);
});

t.test('removes first, then overwrites, then adds', async (t) => {
  const set = [
    entry('append', 'x', 'added'),
    entry('overwrite', 'x', 'written'),
    entry('add-if-absent', 'x', 'absent'),
    entry('overwrite-if-exists', 'x', 'late'),
  ];
  t.same(mutated(['x', 'old'], set), ['x: late', 'x: added']);
  t.same(mutated(['x', 'old'], set, ['x']), ['x: written', 'x: added', 'x: absent']);
});

t.test('makes all values before it writes one, and after the removals', async (t) => {
  const set = [
    entry('overwrite', 'x', 'new'),
    entry('append', 'copy', field('x')),
    entry('append', 'gone', field('y')),
  ];
  t.same(mutated(['x', 'old', 'y', '1'], set, ['y']), ['x: new', 'copy: old']);
});

t.test('skips an empty value unless told to keep it', async (t) => {
  t.same(mutated(['x', 'old'], [entry('overwrite', 'x', '')]), ['x: old']);
  t.same(mutated(['x', 'old'], [entry('overwrite', 'x', '', true)]), ['x: ']);
  t.same(mutated([], [entry('append', 'x', '', true)]), ['x: ']);
});

t.test('joins what is appended to a field of one line', async (t) => {
  const more = [entry('append', 'user-agent', 'more')];
  t.same(mutated([], more), ['user-agent: more']);
  t.same(mutated(['user-agent', 'one'], more), ['user-agent: one,more']);
  t.same(mutated(['user-agent', 'one', 'user-agent', 'two'], more), ['user-agent: one,two,more']);
  t.same(mutated(['user-agent', ''], more), ['user-agent: more']);
  t.same(mutated(['cookie', 'a=1'], [entry('append', 'cookie', 'b=2')]), [
    ...['cookie: a=1', 'cookie: b=2'],
  ]);
});

t.test('only removes when there is nothing to write', async (t) => {
  const headers = HeaderList.of('a', '1', 'b', '2', 'a', '3');
  const mutator = new HeaderMutator({ remove: ['a', 'c'], set: [] }, SINGLE_LINE_IN_REQUESTS);
  mutator.apply(headers, exchange(requestHead()));
  t.same(fieldLines(headers), ['b: 2']);
});
