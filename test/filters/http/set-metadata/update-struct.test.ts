import t from 'tap';
import { updateStruct } from '../../../../proxy/filters/http/set-metadata/update-struct.ts';

t.test('objects are merged, lists joined, and of others the last one wins', async (t) => {
  const current = { a: 1, list: [1], deep: { x: true, y: 'y' }, kind: 'text' };
  const update = { a: 2, list: [2], deep: { y: 'new' }, kind: [3], more: null };
  t.same(updateStruct(current, update), {
    ...{ a: 2, list: [1, 2], deep: { x: true, y: 'new' }, kind: [3], more: null },
  });
  t.same(current.list, [1], 'neither argument changes');
});

t.test('names that every object has are names like others', async (t) => {
  t.same(updateStruct({}, { constructor: [1] }), { constructor: [1] });
});
