import t from 'tap';
import type { H2Counters } from '../../proxy/http/h2/counters.ts';
import { Http2CodecStats } from '../../proxy/stats/http2-codec-stats.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

t.test('is what a codec counts in, under the names of its owner', async (t) => {
  const store = new StatsStore(null);
  const listeners: H2Counters = new Http2CodecStats(store);
  const upstream: H2Counters = new Http2CodecStats(store.scope('cluster.c'));
  listeners.rxReset.inc();
  listeners.pendingSendBytes.add(7);
  listeners.pendingSendBytes.sub(3);
  upstream.streamsActive.inc();
  const { counters, gauges } = store.snapshot();
  t.equal(counters['http2.rx_reset'], 1);
  t.equal(counters['cluster.c.http2.rx_reset'], 0);
  t.equal(gauges['http2.pending_send_bytes'], 4);
  t.equal(gauges['cluster.c.http2.streams_active'], 1);
});

t.test('all connection managers share one set', async (t) => {
  const store = new StatsStore(null);
  new Http2CodecStats(store).goawaySent.inc();
  new Http2CodecStats(store).goawaySent.inc();
  t.equal(store.snapshot().counters['http2.goaway_sent'], 2);
});
