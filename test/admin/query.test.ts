// Query strings as Envoy reads them.
import t from 'tap';
import { QueryParams } from '../../proxy/admin/query.ts';

t.test('the first value counts; a bare name is there and empty', async (t) => {
  const params = new QueryParams('filter=a&usedonly&filter=b&=x&&');
  t.equal(params.get('filter'), 'a');
  t.equal(params.get('usedonly'), '');
  t.ok(params.has('usedonly'));
  t.equal(params.get('type'), null);
});

t.test('escapes are decoded, a plus stays, rubbish stays', async (t) => {
  const params = new QueryParams('a=b%2Bc+d%20e&%C3%BC=%zz%2&u=%C3%BC&bad=%ff');
  t.equal(params.get('a'), 'b+c+d e');
  t.equal(params.get('ü'), '%zz%2');
  t.equal(params.get('u'), 'ü');
  t.equal(params.get('bad'), '\ufffd');
});
