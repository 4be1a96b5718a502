import t from 'tap';
import { bufferDefinition } from '../../../proxy/filters/http/buffer.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { FilterFixture } from '../../support/filter-fixture.ts';
import { requestHead } from '../../support/route-fixtures.ts';

const CONFIG = { max_request_bytes: 10 };
const of = new FilterFixture(bufferDefinition, { config: CONFIG });

t.test('a request goes on once it is complete, with its length', async (t) => {
  const rig = of.run(requestHead({ method: 'POST' }));
  t.same(rig.bufferLimits, [10]);
  t.equal(rig.upstream.start, null);
  rig.send(['ab', 'cd', 'e']);
  t.equal(rig.upstream.content, 'abcde');
  t.same(rig.upstream.fields, ['content-length: 5']);
});

t.test('a length that the client gave stays', async (t) => {
  const rig = of.run(requestHead({ method: 'POST', headers: ['content-length', '2'] }));
  rig.send(['ab']);
  t.same(rig.upstream.fields, ['content-length: 2']);
});

t.test('trailers end it as well', async (t) => {
  const rig = of.run(requestHead({ method: 'POST' }));
  rig.endRequest(HeaderList.of('x-t', '1'));
  t.same(rig.upstream.fields, ['content-length: 0']);
  t.same(rig.upstream.trailerLines, ['x-t: 1']);
});

t.test('more than may be held does not go on, be it the last piece', async (t) => {
  const rig = of.run(requestHead({ method: 'POST' }));
  rig.send(['x'.repeat(11)]);
  t.equal(rig.upstream.start, null);
});

t.test('the most specific level replaces the limit or switches the filter off', async (t) => {
  const off = {
    config: CONFIG,
    levels: [{ disabled: true }, { buffer: { max_request_bytes: 2 } }],
  };
  t.ok(new FilterFixture(bufferDefinition, off).isIdle);
  const less = { config: CONFIG, levels: [{ buffer: { max_request_bytes: 2 } }] };
  const rig = new FilterFixture(bufferDefinition, less).run(requestHead({ method: 'POST' }));
  t.same(rig.bufferLimits, [2]);
});
