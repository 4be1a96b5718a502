// Requests counted by virtual cluster and by route, as Envoy counts them: in statistics, in what
// Prometheus scrapes, and in the access log.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { runOnBoth, type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';

const byPath = (name: string, prefix: string): Json => ({
  name,
  headers: [{ name: ':path', string_match: { prefix } }],
});

const route = (path: string, rest: Json): Json => ({ match: { prefix: path }, ...rest });

const LOG_FORMAT = '%REQ(:PATH)% %VIRTUAL_CLUSTER_NAME% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const ROUTES: readonly Json[] = [
  route('/plain', { route: { cluster: 'main' }, stat_prefix: 'plain' }),
  route('/strange', { route: { cluster: 'main' }, stat_prefix: 'a.b:c/d' }),
  route('/slow', { route: { cluster: 'main', timeout: '0.1s' }, stat_prefix: 'slow' }),
  route('/by-field', { route: { cluster_header: 'x-cluster' }, stat_prefix: 'by_field' }),
  route('/void', { route: { cluster: 'void' }, stat_prefix: 'void' }),
  route('/answer', { direct_response: { status: 201 }, stat_prefix: 'answer' }),
  route('/go', { redirect: { host_redirect: 'h.test' }, stat_prefix: 'go' }),
  route('/weighted', {
    route: { weighted_clusters: { clusters: [{ name: 'main', weight: 1 }] } },
    stat_prefix: 'weighted',
  }),
  // Conditions are on what the client sent.
  route('/rewritten', {
    route: { cluster: 'main', prefix_rewrite: '/plain' },
    request_headers_to_add: [{ header: { key: 'x-late', value: '1' } }],
  }),
];

const VIRTUAL_CLUSTERS: readonly Json[] = [
  {
    name: 'posts',
    headers: [{ name: ':method', string_match: { exact: 'POST' } }, { name: 'x-post' }],
  },
  { name: 'late', headers: [{ name: 'x-late' }] },
  byPath('one', '/plain/1'),
  byPath('two:2', '/plain'),
  byPath('slow', '/slow'),
  byPath('void', '/void'),
];

const answer = (status: string, more = '', rest: Partial<WireAnswer> = {}): WireAnswer => ({
  text: `HTTP/1.1 ${status}\r\n${more}content-length: 2\r\n\r\nok`,
  ...rest,
});
const CUT = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok';

const get = (target: string, rest: Partial<TwinCase> = {}, fields = ''): TwinCase => ({
  title: `GET ${target} ${fields.trim()}`,
  send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${fields}\r\n`,
  ...rest,
});

const CASES: readonly TwinCase[] = [
  get('/plain/1'),
  get('/plain/2', { answer: answer('503 Service Unavailable') }),
  get('/plain/3', { answer: answer('302 Found', 'x-envoy-upstream-canary: true\r\n') }),
  get('/plain/4', { answer: { text: '', end: 'reset' } }),
  get('/plain/5', { answer: { text: CUT, end: 'reset' } }),
  get('/plain/6', { answer: { text: `HTTP/1.1 100 Continue\r\n\r\n${answer('200 OK').text}` } }),
  get('/plain/7', {}, 'x-envoy-internal: true\r\n'),
  {
    title: 'POST',
    send: 'POST /plain/1 HTTP/1.1\r\nhost: h\r\nx-post: 1\r\ncontent-length: 0\r\n\r\n',
  },
  get('/strange'),
  get('/slow/1', { answer: { text: '' } }),
  get('/slow/2', { answer: { text: CUT } }),
  get('/by-field', {}, 'x-cluster: main\r\n'),
  get('/by-field', {}, 'x-cluster: unknown\r\n'),
  get('/void'),
  get('/answer'),
  get('/go'),
  get('/weighted'),
  get('/rewritten'),
  get('/elsewhere', { listener: 'quiet' }),
  get('/plain/8', { listener: 'quiet', answer: answer('404 Not Found') }),
  get('/inside', { listener: 'inside' }, 'x-forwarded-for: 10.0.0.1\r\n'),
];

const virtualHost = (name: string): Json => ({ name, virtual_clusters: VIRTUAL_CLUSTERS });

const empty = { name: 'void', type: 'STATIC', load_assignment: { cluster_name: 'void' } };

const CONFIG: TwinConfig = {
  listeners: {
    main: { routes: ROUTES, virtualHost: virtualHost('v:1.x') },
    quiet: { routes: ROUTES, virtualHost: virtualHost('quiet'), router: { dynamic_stats: false } },
    inside: { virtualHost: { name: 'inside' }, hcm: { use_remote_address: true } },
  },
  moreClusters: [empty],
  bootstrap: { stats_flush_interval: '0.2s' },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

/** Counters and gauges of interest as `name: value`, sorted. */
async function counters(twin: Twin): Promise<readonly string[]> {
  const filter = encodeURIComponent('vhost|upstream_rq_(\\d|time|completed|unknown)|canary');
  const text = await (await fetch(`${twin.admin}/stats?filter=${filter}`)).text();
  return text.split('\n').filter((line) => /: \d+$/.test(line));
}

/** What Prometheus scrapes of the same; of histograms how much they hold. */
async function scraped(twin: Twin): Promise<readonly string[]> {
  const filter = encodeURIComponent('vhost|upstream_rq_time');
  const text = await (await fetch(`${twin.admin}/stats/prometheus?filter=${filter}`)).text();
  return text.split('\n').filter((line) => !/_(bucket|sum)\{/.test(line));
}

t.test('counts requests by virtual cluster and route', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    const { ours, envoy } = twins;
    t.same(await counters(ours), await counters(envoy), 'before the first request');
    const outcomes = await runOnBoth(twins, CASES);
    for (const [index, { title }] of CASES.entries()) {
      const [mine, theirs] = outcomes[index] as (typeof outcomes)[number];
      t.same(mine.log, theirs.log, `${title}: log`);
    }
    // Envoy gathers the samples of its histograms once every flush interval.
    const times = async (twin: Twin) => (await scraped(twin)).filter((line) => /_count/.test(line));
    const wanted = (await times(ours)).join();
    const isMerged = async () => (await times(envoy)).join() === wanted;
    await eventually(isMerged).catch(() => t.comment('histograms differ'));
    t.same(await counters(ours), await counters(envoy), 'afterwards');
    t.same(await scraped(ours), await scraped(envoy), 'as scraped');
  });
});
