// The tables of recorded dumps, one of Envoy and one of our own with the same configuration, as the
// golden files of test/golden/proxy-config have them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { bootstrapTable } from '../../../proxy/cli/proxy-config/bootstrap-table.ts';
import { clusterTable, selectClusters } from '../../../proxy/cli/proxy-config/cluster-table.ts';
import { type Dump, parseDump, type Result } from '../../../proxy/cli/proxy-config/dump.ts';
import { extensionTable, selectExtensions } from '../../../proxy/cli/proxy-config/ecds-table.ts';
import { endpointTable, selectEndpoints } from '../../../proxy/cli/proxy-config/endpoint-table.ts';
import { listenerTable, selectListeners } from '../../../proxy/cli/proxy-config/listener-table.ts';
import { answerText } from '../../../proxy/cli/proxy-config/output.ts';
import { routeTable, selectRoutes } from '../../../proxy/cli/proxy-config/route-table.ts';
import { domainsText, matchText } from '../../../proxy/cli/proxy-config/route-text.ts';
import { secretTable, selectSecrets } from '../../../proxy/cli/proxy-config/secret-table.ts';
import { tableText } from '../../../proxy/cli/proxy-config/text-table.ts';

const GOLDEN = fileURLToPath(new URL('../../../../test/golden/proxy-config/', import.meta.url));
const WHEN_VALID = Date.parse('2026-12-01T00:00:00Z');
const WHEN_EXPIRED = Date.parse('2027-01-01T00:00:00Z');
const ANY_LISTENER = { address: '', port: null, type: '' };
const ANY_CLUSTER = { fqdn: '', port: null, direction: '', subset: '' };
const ANY_ENDPOINT = { address: '', port: null, cluster: '', status: '' };

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

function recorded(name: string): Dump {
  return must(parseDump(readFileSync(`${GOLDEN}${name}.json`, 'utf8')));
}

function dumpOf(type: string, content: object): Dump {
  const configs = [{ '@type': `type.googleapis.com/envoy.admin.v3.${type}`, ...content }];
  return must(parseDump(JSON.stringify({ configs })));
}

function everything(dump: Dump): string {
  const listeners = must(selectListeners(dump, ANY_LISTENER));
  const routes = must(selectRoutes(dump, { name: '' }));
  const tables = [
    listenerTable(listeners, true),
    listenerTable(listeners, false),
    routeTable(routes, true),
    routeTable(routes, false),
    clusterTable(must(selectClusters(dump, ANY_CLUSTER))),
    endpointTable(must(selectEndpoints(dump, ANY_ENDPOINT)).rows),
    secretTable(must(selectSecrets(dump, WHEN_VALID))),
  ];
  return tables.map(tableText).join('\n');
}

for (const name of ['envoy', 'outrigger']) {
  t.test(`prints the tables of a dump of ${name}`, async (t) => {
    t.equal(everything(recorded(name)), readFileSync(`${GOLDEN}${name}.txt`, 'utf8'));
  });
}

t.test('leaves out what is not asked for', async (t) => {
  const dump = recorded('envoy');
  const listeners = (filter: object) =>
    must(selectListeners(dump, { ...ANY_LISTENER, ...filter })).map(({ name }) => name);
  t.same(listeners({ port: 24_311 }), ['all']);
  t.same(listeners({ type: 'http' }), ['web']);
  t.same(listeners({ type: 'UNKNOWN' }), ['hole']);
  t.same(listeners({ address: '10.0.0.1' }), []);
  const clusters = (filter: object) =>
    must(selectClusters(dump, { ...ANY_CLUSTER, ...filter })).map(({ name }) => name);
  const reviews = ['outbound|9080|v2|reviews.default.svc.cluster.local'];
  t.same(clusters({ fqdn: 'reviews' }), reviews);
  t.same(clusters({ port: 9080, direction: 'outbound', subset: 'v2' }), reviews);
  t.same(clusters({ direction: 'inbound' }), []);
  t.same(
    must(selectRoutes(dump, { name: '9080' })).map(({ name }) => name),
    ['9080'],
  );
  const endpoints = (filter: object) =>
    must(selectEndpoints(dump, { ...ANY_ENDPOINT, ...filter })).rows.length;
  t.equal(endpoints({ cluster: 'local' }), 2);
  t.equal(endpoints({ port: 2, address: '127.0.0.2' }), 1);
  t.equal(endpoints({ status: 'nothing' }), 0);
});

t.test('lists configurations of filters by type and name', async (t) => {
  const filter = (name: string, type: string) => ({
    ecds_filter: { '@type': 't/E', name, typed_config: { '@type': `type.googleapis.com/${type}` } },
  });
  const dump = dumpOf('EcdsConfigDump', {
    ecds_filters: [filter('b', 'x.B'), filter('c', 'x.A'), filter('a', 'x.B'), {}],
  });
  const found = must(selectExtensions(dump));
  t.same(extensionTable(found), {
    titles: ['ECDS NAME', 'TYPE'],
    rows: [
      ['c', 'x.A'],
      ['a', 'x.B'],
      ['b', 'x.B'],
    ],
  });
  t.same(must(selectExtensions(recorded('envoy'))), []);
});

