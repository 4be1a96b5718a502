// Our printers beside Envoy's: Envoy's own statistics, read as JSON, must come out of ours as the
// same text, JSON and Prometheus text that Envoy prints.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { DEFAULT_BOUNDS } from '../../proxy/stats/distribution.ts';
import { bucketIndex } from '../../proxy/stats/histogram.ts';
import { statsAsJson } from '../../proxy/stats/json.ts';
import { statsAsPrometheus } from '../../proxy/stats/prometheus.ts';
import { selectStats } from '../../proxy/stats/selection.ts';
import {
  EMPTY_SNAPSHOT,
  type HistogramSnapshot,
  type StatsSnapshot,
} from '../../proxy/stats/snapshot.ts';
import { TagExtractor } from '../../proxy/stats/tags.ts';
import { statsAsText } from '../../proxy/stats/text.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';

/** Sizes of request bodies: each becomes a sample of a histogram. */
const BODY_SIZES = [0, 5, 9, 10, 57, 99, 100, 110, 290, 1001, 12_399];
/** What changes by itself, or by being looked at. */
const UNSTABLE = `&invert_filter&filter=${encodeURIComponent('admin|server\\.|filesystem|overload')}`;
const DISPLAYS = ['summary', 'cumulative', 'disjoint', 'detailed'] as const;
const TAGS = [
  { name: 'zone', fixedValue: 'z"1\\' },
  { name: 'my.tag', regex: '^cluster\\.((a)\\.)' },
];

interface Bucket {
  readonly lower_bound: number;
  readonly count: number;
}

interface StatJson {
  readonly name: string;
  readonly value: number;
  readonly histograms?: {
    readonly details: readonly {
      readonly name: string;
      readonly totals: readonly Bucket[];
      readonly intervals: readonly Bucket[];
    }[];
  };
}

t.test('prints what Envoy prints', { skip: withoutEnvoy }, async (t) => {
  const upstream = http.createServer(KEPT, (request, response) => {
    request.resume().once('end', () => response.end('ok'));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  await withEnvoy(bootstrapTo(port), async ({ admin, listener }) => {
    const read = async (query: string) => (await fetch(`${admin}${query}`)).text();
    const proxy = `http://${await listener('named')}`;
    for (const size of BODY_SIZES) {
      const answer = await fetch(proxy, { method: 'POST', body: 'x'.repeat(size) });
      await answer.text();
    }
    await eventually(async () => {
      const text = await read(
        '/stats?type=Histograms&filter=rq_body_size&histogram_buckets=detailed',
      );
      return text.includes('12000,1000:1') && text.includes('intervals=\n');
    });
    const selected = selectStats(await snapshotOf(read), {
      usedOnly: false,
      filter: null,
      invertFilter: false,
      type: 'All',
    });
    const boundsOf = (name: string) => (name.startsWith('http.') ? [1, 10, 100] : DEFAULT_BOUNDS);
    for (const display of DISPLAYS) {
      const query = `histogram_buckets=${display}${UNSTABLE}`;
      t.same(
        linesOf(statsAsText(selected, display, boundsOf)),
        linesOf(await read(`/stats?${query}`)),
      );
      const json = statsAsJson(selected, display, boundsOf);
      t.same(JSON.parse(json), JSON.parse(await read(`/stats?format=json&${query}`)));
    }
    const options = { tags: new TagExtractor(true, TAGS), boundsOf, asSummary: false };
    const ours = await statsAsPrometheus(selected, { ...options, withTextReadouts: false });
    t.same(withoutSums(ours), withoutSums(await read(`/stats/prometheus?${UNSTABLE}`)));
  });
  upstream.close();
});

function linesOf(text: string): readonly string[] {
  return text.split('\n');
}

/** Envoy guesses sums from buckets, ours are exact. */
function withoutSums(text: string): readonly string[] {
  return linesOf(text).filter((line) => !line.includes('_sum{'));
}

async function snapshotOf(read: (query: string) => Promise<string>): Promise<StatsSnapshot> {
  const stats = async (query: string): Promise<readonly StatJson[]> =>
    JSON.parse(await read(`/stats?format=json&${query}${UNSTABLE}`)).stats;
  const numbers = async (type: string) =>
    Object.fromEntries((await stats(`type=${type}`)).map(({ name, value }) => [name, value]));
  const [list] = await stats('type=Histograms&histogram_buckets=detailed');
  const histograms: Record<string, HistogramSnapshot> = {};
  for (const { name, totals, intervals } of list?.histograms?.details ?? []) {
    const count = totals.reduce((sum, bucket) => sum + bucket.count, 0);
    const buckets = totals.flatMap(pairOf);
    histograms[name] = {
      ...{ unit: 'unspecified', sum: 0, count, buckets },
      intervalBuckets: intervals.flatMap(pairOf),
    };
  }
  const counters = await numbers('Counters');
  const gauges = await numbers('Gauges');
  return { ...EMPTY_SNAPSHOT, counters, gauges, histograms };
}

function pairOf(bucket: Bucket): readonly number[] {
  return [bucketIndex(Math.round(bucket.lower_bound)), bucket.count];
}

function bootstrapTo(port: number): Readonly<Record<string, unknown>> {
  const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.extensions.${name}` });
  const address = (value: number) => ({
    socket_address: { address: '127.0.0.1', port_value: value },
  });
  const manager = {
    ...type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'ingress',
    route_config: {
      virtual_hosts: [
        {
          name: 'vh1',
          domains: ['*'],
          virtual_clusters: [
            { name: 'vc1', headers: [{ name: ':path', string_match: { prefix: '/v' } }] },
          ],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'a' }, stat_prefix: 'rt1' }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: type('filters.http.router.v3.Router') },
    ],
  };
  const cluster = (name: string) => ({
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
  });
  return {
    stats_flush_interval: '0.2s',
    stats_config: {
      stats_tags: TAGS.map((tag) => ({
        tag_name: tag.name,
        ...('regex' in tag ? { regex: tag.regex } : { fixed_value: tag.fixedValue }),
      })),
      histogram_bucket_settings: [{ match: { prefix: 'http.' }, buckets: [1, 10, 100] }],
    },
    static_resources: {
      listeners: [
        {
          name: 'named',
          address: address(0),
          filter_chains: [
            {
              filters: [
                { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
              ],
            },
          ],
        },
      ],
      clusters: [
        { ...cluster('a'), track_cluster_stats: { request_response_sizes: true } },
        cluster('a-b'),
        cluster('a.b'),
      ],
    },
  };
}
