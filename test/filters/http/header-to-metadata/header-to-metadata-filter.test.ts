import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { headerToMetadataDefinition } from '../../../../proxy/filters/http/header-to-metadata.ts';
import { FilterFixture, filterProblems } from '../../../support/filter-fixture.ts';
import { requestHead, responseHead } from '../../../support/route-fixtures.ts';

const OWN = 'envoy.filters.http.header_to_metadata';

function fixture(...request_rules: readonly JsonValue[]): FilterFixture {
  const config = { stat_prefix: 's', request_rules: [...request_rules] };
  return new FilterFixture(headerToMetadataDefinition, { config });
}

function metadata(of: FilterFixture, ...headers: readonly string[]) {
  return of.run(requestHead({ path: '/p?q', headers })).info.dynamicMetadata?.get(OWN);
}

t.test('lines of a field are joined, pseudo-fields and cookies read', async (t) => {
  const of = fixture(
    { header: 'X-A', on_header_present: { key: 'a' } },
    { header: ':path', on_header_present: { key: 'path' } },
    { cookie: 'c', on_header_present: { key: 'cookie' } },
  );
  const found = metadata(of, 'x-a', '1', 'x-a', '2', 'cookie', 'b=1; c=2');
  t.same(found, { a: '1,2', path: '/p?q', cookie: '2' });
});

t.test('what is missing gets the value that is configured', async (t) => {
  const rule = {
    header: 'x-a',
    on_header_present: { key: 'k' },
    on_header_missing: { key: 'k', value: 'none' },
  };
  t.same(metadata(fixture(rule)), { k: 'none' });
  t.same(metadata(fixture(rule), 'x-a', ''), undefined, 'empty is neither');
});

t.test('a removed field is gone for the next rule and the upstream', async (t) => {
  const of = fixture(
    { header: 'x-a', remove: true, on_header_present: { key: 'first' } },
    { header: 'x-a', on_header_present: { key: 'second' } },
  );
  const rig = of.run(requestHead({ headers: ['x-a', '1'] }));
  t.same(rig.info.dynamicMetadata?.get(OWN), { first: '1' });
  t.same(rig.upstream.fields, []);
});

t.test('a value is rewritten', async (t) => {
  const regex_value_rewrite = { pattern: { regex: '^/(\\w+)$' }, substitution: '\\1!' };
  const of = fixture({ header: 'x-a', on_header_present: { key: 'k', regex_value_rewrite } });
  t.same(metadata(of, 'x-a', '/word'), { k: 'word!' });
});

t.test('responses have rules of their own', async (t) => {
  const config = {
    response_rules: [{ header: ':status', on_header_present: { key: 's', type: 'NUMBER' } }],
  };
  const of = new FilterFixture(headerToMetadataDefinition, { config });
  const rig = of.run(requestHead());
  rig.send(['']);
  rig.answer(responseHead(), [], null);
  t.same(rig.info.dynamicMetadata?.get(OWN), { s: 200 });
});

t.test('rules are counted under their prefix', async (t) => {
  const of = fixture(
    { header: 'x-a', on_header_present: { key: 'a', encode: 'BASE64' } },
    { header: 'x-b', on_header_missing: { key: 'b', value: 'v' } },
  );
  metadata(of, 'x-a', '!');
  t.same(of.counters(), {
    'http_filter_name.s.request_rules_processed': 2,
    'http_filter_name.s.request_metadata_added': 1,
    'http_filter_name.s.request_header_not_found': 1,
    'http_filter_name.s.base64_decode_failed': 1,
  });
});

t.test('rules that make no sense are refused in Envoy’s words', async (t) => {
  const problems = (rule: JsonValue) =>
    filterProblems(headerToMetadataDefinition as never, { request_rules: [rule] });
  const present = { on_header_present: { key: 'k' } };
  const at = 'request_rules[0]: ';
  t.same(problems(present), [`${at}One of Cookie or Header option needs to be specified`]);
  t.same(problems({ header: 'a', cookie: 'b', ...present }), [
    `${at}Cannot specify both header and cookie in the same rule`,
  ]);
  t.same(problems({ cookie: 'b', remove: true, ...present }), [
    `${at}Cannot specify remove for cookie`,
  ]);
  t.same(problems({ header: 'a', on_header_missing: { key: 'k' } }), [
    `${at}Cannot specify on_header_missing rule with an empty value`,
  ]);
  t.match(problems({ header: 'a' }), [/rule for header 'a' has neither/]);
});
