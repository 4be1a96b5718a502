// Cells, scopes, and what is forgotten with them.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';

t.test('a name is one cell, whoever asks', async (t) => {
  const store = new StatsStore(null);
  const cluster = store.scope('cluster').scope('a.');
  t.equal(cluster.prefix, 'cluster.a.');
  t.equal(cluster.counter('x'), store.counter('cluster.a.x'));
  t.equal(cluster.gauge('g'), store.gauge('cluster.a.g'));
  t.equal(cluster.histogram('h', 'ms'), store.histogram('cluster.a.h', 'ms'));
});

t.test('characters that names may not hold become underscores', async (t) => {
  const store = new StatsStore(null);
  t.equal(store.scope('listener').scope('127.0.0.1:80').prefix, 'listener.127.0.0.1_80.');
  t.equal(store.scope('cluster.outbound|80||a.b').prefix, 'cluster.outbound|80||a.b.');
});

t.test('a cell lives as long as one scope holds it', async (t) => {
  const store = new StatsStore(null);
  const before = store.scope('cluster.a');
  before.counter('x').add(3);
  before.counter('x').inc();
  const after = store.scope('cluster.a');
  t.equal(after.counter('x').value, 4, 'the new version of a cluster counts on');
  before.release();
  t.equal(store.snapshot().counters['cluster.a.x'], 4);
  after.release();
  after.release();
  t.same(store.snapshot().counters, {});
});

t.test('a scope takes the scopes below it with it', async (t) => {
  const store = new StatsStore(null);
  const listener = store.scope('listener.a');
  const worker = listener.scope('worker_0');
  worker.gauge('downstream_cx_active').inc();
  store.gauge('server.live').set(1);
  listener.release();
  t.same(store.snapshot().gauges, { 'server.live': 1 });
  worker.counter('late').inc();
  listener.scope('more').counter('late').inc();
  t.same(store.snapshot().counters, {}, 'late counting is harmless and invisible');
});

t.test('a refused name gets a cell that nobody sees', async (t) => {
  const store = new StatsStore((name) => !name.startsWith('http.'));
  const refused = store.counter('http.a.rq');
  refused.inc();
  store.counter('cluster.a.rq').inc();
  store.histogram('http.a.ms', 'ms').record(3);
  t.same(store.snapshot().counters, { 'cluster.a.rq': 1 });
  t.same(store.snapshot().histograms, {});
});

t.test('zeroes that were written are told from those that were not', async (t) => {
  const store = new StatsStore(null);
  store.counter('c.reset').inc();
  store.counter('c.untouched');
  store.gauge('g.back').inc();
  store.gauge('g.back').dec();
  store.gauge('g.set').set(0);
  store.gauge('g.untouched');
  store.textReadout('t').set('v1');
  store.resetCounters();
  const snapshot = store.snapshot();
  t.equal(snapshot.counters['c.reset'], 0);
  t.same([...snapshot.usedZeroes].sort(), ['c.reset', 'g.back', 'g.set']);
  t.same(snapshot.textReadouts, { t: 'v1' });
});

t.test('resetting leaves gauges and histograms', async (t) => {
  const store = new StatsStore(null);
  store.gauge('g').add(2);
  store.histogram('h', 'ms').record(1);
  for (const _ of store.flushInterval());
  store.resetCounters();
  t.equal(store.snapshot().gauges['g'], 2);
  t.equal(store.snapshot().histograms['h']?.count, 1);
  t.equal(store.snapshot().histograms['h']?.intervalBuckets.length, 2);
});

t.test('an interval ends for what has values, not for all there are', async (t) => {
  const store = new StatsStore(null);
  const steps = (): number => [...store.flushInterval()].length;
  const histograms = Array.from({ length: 1000 }, (_, n) => store.histogram(`h${n}`, 'ms'));
  t.equal(steps(), 0);
  for (const histogram of histograms.slice(0, 3)) histogram.record(5);
  t.equal(steps(), 3);
  histograms[1]?.record(7);
  t.equal(steps(), 3);
  const { h0, h1 } = store.snapshot().histograms;
  t.same([h0?.intervalBuckets, h0?.count], [[], 1], 'the interval behind is over, too');
  t.same([h1?.intervalBuckets.length, h1?.count], [2, 2]);
  t.equal(steps(), 1);
  t.equal(steps(), 0);
  t.same(store.snapshot().histograms['h1']?.intervalBuckets, []);
  histograms[0]?.record(1);
  t.equal(steps(), 1, 'and begins anew');
});

