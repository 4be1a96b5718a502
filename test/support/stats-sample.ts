// A small set of statistics with one of each kind, for tests of printers and endpoints.
import { DEFAULT_BOUNDS } from '../../proxy/stats/distribution.ts';
import { type SelectedStats, selectStats } from '../../proxy/stats/selection.ts';
import type { StatsSnapshot } from '../../proxy/stats/snapshot.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

/** Counters, gauges, a text and histograms with and without samples. */
export function sampleSnapshot(): StatsSnapshot {
  const store = new StatsStore(null);
  const cluster = store.scope('cluster.c1');
  cluster.counter('upstream_rq_total').add(4);
  cluster.counter('upstream_rq_200').add(4);
  cluster.counter('upstream_rq_timeout');
  cluster.gauge('upstream_cx_active').set(0);
  cluster.gauge('max_host_weight');
  store.scope('cluster.c1-b').counter('upstream_rq_total').add(1);
  store.gauge('server.live').set(1);
  store.scope('cluster_manager.cds').wideGauge('version').set('17241709254077376921');
  store.textReadout('control_plane.identifier').set('<pilot>');
  const time = cluster.histogram('upstream_rq_time', 'ms');
  for (const value of [0, 1, 3]) time.record(value);
  for (const _ of store.flushInterval());
  for (const _ of store.flushInterval());
  time.record(37);
  cluster.histogram('upstream_cx_length_ms', 'ms');
  return store.snapshot();
}

/** All of the sample. */
export function sampleStats(): SelectedStats {
  return selectStats(sampleSnapshot(), {
    usedOnly: false,
    filter: null,
    invertFilter: false,
    type: 'All',
  });
}

/** Envoy's default bounds for every name. */
export const defaultBounds = () => DEFAULT_BOUNDS;
