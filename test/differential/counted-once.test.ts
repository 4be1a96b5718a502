// What a process counts once, however many workers it has, beside Envoy: clusters and listeners that
// came, changed and went, and the hosts of a cluster.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster, ResourceFiles } from '../support/resource-files.ts';
import { spawnServer } from '../support/spawn-server.ts';
import { httpListener, type Message, staticCluster } from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';

const COUNTED =
  '^(cluster_manager\\.(active_clusters|warming_clusters|cluster_(added|modified|removed))' +
  '|listener_manager\\.(listener_(added|modified|removed)|total_listeners_(active|warming))' +
  '|cluster\\.(one|two)\\.(membership_(total|healthy|change)|update_empty))$';

type Ask = (path: string) => Promise<string>;

function bootstrap(files: ResourceFiles): Message {
  const dynamic_resources = { cds_config: files.source('cds'), lds_config: files.source('lds') };
  return { node: { id: 'test', cluster: 'test' }, dynamic_resources };
}

/** What is there at the start, and changes with the values that they end in. */
function sequence(files: ResourceFiles, port: number) {
  const one = (members: Message = {}) => edsCluster('one', files.source('eds'), members);
  const start = () => {
    files.write('eds', [assignment('one', [port, port + 1])]);
    files.write('cds', [one(), staticCluster('two', port)]);
    files.write('lds', [httpListener('in', {}), httpListener('other', {})]);
  };
  const steps: readonly (readonly [until: string, value: number, change: () => void])[] = [
    [
      'cluster_manager.cluster_modified',
      1,
      () => files.write('cds', [one({ connect_timeout: '7s' }), staticCluster('two', port)]),
    ],
    [
      'cluster.one.membership_total',
      3,
      () => files.write('eds', [assignment('one', [port, port + 1, port + 2])]),
    ],
    [
      'cluster_manager.cluster_removed',
      1,
      () => files.write('cds', [one({ connect_timeout: '7s' }), staticCluster('three', port)]),
    ],
    [
      'listener_manager.listener_modified',
      1,
      () =>
        files.write('lds', [
          { ...httpListener('in', {}), per_connection_buffer_limit_bytes: 4096 },
          httpListener('other', {}),
        ]),
    ],
    [
      'listener_manager.listener_removed',
      1,
      () =>
        files.write('lds', [
          { ...httpListener('in', {}), per_connection_buffer_limit_bytes: 4096 },
        ]),
    ],
  ];
  return { start, steps };
}

async function valuesOf(ask: Ask): Promise<Readonly<Record<string, number>>> {
  const text = await ask(`/stats?filter=${encodeURIComponent(COUNTED)}`);
  const lines = text.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), Number(line.split(' ')[1])]),
  );
}

/** The counts at the start and after each step. */
async function run(ask: Ask, steps: ReturnType<typeof sequence>['steps']) {
  const seen = [await valuesOf(ask)];
  for (const [until, value, change] of steps) {
    change();
    await eventually(async () => (await valuesOf(ask))[until] === value);
    await eventually(async () => {
      const { 'cluster_manager.warming_clusters': clusters, ...all } = await valuesOf(ask);
      return clusters === 0 && all['listener_manager.total_listeners_warming'] === 0;
    });
    seen.push(await valuesOf(ask));
  }
  return seen;
}

t.test(
  'counts of the process are Envoy’s though there are two workers',
  { skip: withoutEnvoy },
  async (t) => {
    const port = await closedPort();
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'counted-'));
    t.teardown(() => fs.rmSync(directory, { recursive: true }));
    const files = new ResourceFiles(directory);
    const { start, steps } = sequence(files, port);
    start();
    let expected: Awaited<ReturnType<typeof run>> = [];
    await withEnvoy(bootstrap(files), async ({ admin }) => {
      expected = await run(async (path) => (await fetch(admin + path)).text(), steps);
    });
    start();
    const proxy = await spawnServer(() => bootstrap(files), { flags: ['--concurrency', '2'] });
    t.same(await run((path) => proxy.admin(path), steps), expected);
    proxy.kill('SIGKILL');
    await proxy.exited;
  },
);
