import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { setRequestStateDefinition } from '../../../proxy/filters/http/set-filter-state.ts';
import { FilterFixture, filterProblems } from '../../support/filter-fixture.ts';
import { requestHead } from '../../support/route-fixtures.ts';

type Members = Readonly<Record<string, JsonValue>>;

const state = (object_key: string, text: string, rest: Members = {}): JsonValue => ({
  object_key,
  factory_key: 'envoy.string',
  format_string: { text_format_source: { inline_string: text } },
  ...rest,
});
const states = (...on_request_headers: readonly JsonValue[]): JsonValue => ({
  on_request_headers: [...on_request_headers],
});

function stateOf(config: JsonValue, levels: readonly JsonValue[] = []) {
  const of = new FilterFixture(setRequestStateDefinition, { config, levels });
  const rig = of.run(requestHead({ headers: ['x-a', 'a'] }));
  return { rematches: rig.rematches, state: Object.fromEntries(rig.info.filterState ?? []) };
}

t.test('values are made of the request', async (t) => {
  const config = states(state('k', '%REQ(x-a)%'), state('k', '', { skip_if_empty: true }));
  t.same(stateOf(config), { rematches: 0, state: { k: 'a' } });
});

t.test('the chain goes first, then the levels, the most specific last', async (t) => {
  const levels = [states(state('k', 'route')), states(state('k', 'host'), state('h', 'host'))];
  t.same(stateOf(states(state('k', 'own'), state('o', 'own')), levels).state, {
    ...{ k: 'route', o: 'own', h: 'host' },
  });
});

t.test('what is called read-only is replaced as well', async (t) => {
  const config = states(state('k', 'first', { read_only: true }), state('k', 'second'));
  t.same(stateOf(config).state, { k: 'second' });
});

t.test('the route is matched again when that is asked for', async (t) => {
  const config = { on_request_headers: [state('k', 'v')], clear_route_cache: true };
  t.equal(stateOf(config).rematches, 1);
});

t.test('keys that nothing reads are refused', async (t) => {
  const problems = filterProblems(setRequestStateDefinition as never, {
    on_request_headers: [{ object_key: 'own', format_string: { text_format: 'x' } }],
  });
  t.match(problems, [/object_key: 'own' does not have an object factory/]);
});
