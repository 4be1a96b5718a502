// The JSON form, in Envoy's shape.
import t from 'tap';
import { statsAsJson } from '../../proxy/stats/json.ts';
import { selectStats } from '../../proxy/stats/selection.ts';
import { EMPTY_SNAPSHOT } from '../../proxy/stats/snapshot.ts';
import type { HistogramDisplay } from '../../proxy/stats/text.ts';
import { defaultBounds, sampleStats } from '../support/stats-sample.ts';

function histograms(display: HistogramDisplay): unknown {
  const { stats } = JSON.parse(statsAsJson(sampleStats(), display, defaultBounds));
  return stats.at(-1).histograms;
}

t.test('numbers and texts are named values, histograms one member at the end', async (t) => {
  const text = statsAsJson(sampleStats(), 'summary', defaultBounds);
  t.match(
    text,
    '{"stats":[{"name":"control_plane.identifier","value":"<pilot>"},{"name":"cluster.c1-b.upstream_rq_total","value":1},',
  );
  t.match(text, '{"name":"cluster_manager.cds.version","value":17241709254077376921},');
  t.match(
    text,
    '{"histograms":{"supported_quantiles":[0,25,50,75,90,95,99,99.5,99.9,100],"computed_quantiles":[{"name":"cluster.c1.upstream_cx_length_ms","values":[{"cumulative":null,"interval":null},',
  );
  t.match(text, '{"cumulative":1.05,"interval":null},{"cumulative":3.05,"interval":null}');
});

t.test('histograms by bounds are a list', async (t) => {
  t.match(histograms('cumulative'), [
    {},
    { name: 'cluster.c1.upstream_rq_time', buckets: [{ upper_bound: 0.5, cumulative: 1 }] },
  ]);
  t.match(histograms('disjoint'), [{}, { buckets: [{}, { upper_bound: 1, cumulative: 1 }] }]);
});

t.test('histograms in detail', async (t) => {
  t.match(histograms('detailed'), {
    supported_percentiles: [0, 25],
    details: [
      { totals: [], intervals: [] },
      { totals: [{}, { lower_bound: 1, width: 0.1, count: 1 }], percentiles: [] },
    ],
  });
});

t.test('nothing selected is an empty list', async (t) => {
  const nothing = selectStats(EMPTY_SNAPSHOT, {
    usedOnly: false,
    filter: null,
    invertFilter: false,
    type: 'All',
  });
  t.equal(statsAsJson(nothing, 'summary', defaultBounds), '{"stats":[]}');
});