t.test('what is recorded while an interval ends is lost for neither', async (t) => {
  const store = new StatsStore(null);
  const histogram = store.histogram('h', 'ms');
  const other = store.histogram('other', 'ms');
  histogram.record(1);
  const ending = store.flushInterval();
  ending.next();
  histogram.record(2);
  other.record(3);
  for (const _ of ending);
  t.equal(store.snapshot().histograms['h']?.intervalBuckets.length, 2);
  for (const _ of store.flushInterval());
  t.equal(store.snapshot().histograms['h']?.intervalBuckets.length, 2);
  t.equal(store.snapshot().histograms['other']?.intervalBuckets.length, 2);
  t.equal(store.snapshot().histograms['h']?.count, 2);
});

const SHAPE = {
  counters: ['total', 'inner.total'],
  gauges: ['active'],
  histograms: [['time', 'ms']],
} as const;

t.test('declared cells are shown with 0 and sent as one name until somebody counts', async (t) => {
  const store = new StatsStore(null);
  const [a, b] = [store.scope('cluster.a'), store.scope('cluster.b')];
  const declared = a.declare(SHAPE);
  b.declare(SHAPE);
  const compact = store.compactSnapshot();
  t.same(compact.counters, {});
  t.same(compact.untouched, [{ shape: SHAPE, prefixes: ['cluster.a.', 'cluster.b.'] }]);
  const { counters, gauges, histograms } = store.snapshot();
  t.same(Object.keys(counters).length, 4);
  t.equal(counters['cluster.b.inner.total'], 0);
  t.equal(gauges['cluster.a.active'], 0);
  t.equal(histograms['cluster.a.time']?.count, 0);
  declared.make();
  declared.make();
  a.counter('total').inc();
  t.same(store.compactSnapshot().untouched, [{ shape: SHAPE, prefixes: ['cluster.b.'] }]);
  t.equal(store.snapshot().counters['cluster.a.total'], 1);
});

t.test('declared cells that exist already are held, and go with the last scope', async (t) => {
  const store = new StatsStore(null);
  const before = store.scope('cluster.a');
  before.declare(SHAPE).make();
  before.counter('total').inc();
  const after = store.scope('cluster.a');
  after.declare(SHAPE).make();
  before.release();
  t.equal(store.snapshot().counters['cluster.a.total'], 1, 'the new version counts on');
  after.release();
  t.same(store.snapshot().counters, {});
});

t.test('declared cells end with their scope, once for each that declared them', async (t) => {
  const store = new StatsStore(null);
  const [before, after] = [store.scope('cluster.a'), store.scope('cluster.a')];
  before.declare(SHAPE);
  after.declare(SHAPE);
  before.release();
  before.declare(SHAPE).make();
  t.equal(store.snapshot().counters['cluster.a.total'], 0);
  after.release();
  t.same(store.snapshot().counters, {});
});

t.test('a name that is refused is not shown because it was declared', async (t) => {
  const store = new StatsStore((name) => !name.includes('inner'));
  store.scope('cluster.a').declare(SHAPE);
  t.same(Object.keys(store.snapshot().counters), ['cluster.a.total']);
});

t.test('a scope that was only passed through goes with those below it', async (t) => {
  const store = new StatsStore(null);
  const pass = (): WeakRef<object> => {
    const between = store.scope('cluster');
    const below = between.scope('a');
    below.counter('total').inc();
    below.scope('deep').declare(SHAPE);
    t.equal(store.snapshot().counters['cluster.a.total'], 1);
    below.release();
    below.scope('late').counter('total').inc();
    t.same(store.snapshot().counters, {}, 'nothing below it is shown any more');
    return new WeakRef(between);
  };
  const passed = pass();
  // A reference is kept until its turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  t.equal(passed.deref(), undefined);
});
