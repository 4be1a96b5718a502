import t from 'tap';
import { countRuntime } from '../../proxy/server/runtime-stats.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

t.test('says how much the static layers hold', async (t) => {
  const store = new StatsStore(null);
  countRuntime(store, { keys: 3, layers: 2 });
  const { counters, gauges } = store.snapshot();
  t.equal(gauges['runtime.num_keys'], 3);
  t.equal(gauges['runtime.num_layers'], 2);
  t.equal(counters['runtime.load_success'], 1);
  t.equal(counters['runtime.load_error'], 0);
});
