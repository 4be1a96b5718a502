// What a reader of statistics gets to see.
import t from 'tap';
import { compileSafeRegex, type SafeRegex } from '../../proxy/base/safe-regex.ts';
import { numbersOf, type StatsSelection, selectStats } from '../../proxy/stats/selection.ts';
import { sampleSnapshot } from '../support/stats-sample.ts';

const ALL: StatsSelection = { usedOnly: false, filter: null, invertFilter: false, type: 'All' };

function names(selection: Partial<StatsSelection>): readonly string[] {
  const selected = selectStats(sampleSnapshot(), { ...ALL, ...selection });
  const lists = [selected.textReadouts, numbersOf(selected), selected.histograms];
  return lists.flatMap((list) => list.map(([name]) => name));
}

t.test('texts come first, histograms last, each list in order of name', async (t) => {
  t.same(names({}), [
    'control_plane.identifier',
    'cluster.c1-b.upstream_rq_total',
    'cluster.c1.max_host_weight',
    'cluster.c1.upstream_cx_active',
    'cluster.c1.upstream_rq_200',
    'cluster.c1.upstream_rq_timeout',
    'cluster.c1.upstream_rq_total',
    'cluster_manager.cds.version',
    'server.live',
    'cluster.c1.upstream_cx_length_ms',
    'cluster.c1.upstream_rq_time',
  ]);
});

t.test('usedonly leaves out what was never written', async (t) => {
  const used = names({ usedOnly: true });
  t.ok(used.includes('cluster.c1.upstream_cx_active'), 'a written zero is used');
  for (const name of ['max_host_weight', 'upstream_rq_timeout', 'upstream_cx_length_ms']) {
    t.notOk(used.includes(`cluster.c1.${name}`), name);
  }
});

t.test('a filter matches anywhere and can be turned round', async (t) => {
  const filter = compileSafeRegex('^c.*rq_t') as SafeRegex;
  t.same(names({ filter, type: 'Counters' }), [
    'cluster.c1-b.upstream_rq_total',
    'cluster.c1.upstream_rq_timeout',
    'cluster.c1.upstream_rq_total',
  ]);
  t.same(names({ filter, invertFilter: true, type: 'Counters' }), ['cluster.c1.upstream_rq_200']);
});

t.test('one type alone', async (t) => {
  t.same(names({ type: 'TextReadouts' }), ['control_plane.identifier']);
  t.equal(names({ type: 'Histograms' }).length, 2);
  t.equal(names({ type: 'Gauges' }).length, 4);
});

t.test('numbers of 64 bits keep all digits, in their place among the others', async (t) => {
  const selected = selectStats(sampleSnapshot(), { ...ALL, type: 'Gauges' });
  t.same(selected.gauges.slice(2), [
    ['cluster_manager.cds.version', 17241709254077376921n],
    ['server.live', 1],
  ]);
});
