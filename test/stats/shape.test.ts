// Names of cells that somebody makes, found without a store.
import t from 'tap';
import { shapeOf } from '../../proxy/stats/shape.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

t.test('a shape has what is made in the scope and below it, each name once', async (t) => {
  const shape = shapeOf((scope) => {
    scope.counter('a');
    scope.counter('a');
    scope.scope('inner').scope('').gauge('b');
    scope.histogram('time', 'ms').record(3);
    scope.textReadout('version').set('x');
    scope.declare(shapeOf(() => undefined)).make();
    scope.release();
  });
  t.same(shape, { counters: ['a'], gauges: ['inner.b'], histograms: [['time', 'ms']] });
  const store = new StatsStore(null);
  store.scope('s').declare(shape).make();
  t.same(store.compactSnapshot().counters, { 's.a': 0 });
  t.same(store.compactSnapshot().gauges, { 's.inner.b': 0 });
});
