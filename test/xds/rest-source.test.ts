import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { RestServer, responseJson, restSource } from '../support/discovery-rigs.ts';
import { eventually } from '../support/eventually.ts';

const CDS = TYPE_URLS.cluster;
const content = packed('envoy.config.cluster.v3.Cluster', { name: 'a' });

async function polled(t: { teardown(end: () => void): void }, timeoutMs = 10_000) {
  const server = new RestServer();
  await server.listen();
  const source = restSource(server.port, { requestTimeoutMs: timeoutMs });
  t.teardown(() => {
    source.close();
    server.close();
  });
  const log = new DiscoveryLog();
  const stats = new StatsStore(null);
  const names = new Set([ALL_NAMES]);
  const subscribe = () => source.subscribe({ typeUrl: CDS, names, fetchTimeoutMs: 0, stats }, log);
  return { server, source, log, subscribe, counters: () => stats.snapshot().counters };
}

t.test('posts who it is and what it has, again and again', async (t) => {
  const { server, subscribe } = await polled(t);
  server.body = responseJson(CDS, '7', [{ name: 'a', content }]);
  subscribe();
  await eventually(() => server.requests.length > 2);
  const [first, second] = server.requests;
  t.same([first?.node?.id, first?.versionInfo, second?.versionInfo], ['node', '', '7']);
  const { headers, method, url } = server.heads[0] ?? {};
  t.same([method, url], ['POST', '/v3/discovery:clusters']);
  t.same([headers?.host, headers?.['content-type']], ['xds_cluster', 'application/json']);
});

t.test('304 changes nothing and counts nothing', async (t) => {
  const { counters, log, server, subscribe } = await polled(t);
  server.status = 304;
  subscribe();
  await eventually(() => server.requests.length > 2);
  t.same([log.told, log.failures, counters()['update_failure']], [[], [], 0]);
});

t.test('another status, a broken body and silence are failures, and polls go on', async (t) => {
  const { counters, log, server, subscribe } = await polled(t, 50);
  server.status = 500;
  subscribe();
  await eventually(() => (counters()['update_failure'] ?? 0) > 0);
  t.equal(log.failures[0], 'connection');
  server.status = 200;
  server.body = '{"resources": [{"@type": "no.such/Type"}]}';
  await eventually(() => (counters()['update_rejected'] ?? 0) > 0);
  t.ok(log.failures.includes('rejected'));
  server.isSilent = true;
  const failures = counters()['update_failure'] ?? 0;
  await eventually(() => (counters()['update_failure'] ?? 0) > failures);
  server.isSilent = false;
  server.body = responseJson(CDS, '1', [{ name: 'a', content }]);
  await eventually(() => log.told.includes('a'));
});

t.test('paused, it does not poll', async (t) => {
  const { server, source, subscribe } = await polled(t);
  server.body = responseJson(CDS, '1', []);
  const resume = source.pause(CDS);
  subscribe();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(server.requests.length, 0);
  resume();
  await eventually(() => server.requests.length > 0);
});