t.test('says of a bootstrap which versions run', async (t) => {
  const version = { major_number: 1, minor_number: 36 };
  const metadata = { 'build.label': 'dev', 'build.type': 'RELEASE', 'ssl.version': 'BoringSSL' };
  const node = {
    metadata: { ISTIO_VERSION: '1.24.0', ISTIO_PROXY_SHA: 'envoy:abc' },
    user_agent_build_version: { version, metadata },
  };
  const text = answerText({ table: () => bootstrapTable({ node }), json: () => node }, 'short');
  t.equal(
    text.replace(/ +/g, ' '),
    'Istio Version: 1.24.0\nIstio Proxy Version: abc\nEnvoy Version: 1.36.0-dev/RELEASE/BoringSSL\n',
  );
  t.same(bootstrapTable({}), { titles: [], rows: [] });
});

t.test('reads dynamic resources, also of a program that writes lowerCamelCase', async (t) => {
  const listener = {
    name: 'd',
    address: { pipe: { path: '/run/x' } },
    filterChains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typedConfig: { rds: { routeConfigName: '80' } },
          },
        ],
      },
    ],
  };
  const dump = dumpOf('ListenersConfigDump', {
    dynamicListeners: [
      { name: 'd', activeState: { listener } },
      { name: 'later', warmingState: { listener } },
    ],
  });
  const found = must(selectListeners(dump, ANY_LISTENER));
  t.same(listenerTable(found, true).rows, [['/run/x', '0', 'ALL', 'Route: 80']]);
});

t.test('shows health as a running proxy sees it', async (t) => {
  const address = { socket_address: { address: '10.0.0.1', port_value: 80 } };
  const host = (health_status: object) => ({ address, health_status });
  const statuses = [
    host({ eds_health_status: 'HEALTHY', failed_outlier_check: true }),
    host({ eds_health_status: 'HEALTHY', failed_active_health_check: true }),
    { address: { pipe: { path: '/run/s' } }, health_status: {} },
  ];
  const dump = must(
    parseDump(JSON.stringify({ cluster_statuses: [{ name: 'c', host_statuses: statuses }] })),
  );
  t.same(endpointTable(must(selectEndpoints(dump, ANY_ENDPOINT)).rows).rows, [
    ['10.0.0.1:80', 'HEALTHY', 'FAILED', 'c'],
    ['10.0.0.1:80', 'UNHEALTHY', 'OK', 'c'],
    ['unix:///run/s', 'HEALTHY', 'OK', 'c'],
  ]);
});

t.test('says when certificates are over, and when a secret is not there', async (t) => {
  const expired = must(selectSecrets(recorded('envoy'), WHEN_EXPIRED));
  t.match(expired, [
    { name: 'default', valid: false, state: 'ACTIVE' },
    { name: 'ROOTCA', valid: true },
  ]);
  const tls_certificate = { certificate_chain: { filename: '/x.pem' } };
  const dump = dumpOf('SecretsConfigDump', {
    dynamic_active_secrets: [
      { name: 'file', secret: { tls_certificate } },
      { name: 'none', version_info: 'uninitialized', secret: { name: 'none' } },
      { name: 'keys', secret: { session_ticket_keys: { keys: [{ inline_string: 'hidden' }] } } },
    ],
    dynamic_warming_secrets: [{ name: 'later', secret: { name: 'later' } }],
  });
  const rows = must(selectSecrets(dump, WHEN_VALID));
  t.match(rows, [
    { name: 'later', state: 'WARMING', valid: false },
    { name: 'file', state: 'ACTIVE', valid: null },
    { name: 'none', state: 'UNINITIALIZED', valid: false },
    { name: 'keys', type: 'Session Ticket Keys', valid: null },
  ]);
  t.notMatch(JSON.stringify(rows), 'hidden');
});

t.test('hides keys that a dump of others did not hide', async (t) => {
  const key = {
    privateKey: { inlineString: 'the key' },
    private_key: { inline_string: 'the key' },
  };
  const table = () => ({ titles: ['A'], rows: [] });
  for (const format of ['json', 'yaml'] as const) {
    const printed = answerText({ table, json: () => [key] }, format);
    t.notMatch(printed, 'the key');
    t.match(printed, '[redacted]');
  }
});

t.test('shortens domains, and says what is matched', async (t) => {
  t.equal(domainsText(['a.example:80']), 'a.example:80');
  t.equal(domainsText(['r', 'r:80', 'r.ns', 'r.ns.svc', 'r.ns.svc.cluster.local']), 'r, r.ns');
  t.equal(domainsText(['[::1]', '[::1]:80', 'a', 'b']), '[::1], a + 1 more...');
  t.equal(matchText({ connect_matcher: {} }), 'CONNECT');
});

t.test('nothing in a table steers the terminal', async (t) => {
  const text = tableText({ titles: ['A'], rows: [['\u001b[31m']] });
  t.notOk(text.includes('\u001b'));
});
