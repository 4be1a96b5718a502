import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { setMetadataDefinition } from '../../../proxy/filters/http/set-metadata.ts';
import { FilterFixture } from '../../support/filter-fixture.ts';
import { requestHead } from '../../support/route-fixtures.ts';

const entry = (a: number, allow_overwrite = false): JsonValue => ({
  metadata_namespace: 'ns',
  value: { a },
  allow_overwrite,
});

t.test('what is there stays unless it may be overwritten', async (t) => {
  const of = new FilterFixture(setMetadataDefinition, {
    config: { metadata: [entry(1), entry(2)] },
  });
  t.same(of.run(requestHead()).info.dynamicMetadata?.get('ns'), { a: 1 });
  t.same(of.counters(), { 'set_metadata.overwrite_denied': 1 });
  const free = new FilterFixture(setMetadataDefinition, {
    config: { metadata: [entry(1), entry(2, true)] },
  });
  t.same(free.run(requestHead()).info.dynamicMetadata?.get('ns'), { a: 2 });
});

t.test('the most specific level comes after the chain', async (t) => {
  const of = new FilterFixture(setMetadataDefinition, {
    config: { metadata: [entry(1)] },
    levels: [{ metadata: [entry(2, true)] }, { metadata: [entry(3, true)] }],
  });
  t.same(of.run(requestHead()).info.dynamicMetadata?.get('ns'), { a: 2 });
});

t.test('a filter without values is none', async (t) => {
  t.ok(new FilterFixture(setMetadataDefinition).isIdle);
});
