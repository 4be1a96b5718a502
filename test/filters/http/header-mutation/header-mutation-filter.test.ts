import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { headerMutationDefinition } from '../../../../proxy/filters/http/header-mutation.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { FilterFixture, filterProblems } from '../../../support/filter-fixture.ts';
import { fieldLines, requestHead, responseHead } from '../../../support/route-fixtures.ts';

type Mutations = Readonly<Record<string, JsonValue>>;

const append = (key: string, value: string, append_action = 'APPEND_IF_EXISTS_OR_ADD') => ({
  append: { header: { key, value }, append_action },
});
const level = (name: string): Mutations => ({
  request_mutations: [
    append('x-order', name),
    append('x-last', name, 'OVERWRITE_IF_EXISTS_OR_ADD'),
  ],
});

function fixture(
  mutations: Mutations,
  levels: readonly Mutations[] = [],
  mostSpecificWins = false,
) {
  return new FilterFixture(headerMutationDefinition, {
    config: { mutations, most_specific_header_mutations_wins: mostSpecificWins },
    levels: levels.map((each) => ({ mutations: each })),
  });
}

/** The request's fields as the upstream gets them. */
function sent(of: FilterFixture, ...headers: readonly string[]): readonly string[] {
  return of.run(requestHead({ headers })).upstream.fields;
}

function path(mutations: readonly JsonValue[], target: string): string | undefined {
  const of = fixture({ query_parameter_mutations: [...mutations] });
  return of.run(requestHead({ path: target })).upstream.start?.path;
}

t.test('a filter without mutations is none', async (t) => {
  t.ok(fixture({}).isIdle);
  t.notOk(fixture(level('own')).isIdle);
});

t.test('mutations happen in their order', async (t) => {
  const of = fixture({
    request_mutations: [
      append('x-a', '1'),
      { remove: 'X-A' },
      append('x-a', '2'),
      append('x-b', '%REQ(x-a)%'),
    ],
  });
  t.same(sent(of, 'x-a', '0'), ['x-a: 2', 'x-b: 2']);
});

t.test('fields are removed by pattern', async (t) => {
  const removal = { remove_on_match: { key_matcher: { prefix: 'x-' } } };
  const of = fixture({ request_mutations: [removal] });
  t.same(sent(of, 'x-a', '1', 'accept', '*/*', 'x-b', '2', 'x-a', '3'), ['accept: */*']);
});

t.test('fields with one line keep it', async (t) => {
  const of = fixture({ request_mutations: [append('user-agent', 'b'), append('x-a', 'b')] });
  t.same(sent(of, 'user-agent', 'a', 'x-a', 'a'), ['x-a: a', 'user-agent: a,b', 'x-a: b']);
});

t.test('the chain goes first, and the table or the route has the last word', async (t) => {
  const levels = [level('route'), level('host'), level('table')];
  t.same(sent(fixture(level('own'), levels)), [
    ...['own', 'route', 'host', 'table'].map((name) => `x-order: ${name}`),
    'x-last: table',
  ]);
  t.equal(sent(fixture(level('own'), levels, true)).at(-1), 'x-last: route');
});

t.test('trailers and responses have mutations of their own', async (t) => {
  const of = fixture({
    response_mutations: [append('x-head', '%RESP(x-a)%')],
    response_trailers_mutations: [{ remove: 'x-gone' }, append('x-end', '1')],
  });
  const rig = of.run(requestHead());
  rig.send(['']);
  rig.answer(responseHead('x-a', 'a'), ['ok'], HeaderList.of('x-gone', '1'));
  t.match(rig.client.fields, ['x-a: a']);
  t.same(rig.client.trailerLines, ['x-end: 1']);
});

t.test('query parameters are sorted; what the client encoded stays encoded', async (t) => {
  const add = (key: string, value: string, action = 'APPEND_IF_EXISTS_OR_ADD') => ({
    append: { record: { key, value }, action },
  });
  t.equal(path([add('b', 'x y')], '/p?z=%20&a'), '/p?a=&b=x%20y&z=%20');
  t.equal(path([add('ü', '1', 'OVERWRITE_IF_EXISTS')], '/p?%c3%bc=2'), '/p?%C3%BC=1');
  t.equal(path([{ remove: 'a' }], '/p?a=1&a=2'), '/p');
  t.equal(path([add('a', '3', 'ADD_IF_ABSENT')], '/p?a=1&a=2'), '/p?a=1&a=2');
});

t.test('a request that lost its path goes nowhere', async (t) => {
  const rig = fixture({ request_mutations: [{ remove: ':path' }] }).run(requestHead());
  t.match(rig.replies, [/^filter_removed_required_request_headers\{.*:path\}$/]);
});

t.test('what cannot be done is refused', async (t) => {
  const problems = (mutations: Mutations) =>
    filterProblems(headerMutationDefinition as never, { mutations });
  const at = 'mutations.';
  t.same(problems({ request_mutations: [append(':path', '/')] }), [
    `${at}request_mutations[0].append.header.key: :-prefixed or host headers may not be modified`,
  ]);
  t.same(problems({ query_parameter_mutations: [{}, { append: {} }] }), [
    `${at}query_parameter_mutations[0]: One of 'append'/'remove' must be specified.`,
    `${at}query_parameter_mutations[1].append.record: No record specified for append mutation.`,
  ]);
});

t.test('trailers of the request', async (t) => {
  const of = fixture({ request_trailers_mutations: [append('x-t', '%REQ(:METHOD)%')] });
  const trailers = HeaderList.empty();
  const rig = of.run(requestHead());
  rig.endRequest(trailers);
  t.same(fieldLines(trailers), ['x-t: GET']);
});
