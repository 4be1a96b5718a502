// The text form, in Envoy's words.
import t from 'tap';
import { formatG, statsAsText } from '../../proxy/stats/text.ts';
import { defaultBounds, sampleStats } from '../support/stats-sample.ts';

t.test('a line for each statistic', async (t) => {
  t.equal(
    statsAsText(sampleStats(), 'summary', defaultBounds),
    [
      'control_plane.identifier: "&lt;pilot&gt;"',
      'cluster.c1-b.upstream_rq_total: 1',
      'cluster.c1.max_host_weight: 0',
      'cluster.c1.upstream_cx_active: 0',
      'cluster.c1.upstream_rq_200: 4',
      'cluster.c1.upstream_rq_timeout: 0',
      'cluster.c1.upstream_rq_total: 4',
      'cluster_manager.cds.version: 17241709254077376921',
      'server.live: 1',
      'cluster.c1.upstream_cx_length_ms: No recorded values',
      'cluster.c1.upstream_rq_time: P0(nan,0) P25(nan,0) P50(nan,1.05) P75(nan,3.05) P90(nan,37.5) P95(nan,37.5) P99(nan,37.5) P99.5(nan,37.5) P99.9(nan,37.5) P100(nan,37.5)',
      '',
    ].join('\n'),
  );
});

t.test('histograms by bounds', async (t) => {
  const line = (display: 'cumulative' | 'disjoint') =>
    statsAsText(sampleStats(), display, defaultBounds).trimEnd().split('\n').at(-1);
  t.equal(
    line('cumulative'),
    'cluster.c1.upstream_rq_time: B0.5(0,1) B1(0,2) B5(0,3) B10(0,3) B25(0,3) B50(0,4) B100(0,4) B250(0,4) B500(0,4) B1000(0,4) B2500(0,4) B5000(0,4) B10000(0,4) B30000(0,4) B60000(0,4) B300000(0,4) B600000(0,4) B1.8e+06(0,4) B3.6e+06(0,4)',
  );
  t.match(line('disjoint'), /B0\.5\(0,1\) B1\(0,1\) B5\(0,1\) B10\(0,0\) B25\(0,0\) B50\(0,1\) /);
});

t.test('histograms in detail', async (t) => {
  const text = statsAsText(sampleStats(), 'detailed', defaultBounds);
  t.match(
    text,
    'cluster.c1.upstream_rq_time:\n  totals=0,0:1, 1,0.1:1, 3,0.1:1, 37,1:1\n  intervals=\n  summary=P0(nan,0)',
  );
  t.match(text, 'cluster.c1.upstream_cx_length_ms: No recorded values\n');
});

t.test('numbers as C prints them with %g', async (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.5, '0.5'],
    [99.5, '99.5'],
    [300_000, '300000'],
    [999_999.7, '1e+06'],
    [1_800_000, '1.8e+06'],
    [0.000_01, '1e-05'],
    [0.0001, '0.0001'],
    [123_456_789, '1.23457e+08'],
  ];
  for (const [value, text] of cases) t.equal(formatG(value), text);
});
