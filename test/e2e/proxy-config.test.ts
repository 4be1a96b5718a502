// `outrigger proxy-config` as people call it: of a running proxy, of a file, and of what is neither.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { callCommand } from '../support/command-host.ts';
import { startProcess, TestDirectory } from '../support/with-process.ts';

const socket = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
const BOOTSTRAP = {
  admin: { address: socket(0) },
  static_resources: {
    listeners: [
      {
        name: 'main',
        address: socket(0),
        filter_chains: [
          {
            filters: [
              {
                name: 'tcp',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
                  ...{ stat_prefix: 't', cluster: 'outbound|80||a.example' },
                },
              },
            ],
          },
        ],
      },
    ],
    clusters: [
      {
        name: 'outbound|80||a.example',
        load_assignment: {
          cluster_name: 'a',
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(7) } }] }],
        },
      },
    ],
  },
};

t.test('shows a running proxy, and what was saved of it', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const config = directory.write('bootstrap.json', BOOTSTRAP);
  const proxy = await startProcess(directory, config, '--concurrency', '1');
  t.teardown(async () => {
    proxy.command.signal('SIGKILL');
    await proxy.command.ended;
  });
  const admin = `127.0.0.1:${proxy.adminPort}`;
  const shown = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await callCommand('pc', ...args, '--admin', admin);
    t.equal(stderr, '', args.join(' '));
    t.equal(code, 0, args.join(' '));
    return stdout;
  };
  t.match(await shown('clusters'), /^a\.example +80 +- +outbound +STATIC$/m);
  t.match(await shown('endpoints', '--port', '7'), /^127\.0\.0\.1:7 +HEALTHY +OK +outbound\|80/m);
  t.match(await shown('log', '--level', 'http:trace'), /^http +trace$/m);
  t.match(await shown('log'), /^http +trace$/m);
  t.match(await shown('log', '--reset'), /^http +warning$/m);
  t.match(JSON.parse(await shown('bootstrap')), { static_resources: { clusters: [{}] } });
  t.match(await shown('bootstrap', '-o', 'short'), /^Envoy Version: +1\.40\.\d+$/m);
  t.equal(await shown('ecds'), 'ECDS NAME     TYPE\n');
  const everything = await shown('all', '--port', '80');
  const titles = ['Envoy', 'SERVICE FQDN', 'ADDRESSES', 'NAME', 'RESOURCE NAME', 'ECDS NAME'];
  t.same(
    everything.split('\n\n').map((table) => titles.find((title) => table.startsWith(title))),
    [...titles, undefined],
    'in the order of istioctl',
  );
  t.match(everything, /^a\.example +80/m);
  const { clusters, endpoints } = JSON.parse(await shown('all', '-o', 'json'));
  t.match([clusters, endpoints], [[{ type: undefined }], [{ host_statuses: [{}] }]]);
  t.match(await shown('clusters', '-o', 'yaml'), /^- name: outbound\|80\|\|a\.example$/m);

  const dump = await (await fetch(`http://${admin}/config_dump`)).text();
  const file = directory.write('dump.json', dump);
  const saved = await callCommand('proxy-config', 'listeners', '--file', file);
  t.match(saved.stdout, /^127\.0\.0\.1 +0 +ALL +Cluster: outbound\|80\|\|a\.example$/m);
  const listed = await callCommand('pc', 'l', '-f', file, '-o', 'json');
  t.match(JSON.parse(listed.stdout), [{ name: 'main' }]);
});

t.test('says what is wrong', async (t) => {
  const usage = await callCommand('pc', 'clusters', '--admin', 'x', '--port', 'y', '-o', 'z');
  t.equal(usage.code, 64);
  for (const reason of ["--admin: 'x'", "--port: 'y'", "--output: 'z'"]) {
    t.ok(usage.stderr.includes(reason), reason);
  }
  const gone = await callCommand('pc', 'clusters', '--admin', '127.0.0.1:1');
  t.equal(gone.code, 1);
  t.match(gone.stderr, /127\.0\.0\.1:1: .*ECONNREFUSED/);
  const missing = await callCommand('pc', 'clusters', '-f', '/nowhere/dump.json');
  t.equal(missing.code, 1);
  t.match(missing.stderr, '/nowhere/dump.json: it cannot be read: ENOENT');

  const site = createServer((_, response) => response.end('<html>hello</html>'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.teardown(() => site.close());
  const other = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  for (const kind of ['routes', 'log']) {
    const { code, stderr } = await callCommand('pc', kind, '--admin', other);
    t.equal(code, 1);
    t.match(stderr, /is this the admin interface\?/);
  }
});
