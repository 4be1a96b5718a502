// Field masks on JSON.
import t from 'tap';
import { applyFieldMask } from '../../proxy/admin/field-mask.ts';

const MESSAGE = {
  '@type': 't',
  cluster: { '@type': 'c', name: 'c1', type: 'STATIC', limits: { a: 1, b: 2 } },
  list: [{ name: 'x' }],
  last_updated: 'now',
};

t.test('keeps what the paths name, with types', async (t) => {
  t.same(applyFieldMask(MESSAGE, ['cluster.name', 'cluster.limits.b', 'last_updated']), {
    '@type': 't',
    cluster: { '@type': 'c', name: 'c1', limits: { b: 2 } },
    last_updated: 'now',
  });
  t.same(applyFieldMask(MESSAGE, ['list']), { '@type': 't', list: [{ name: 'x' }] });
});

t.test('paths that lead nowhere leave nothing', async (t) => {
  t.equal(applyFieldMask(MESSAGE, ['nope']), null);
  t.equal(applyFieldMask(MESSAGE, ['cluster.nope']), null);
  t.equal(applyFieldMask(MESSAGE, ['list.name']), null, 'not into lists');
  t.equal(applyFieldMask(MESSAGE, ['last_updated.x']), null);
});
