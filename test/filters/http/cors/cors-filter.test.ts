import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { corsDefinition } from '../../../../proxy/filters/http/cors.ts';
import { FilterFixture } from '../../../support/filter-fixture.ts';
import { requestHead, responseHead } from '../../../support/route-fixtures.ts';

type Policy = Readonly<Record<string, JsonValue>>;

const A = 'http://a.test';
const POLICY: Policy = {
  allow_origin_string_match: [{ exact: A }],
  allow_methods: 'GET',
  expose_headers: 'x-seen',
};
const percent = (numerator: number): JsonValue => ({ default_value: { numerator } });

function fixture(...levels: readonly Policy[]): FilterFixture {
  return new FilterFixture(corsDefinition, { levels });
}

function get(of: FilterFixture, origin: string): readonly string[] {
  const rig = of.run(requestHead({ headers: ['origin', origin] }));
  rig.send(['']);
  rig.answer(responseHead(), [], null);
  return rig.client.fields;
}

function preflight(of: FilterFixture, origin: string, ...more: readonly string[]) {
  const headers = ['origin', origin, 'access-control-request-method', 'PUT', ...more];
  return of.run(requestHead({ method: 'OPTIONS', headers }));
}

t.test('without a policy of a route there is no filter', async (t) => {
  t.ok(new FilterFixture(corsDefinition).isIdle);
});

t.test('responses name the origin that may read them', async (t) => {
  const of = fixture(POLICY);
  t.same(get(of, A), [
    'access-control-allow-origin: http://a.test',
    'access-control-expose-headers: x-seen',
  ]);
  t.same(get(of, 'http://b.test'), []);
  t.same(get(of, ''), []);
  t.same(of.counters(), { 'cors.origin_valid': 1, 'cors.origin_invalid': 1 });
});

t.test('a preflight is answered, one of a stranger goes on', async (t) => {
  const of = fixture(POLICY);
  const answered = preflight(of, A);
  t.same(answered.replies, ['cors_response']);
  t.equal(answered.upstream.start, null);
  const stranger = preflight(of, 'http://b.test');
  t.same(stranger.replies, []);
  t.not(stranger.upstream.start, null);
  const kept = preflight(
    fixture(POLICY, { forward_not_matching_preflights: false }),
    'http://b.test',
  );
  t.same(kept.replies, ['cors_response']);
});

t.test('each field is that of the first level that has it', async (t) => {
  const of = fixture({ expose_headers: 'x-route' }, { ...POLICY, allow_credentials: true });
  t.same(get(of, A), [
    'access-control-allow-origin: http://a.test',
    'access-control-allow-credentials: true',
    'access-control-expose-headers: x-route',
  ]);
  const switched = fixture({ expose_headers: 'x' }, { ...POLICY, filter_enabled: percent(0) });
  t.equal(get(switched, A).length, 2, 'the share is not inherited');
});

t.test('a policy in the shadow only counts', async (t) => {
  const of = fixture({ ...POLICY, filter_enabled: percent(0), shadow_enabled: percent(100) });
  t.same(get(of, A), []);
  t.same(preflight(of, A).replies, []);
  t.same(of.counters(), { 'cors.origin_valid': 2 });
  const off = fixture({ ...POLICY, filter_enabled: percent(0) });
  t.same(get(off, A), []);
  t.same(off.counters(), {});
});

t.test('runtime has the last word about the share', async (t) => {
  const level = { ...POLICY, filter_enabled: { default_value: {}, runtime_key: 'cors.on' } };
  const of = new FilterFixture(corsDefinition, {
    levels: [level],
    runtime: new Map([['cors.on', 100]]),
  });
  t.equal(get(of, A).length, 2);
});

t.test('an entry that takes * takes every origin', async (t) => {
  const of = fixture({ allow_origin_string_match: [{ safe_regex: { regex: '\\*|x' } }] });
  t.same(get(of, 'http://any.test'), ['access-control-allow-origin: http://any.test']);
});
