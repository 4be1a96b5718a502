// The Prometheus form: Envoy's text to the byte.
import t from 'tap';
import { statsAsPrometheus } from '../../proxy/stats/prometheus.ts';
import { selectStats } from '../../proxy/stats/selection.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { TagExtractor } from '../../proxy/stats/tags.ts';
import { sampleStats } from '../support/stats-sample.ts';

const OPTIONS = {
  tags: new TagExtractor(true, []),
  boundsOf: () => [0.5, 1, 300_000],
  asSummary: false,
  withTextReadouts: false,
};

t.test('types, labels, empty labels, buckets; no HELP and no blank line', async (t) => {
  t.equal(
    await statsAsPrometheus(sampleStats(), OPTIONS),
    [
      '# TYPE envoy_cluster_upstream_rq counter',
      'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="c1"} 4',
      '# TYPE envoy_cluster_upstream_rq_timeout counter',
      'envoy_cluster_upstream_rq_timeout{envoy_cluster_name="c1"} 0',
      '# TYPE envoy_cluster_upstream_rq_total counter',
      'envoy_cluster_upstream_rq_total{envoy_cluster_name="c1"} 4',
      'envoy_cluster_upstream_rq_total{envoy_cluster_name="c1-b"} 1',
      '# TYPE envoy_cluster_max_host_weight gauge',
      'envoy_cluster_max_host_weight{envoy_cluster_name="c1"} 0',
      '# TYPE envoy_cluster_upstream_cx_active gauge',
      'envoy_cluster_upstream_cx_active{envoy_cluster_name="c1"} 0',
      '# TYPE envoy_cluster_manager_cds_version gauge',
      'envoy_cluster_manager_cds_version{} 17241709254077376921',
      '# TYPE envoy_server_live gauge',
      'envoy_server_live{} 1',
      '# TYPE envoy_cluster_upstream_cx_length_ms histogram',
      'envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="c1",le="0.5"} 0',
      'envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="c1",le="1"} 0',
      'envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="c1",le="300000"} 0',
      'envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="c1",le="+Inf"} 0',
      'envoy_cluster_upstream_cx_length_ms_sum{envoy_cluster_name="c1"} 0',
      'envoy_cluster_upstream_cx_length_ms_count{envoy_cluster_name="c1"} 0',
      '# TYPE envoy_cluster_upstream_rq_time histogram',
      'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c1",le="0.5"} 1',
      'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c1",le="1"} 2',
      'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c1",le="300000"} 4',
      'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c1",le="+Inf"} 4',
      'envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="c1"} 41',
      'envoy_cluster_upstream_rq_time_count{envoy_cluster_name="c1"} 4',
      '',
    ].join('\n'),
  );
});

t.test('text readouts and summaries on demand', async (t) => {
  const text = await statsAsPrometheus(sampleStats(), {
    ...OPTIONS,
    asSummary: true,
    withTextReadouts: true,
  });
  t.match(text, 'envoy_control_plane_identifier{text_value="<pilot>"} 0\n');
  t.match(text, '# TYPE envoy_cluster_upstream_rq_time summary\n');
  t.match(text, 'envoy_cluster_upstream_rq_time{envoy_cluster_name="c1",quantile="0.995"} nan\n');
  t.match(text, 'envoy_cluster_upstream_rq_time_count{envoy_cluster_name="c1"} 0\n');
});

t.test('label values are escaped, names made legal, clashes of type left out', async (t) => {
  const store = new StatsStore(null);
  store.counter('a.b-c').add(1);
  store.gauge('a.b_c').set(2);
  const selected = selectStats(store.snapshot(), {
    usedOnly: false,
    filter: null,
    invertFilter: false,
    type: 'All',
  });
  const tags = new TagExtractor(true, [{ name: 'my.zone', fixedValue: 'a"b\\c\nd' }]);
  t.equal(
    await statsAsPrometheus(selected, { ...OPTIONS, tags }),
    '# TYPE envoy_a_b_c counter\nenvoy_a_b_c{my_zone="a\\"b\\\\c\\nd"} 1\n',
  );
});

t.test('nothing is no text', async (t) => {
  const nothing = { textReadouts: [], counters: [], gauges: [], histograms: [] };
  t.equal(await statsAsPrometheus(nothing, OPTIONS), '');
});
