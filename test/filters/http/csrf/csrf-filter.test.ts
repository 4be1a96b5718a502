import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { csrfDefinition } from '../../../../proxy/filters/http/csrf.ts';
import { FilterFixture } from '../../../support/filter-fixture.ts';
import { requestHead } from '../../../support/route-fixtures.ts';

const percent = (numerator: number): JsonValue => ({ default_value: { numerator } });
const ON = { filter_enabled: percent(100), additional_origins: [{ exact: 'friend.test' }] };

/** True when the request goes on. */
function passes(of: FilterFixture, method: string, ...headers: readonly string[]): boolean {
  const rig = of.run(requestHead({ method, headers }));
  return rig.replies.length === 0 && rig.upstream.start !== null;
}

t.test('requests that change something must come from where they go to', async (t) => {
  const of = new FilterFixture(csrfDefinition, { config: ON });
  t.ok(passes(of, 'POST', 'origin', 'http://h.test'));
  t.ok(passes(of, 'PATCH', 'referer', 'https://h.test/page'));
  t.ok(passes(of, 'PUT', 'origin', 'http://friend.test'));
  t.notOk(passes(of, 'POST', 'origin', 'http://evil.test', 'referer', 'http://h.test/'));
  t.notOk(passes(of, 'DELETE'));
  t.notOk(passes(of, 'POST', 'origin', 'null'));
  t.ok(passes(of, 'GET', 'origin', 'http://evil.test'));
  t.same(of.counters(), {
    'csrf.request_valid': 3,
    'csrf.request_invalid': 1,
    'csrf.missing_source_origin': 2,
  });
});

t.test('the most specific level replaces the policy', async (t) => {
  const levels = [{ filter_enabled: percent(100) }, ON];
  const of = new FilterFixture(csrfDefinition, { config: ON, levels });
  t.notOk(passes(of, 'POST', 'origin', 'http://friend.test'));
});

t.test('in the shadow it only counts', async (t) => {
  const config = { filter_enabled: percent(0), shadow_enabled: percent(100) };
  const of = new FilterFixture(csrfDefinition, { config });
  t.ok(passes(of, 'POST', 'origin', 'http://evil.test'));
  t.same(of.counters(), { 'csrf.request_invalid': 1 });
});
