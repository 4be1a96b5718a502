// A large update in portions has the order of a small one.
import t from 'tap';
import type { Resource, ResourceKind } from '../../proxy/model/resource.ts';
import { portionsOf } from '../../proxy/server/portions.ts';

function some(kind: ResourceKind, count: number, prefix: string = kind): Resource[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}${index}`;
    return { kind, name, version: '1', message: { $typeName: 'test' } } as Resource;
  });
}

/** `+cluster×50 -listener×1`, a line each. */
function outline(upserted: readonly Resource[], removed: readonly Resource[] = []): string[] {
  return [...portionsOf({ upserted, removed })].map((portion) => {
    const words = new Map<string, number>();
    const count = (word: string) => words.set(word, (words.get(word) ?? 0) + 1);
    for (const { kind } of portion.upserted) count(`+${kind}`);
    for (const { kind } of portion.removed) count(`-${kind}`);
    return [...words].map(([word, many]) => `${word}×${many}`).join(' ');
  });
}

t.test('clusters come first, and go last', async (t) => {
  const upserted = [...some('listener', 60), ...some('cluster', 120), ...some('secret', 1)];
  const removed = [...some('cluster', 3, 'old'), ...some('listener', 2, 'old')];
  t.same(outline(upserted, removed), [
    '+cluster×50',
    '+cluster×50',
    '+cluster×20 +secret×1',
    '+listener×50 -listener×2',
    '+listener×10',
    '-cluster×3',
  ]);
});

t.test('all of it is there once, in its order', async (t) => {
  const upserted = some('cluster', 101);
  const removed = some('listener', 101, 'old');
  const portions = [...portionsOf({ upserted, removed })];
  t.strictSame(
    portions.flatMap((each) => each.upserted),
    upserted,
  );
  t.strictSame(
    portions.flatMap((each) => each.removed),
    removed,
  );
});

t.test('what only goes, or is nothing, is one', async (t) => {
  t.same(outline([], some('cluster', 200)), ['-cluster×200']);
  t.same(outline([]), ['']);
});
