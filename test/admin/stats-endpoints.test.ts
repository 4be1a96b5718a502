// /stats and its parameters.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('formats', async (t) => {
  await withAdmin(async ({ ask }) => {
    t.match((await ask('/stats')).body, '\ncluster.c1.upstream_rq_total: 4\n');
    const json = await ask('/stats?format=json&type=Gauges');
    t.equal(json.headers['content-type'], 'application/json');
    const listed: { readonly name: string }[] = JSON.parse(json.body).stats;
    const live = listed.find(({ name }) => name === 'server.live');
    t.same(live, { name: 'server.live', value: 1 });
    const html = await ask('/stats?format=html');
    t.equal(html.headers['content-type'], 'text/html; charset=UTF-8');
    t.notMatch(html.body, '<pilot>');
    const prometheus = await ask('/stats/prometheus?filter=live');
    t.equal(prometheus.body, '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n');
    t.equal(prometheus.headers['content-type'], 'text/plain; charset=UTF-8');
    t.equal((await ask('/stats?format=prometheus&filter=live')).body, prometheus.body);
  });
});

t.test('selection', async (t) => {
  await withAdmin(async ({ ask }) => {
    t.equal(
      (await ask('/stats?usedonly&filter=%5Ecluster.c1%5C.&type=Counters')).body,
      'cluster.c1.upstream_rq_200: 4\ncluster.c1.upstream_rq_total: 4\n',
    );
    t.equal(
      (await ask('/stats?filter=cluster|pilot|plane&invert_filter')).body,
      'server.live: 1\n',
    );
    t.match((await ask('/stats?histogram_buckets=cumulative')).body, ' B3.6e+06(0,4)\n');
    t.match((await ask('/stats/prometheus?histogram_buckets=summary')).body, 'quantile="0.5"');
    t.match((await ask('/stats/prometheus?histogram_buckets=cumulative')).body, 'le="+Inf"');
    t.notMatch((await ask('/stats/prometheus')).body, 'text_value');
    t.match((await ask('/stats/prometheus?text_readouts')).body, 'text_value="<pilot>"');
  });
});

t.test('what is not understood is told in the words of Envoy', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['/stats?filter=(', /^Invalid re2 regex: .+$/],
    ['/stats?type=Foo', /^invalid &type= param$/],
    ['/stats?format=xml', /^usage: \/stats\?format=\(.*text\)\n\n$/],
    ['/stats?histogram_buckets=x', /^usage: \/stats\?histogram_buckets=\(cumulative\|.*\)\n$/],
    ['/stats/prometheus?histogram_buckets=detailed', /^unsupported prometheus histogram/],
    ['/stats/prometheus?type=Foo', /^invalid &type= param$/],
  ];
  await withAdmin(async ({ ask }) => {
    for (const [path, text] of wrong) {
      const answer = await ask(path);
      t.equal(answer.status, 400, path);
      t.match(answer.body, text);
    }
  });
});

t.test('a filter that would hang a backtracking engine is answered at once', async (t) => {
  await withAdmin(async ({ ask, backend }) => {
    backend.stats = async () => ({
      counters: { [`${'a'.repeat(60)}!`]: 1 },
      gauges: {},
      wideGauges: {},
      textReadouts: {},
      histograms: {},
      usedZeroes: [],
      untouched: [],
    });
    const started = performance.now();
    t.equal((await ask('/stats?filter=(a%2B)%2B$')).body, '');
    t.ok(performance.now() - started < 2_000);
  });
});
