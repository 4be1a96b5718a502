import t from 'tap';
import { RareCounters, rareShape } from '../../proxy/stats/rare-counters.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

const SHAPE = rareShape('lost', 'found');

t.test('rare counters are shown with 0 and made by the first that counts', async (t) => {
  const store = new StatsStore(null);
  const rare = new RareCounters<'lost' | 'found'>(store.scope('a'), SHAPE);
  t.strictSame(store.snapshot().counters, { 'a.lost': 0, 'a.found': 0 });
  t.strictSame(store.compactSnapshot().counters, {}, 'nothing is made yet');
  rare.inc('found');
  rare.inc('found');
  t.strictSame(store.snapshot().counters, { 'a.lost': 0, 'a.found': 2 });
});

t.test('rare counters go with their scope, counted in or not', async (t) => {
  const store = new StatsStore(null);
  const scopes = [store.scope('a'), store.scope('b')];
  const [, used] = scopes.map((scope) => new RareCounters<'lost'>(scope, SHAPE));
  used?.inc('lost');
  for (const scope of scopes) scope.release();
  t.strictSame(store.snapshot().counters, {});
});
