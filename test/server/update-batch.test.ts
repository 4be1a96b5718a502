// What changes in one turn is one update, and the last word counts.
import t from 'tap';
import type { Resource, ResourceUpdate } from '../../proxy/model/resource.ts';
import { UpdateBatch } from '../../proxy/server/update-batch.ts';

const cluster = (name: string, version: string): Resource => {
  return { kind: 'cluster', name, version, message: { $typeName: 'test' } } as Resource;
};

function recording() {
  const updates: string[][] = [];
  const batch = new UpdateBatch(async ({ upserted, removed }: ResourceUpdate) => {
    updates.push([
      ...upserted.map(({ name, version }) => `${name} ${version}`),
      ...removed.map(({ name }) => `-${name}`),
    ]);
  });
  return { batch, updates };
}

t.test('a burst is one update with the last of each', async (t) => {
  const { batch, updates } = recording();
  for (const version of ['1', '2']) {
    for (const name of ['a', 'b']) {
      void batch.add({ upserted: [cluster(name, version)], removed: [] });
    }
  }
  void batch.add({ upserted: [], removed: [{ kind: 'cluster', name: 'a' }] });
  void batch.add({ upserted: [], removed: [{ kind: 'cluster', name: 'c' }] });
  void batch.add({ upserted: [cluster('c', '3')], removed: [] });
  await batch.applied();
  t.same(updates, [['b 2', 'c 3', '-a']]);
});

t.test('what comes in a later turn is an update of its own', async (t) => {
  const { batch, updates } = recording();
  await batch.add({ upserted: [cluster('a', '1')], removed: [] });
  await batch.add({ upserted: [cluster('a', '2')], removed: [] });
  t.same(updates, [['a 1'], ['a 2']]);
});
