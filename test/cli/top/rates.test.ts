// What two samples say of the time between them.
import t from 'tap';
import { compareSamples } from '../../../proxy/cli/top/rates.ts';
import { readSample, type Sample } from '../../../proxy/cli/top/sample.ts';
import { clustersJson, type ScriptedCluster, statsJson } from '../../support/scripted-admin.ts';

function sample(clusters: readonly ScriptedCluster[], takenMs: number): Sample {
  const answers = { serverInfo: {}, clusters: clustersJson(clusters), stats: statsJson(clusters) };
  const read = readSample(answers, takenMs);
  if (read === null) throw new Error('no sample');
  return read;
}

function cluster(more: Partial<ScriptedCluster>): ScriptedCluster {
  return { name: 'c', hosts: [], ...more };
}

t.test('quantiles are those of the interval, not of the life of the proxy', (t) => {
  const before = sample([cluster({ latency: [[1, 0.1, 1000]] })], 0);
  const after = sample(
    [
      cluster({
        latency: [
          [1, 0.1, 1000],
          [40, 1, 3],
        ],
      }),
    ],
    2000,
  );
  const { clusters, seconds } = compareSamples(before, after);
  t.equal(seconds, 2);
  t.same(clusters[0]?.latencyMs, { p50: 40.5, p95: 40.75, p99: 40.75 });
  t.end();
});

t.test('counters that fell were reset: what they count now is new', (t) => {
  const before = sample([cluster({ stats: { upstream_rq_total: 1000 } })], 0);
  const after = sample([cluster({ stats: { upstream_rq_total: 30 } })], 1000);
  t.equal(compareSamples(before, after).clusters[0]?.requestsPerSecond, 30);
  t.end();
});

t.test('nothing that ended says nothing of success', (t) => {
  const idle = sample([cluster({ hosts: [{ address: '10.0.0.1', port: 1 }] })], 0);
  const [row] = compareSamples(idle, { ...idle, takenMs: 1000 }).clusters;
  t.equal(row?.successPercent, null);
  t.equal(row?.latencyMs, null);
  t.equal(row?.hosts[0]?.successPercent, null);
  t.end();
});

t.test('addresses of every kind are written as /clusters does', (t) => {
  const addresses = [
    { socket_address: { address: '::1', port_value: 80 } },
    { pipe: { path: '/run/x' } },
    { envoy_internal_address: { server_listener_name: 'inside', endpoint_id: 'e' } },
  ];
  const clusters = {
    cluster_statuses: [{ name: 'c', host_statuses: addresses.map((address) => ({ address })) }],
  };
  const read = readSample({ serverInfo: null, clusters, stats: { stats: [] } }, 0);
  const texts = read?.clusters[0]?.hosts.map(({ address }) => address);
  t.same(texts, ['[::1]:80', '/run/x', 'envoy://inside/e']);
  t.end();
});

t.test('answers of something else are no sample', (t) => {
  t.equal(readSample({ serverInfo: {}, clusters: {}, stats: 'x' }, 0), null);
  t.equal(readSample({ serverInfo: [], clusters: null, stats: {} }, 0), null);
  t.same(readSample({ serverInfo: [], clusters: 1, stats: { stats: [1, null] } }, 0)?.clusters, []);
  t.end();
});
