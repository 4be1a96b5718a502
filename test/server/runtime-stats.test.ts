import t from 'tap';
import { RuntimeStats } from '../../proxy/server/runtime-stats.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

const NONE = { failures: [], diskLayerCount: 0 };

t.test('says how much the layers hold, each time they are read', async (t) => {
  const store = new StatsStore(null);
  const stats = new RuntimeStats(store);
  stats.onLoad({ ...NONE, keyCount: 3, layerCount: 2, hasOverrides: false });
  t.equal(store.snapshot().gauges['runtime.admin_overrides_active'], 0);
  stats.onLoad({ ...NONE, keyCount: 4, layerCount: 2, hasOverrides: true });
  const { counters, gauges } = store.snapshot();
  t.equal(gauges['runtime.num_keys'], 4);
  t.equal(gauges['runtime.num_layers'], 2);
  t.equal(gauges['runtime.admin_overrides_active'], 1);
  t.equal(counters['runtime.load_success'], 2);
  t.equal(counters['runtime.load_error'], 0);
  t.equal(counters['runtime.override_dir_not_exists'], 2);
  const disk = { keyCount: 4, layerCount: 2, hasOverrides: true, failures: ['x'] };
  stats.onLoad({ ...disk, diskLayerCount: 2 });
  const later = store.snapshot().counters;
  t.equal(later['runtime.load_error'], 1);
  t.equal(later['runtime.load_success'], 2);
  t.equal(later['runtime.override_dir_exists'], 1);
});
