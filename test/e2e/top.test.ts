// `outrigger top` as people call it: of a scripted admin interface, of a whole proxy, and of Envoy.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { scriptedAdmin } from '../support/scripted-admin.ts';
import { spawnServer } from '../support/spawn-server.ts';
import { LOOKS } from '../support/top-looks.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { RunningCommand, runCommand } from '../support/with-process.ts';

t.test('prints one table without colour when it is piped', async (t) => {
  const admin = await scriptedAdmin(LOOKS);
  t.teardown(() => admin.close());
  const { code, stdout, stderr } = await runCommand(
    ...['top', admin.address, '--once', '--interval', '0.1', '--sort', 'rps'],
  );
  t.equal(code, 0);
  t.equal(stderr, '');
  const lines = stdout.split('\n');
  t.match(lines[0], `${admin.address}  LIVE  up 63s`);
  t.match(lines[1], /^CLUSTER +HEALTH +RQ\/S +OK % +P50 +P95 +P99 +CX/);
  t.match(lines[2], /^reviews +2\/2 +\d+ +100\.0 +1\.1 +3\.1 +3\.1 +5 +4 +0 +0\.0 +-$/);
  t.match(stdout, /10\.0\.1\.2:8080 +check failed, ejected +0\.0 +-/);
  t.notOk(stdout.includes('\u001b'));
});

t.test('prints JSON, arranged in the same way', async (t) => {
  const admin = await scriptedAdmin(LOOKS);
  t.teardown(() => admin.close());
  const { code, stdout } = await runCommand(
    ...['top', admin.address, '--once', '--json', '--interval', '0.1', '--filter', '10.0.1'],
  );
  t.equal(code, 0);
  const { clusters, state } = JSON.parse(stdout);
  t.equal(state, 'LIVE');
  t.match(clusters, [
    {
      name: 'ratings-with-a-rather-long-name',
      latencyMs: { p50: Number },
      ejectedHosts: 1,
      openBreakers: ['rq', 'high.cx'],
      hosts: [
        { address: '10.0.1.1:8080', connections: 1 },
        { health: 'failed_active_health_check,failed_outlier_check' },
      ],
    },
  ]);
  t.equal(clusters.length, 1);
});

t.test('in a pipe it goes on until it is stopped', async (t) => {
  const admin = await scriptedAdmin(LOOKS);
  t.teardown(() => admin.close());
  const run = new RunningCommand(['top', admin.address, '--json', '--interval', '0.1']);
  await eventually(() => run.stdout.split('\n').length > 3);
  run.signal('SIGINT');
  await run.ended;
  const [line = ''] = run.stdout.split('\n');
  t.equal(JSON.parse(line).state, 'LIVE');
});

t.test('says what is wrong', async (t) => {
  const usage = await runCommand('top', 'nowhere', '--sort', 'x', '--interval', '0');
  t.equal(usage.code, 64);
  for (const reason of ["'nowhere' is no admin address", "--sort: 'x'", "--interval: '0'"]) {
    t.ok(usage.stderr.includes(reason), reason);
  }
  const gone = await runCommand('top', '127.0.0.1:1', '--once');
  t.equal(gone.code, 1);
  t.match(gone.stderr, /127\.0\.0\.1:1: .*ECONNREFUSED/);
});

function bootstrap(upstreamPort: number) {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'web',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'a:b' } }],
        },
      ],
    },
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  const socket = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const endpoint = { endpoint: { address: socket(upstreamPort) } };
  return {
    // Envoy shows a histogram's values from the next flush on.
    stats_flush_interval: '0.1s',
    static_resources: {
      listeners: [{ name: 'main', address: socket(0), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        {
          name: 'a:b',
          load_assignment: { cluster_name: 'x', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  };
}

/** Sends requests while the command looks; the row of the cluster that it prints. */
async function watched(admin: string, listener: string): Promise<Record<string, unknown>> {
  const run = runCommand('top', admin, '--once', '--json', '--interval', '1.5');
  let isOver = false;
  const load = async (): Promise<void> => {
    while (!isOver) await (await fetch(`http://${listener}/`)).text();
  };
  const loading = load();
  const { stdout } = await run;
  isOver = true;
  await loading;
  const { clusters } = JSON.parse(stdout);
  return clusters[0];
}

/** Of any proxy under such a load. */
const SEEN = {
  name: 'a:b',
  successPercent: 100,
  ...{ healthyHosts: 1, totalHosts: 1, ejectedHosts: 0, openBreakers: [] },
  latencyMs: { p50: Number, p95: Number, p99: Number },
  hosts: [{ health: 'healthy', successPercent: 100, connections: Number }],
};

t.test('watches a proxy with two workers, and Envoy', async (t) => {
  const upstream = createServer(KEPT, (_, response) => response.end('x'));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const server = await spawnServer(() => bootstrap(port), { flags: ['--concurrency', '2'] });
  const listener = await server.listener('main');
  const addressOf = (url: string): string => new URL(url).host;
  const row = await watched(server.adminAddress, listener);
  server.kill('SIGKILL');
  await server.exited;
  t.match(row, SEEN);
  t.ok(Number(row['requestsPerSecond']) > 1);
  if (withoutEnvoy !== false) return;
  await withEnvoy(bootstrap(port), async (envoy) => {
    const same = await watched(addressOf(envoy.admin), await envoy.listener('main'));
    t.match(same, SEEN);
    t.ok(Number(same['requestsPerSecond']) > 1);
  });
});
