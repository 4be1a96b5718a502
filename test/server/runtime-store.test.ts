import t from 'tap';
import { textEntry } from '../../proxy/config/compile/runtime-layers.ts';
import { LiveRuntime, type RuntimeLayerConfig } from '../../proxy/model/runtime.ts';
import { RuntimeStore, runtimeOf } from '../../proxy/server/runtime-store.ts';

function layer(name: string, values: Readonly<Record<string, string>> | null): RuntimeLayerConfig {
  const entries = Object.entries(values ?? {}).map(
    ([key, text]) => [key, textEntry(text)] as const,
  );
  return { name, isAdmin: values === null, entries: new Map(entries) };
}

t.test('operators change the admin layer; layers behind it still decide', async (t) => {
  const store = new RuntimeStore([
    layer('base', { a: '1', share: '{numerator: 5, denominator: MILLION}' }),
    layer('admin', null),
    layer('over', { b: 'last' }),
  ]);
  const { values } = store;
  t.ok(
    store.modify([
      ['a', '7'],
      ['b', 'mine'],
      ['on', 'TRUE'],
    ]),
  );
  t.strictSame([values.get('a'), values.get('b'), values.get('on')], [7, 'last', true]);
  t.strictSame(store.status().entries['b'], {
    finalValue: 'last',
    layerValues: ['', 'mine', 'last'],
  });
  t.equal(store.keyCount, 4);
  t.equal(store.hasOverrides, true);
  store.modify([['share', '50']]);
  t.strictSame([values.get('share'), values.get('share.numerator')], [50, undefined]);
  store.modify([
    ['share', ''],
    ['a', ''],
  ]);
  t.strictSame(
    [values.get('share'), values.get('share.numerator'), values.get('share.denominator')],
    [undefined, 5, 'MILLION'],
  );
  t.equal(values.get('a'), 1, 'what another layer has cannot be removed');
  t.strictSame(store.status().layers, ['base', 'admin', 'over']);
});

t.test('without an admin layer nothing ever changes, and nobody has to look', async (t) => {
  const store = new RuntimeStore([layer('base', { a: '1' })]);
  t.notOk(store.modify([['a', '2']]));
  t.equal(store.values.get('a'), 1);
  t.equal(store.values.version, undefined);
  t.equal(runtimeOf(store.settings()).version, undefined);
});

t.test('a worker gets all values, and whether they may change', async (t) => {
  const store = new RuntimeStore([layer('admin', null)]);
  store.modify([['a', '1.5']]);
  const values = runtimeOf(store.settings());
  t.ok(values instanceof LiveRuntime);
  t.equal(values.get('a'), 1.5);
});
