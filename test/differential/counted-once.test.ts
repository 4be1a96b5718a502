// What a process counts once, however many workers it has, beside Envoy: clusters and listeners that
// came, changed and went, and the hosts of a cluster.
import fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster, ResourceFiles } from '../support/resource-files.ts';
import { spawnServer } from '../support/spawn-server.ts';
import { httpListener, type Message, staticCluster } from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';

const COUNTED =
  '^(cluster_manager\\.(active_clusters|warming_clusters|cluster_(added|modified|removed|updated))' +
  '|listener_manager\\.(listener_(added|modified|removed|in_place_updated|create_.*|stopped)' +
  '|total_listeners_(active|warming))' +
  '|cluster\\.(one|two)\\.(membership_(total|healthy|change)|update_empty))$';
/** As many as there are workers for each listener, with Envoy as here. */
const CREATED = 'listener_manager.listener_create_success';

const WORKERS = 2;

type Counts = Readonly<Record<string, number>>;
/** What counts have to be; undefined: there is no such count any more. */
type Goal = Readonly<Record<string, number | undefined>>;
type Ask = (path: string) => Promise<string>;

function bootstrap(files: ResourceFiles): Message {
  const dynamic_resources = { cds_config: files.source('cds'), lds_config: files.source('lds') };
  return { node: { id: 'test', cluster: 'test' }, dynamic_resources };
}

/** What is there at the start, and changes, each with counts that say that it was taken over. */
function sequence(files: ResourceFiles, port: number) {
  const one = (members: Message = {}) => edsCluster('one', files.source('eds'), members);
  const slow = one({ connect_timeout: '7s' });
  const small = { ...httpListener('in', {}), per_connection_buffer_limit_bytes: 4096 };
  const start = () => {
    files.write('eds', [assignment('one', [port, port + 1])]);
    files.write('cds', [one(), staticCluster('two', port)]);
    files.write('lds', [httpListener('in', {}), httpListener('other', {})]);
  };
  const steps: readonly (readonly [until: Goal, change: () => unknown])[] = [
    [{ [CREATED]: 2 * WORKERS }, () => undefined],
    [
      { 'cluster_manager.cluster_modified': 1, 'cluster.one.membership_change': 2 },
      () => files.write('cds', [slow, staticCluster('two', port)]),
    ],
    [
      { 'cluster_manager.cluster_updated': 1, 'cluster.one.membership_healthy': 3 },
      () => files.write('eds', [assignment('one', [port, port + 1, port + 2])]),
    ],
    [
      {
        'cluster_manager.cluster_removed': 1,
        'cluster_manager.active_clusters': 2,
        'cluster.two.membership_total': undefined,
      },
      () => files.write('cds', [slow, staticCluster('three', port)]),
    ],
    [
      { 'listener_manager.listener_modified': 1, [CREATED]: 3 * WORKERS },
      () => files.write('lds', [small, httpListener('other', {})]),
    ],
    [
      { 'listener_manager.listener_modified': 2, [CREATED]: 4 * WORKERS },
      () => files.write('lds', [small, httpListener('other', changed(1))]),
    ],
    [
      {
        'listener_manager.listener_removed': 1,
        'listener_manager.total_listeners_active': 1,
      },
      () => files.write('lds', [small]),
    ],
    [
      { 'listener_manager.listener_create_failure': 1 },
      () => files.write('lds', [small, taken(port)]),
    ],
  ];
  return { start, steps };
}

/** Only its filter chain is another one each time. */
function changed(round: number): Message {
  return { virtual_hosts: [{ name: `round-${round}`, domains: ['*'] }] };
}

function taken(port_value: number): Message {
  const address = { socket_address: { address: '127.0.0.1', port_value } };
  return { ...httpListener('taken', {}), address };
}

async function valuesOf(ask: Ask): Promise<Counts> {
  const text = await ask(`/stats?filter=${encodeURIComponent(COUNTED)}`);
  const lines = text.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), Number(line.split(' ')[1])]),
  );
}

/** Resolves with all counts once these are what they are to be. */
async function reached(ask: Ask, until: Goal): Promise<Counts> {
  let values: Counts = {};
  await eventually(async () => {
    values = await valuesOf(ask);
    const still = {
      'cluster_manager.warming_clusters': 0,
      'listener_manager.total_listeners_warming': 0,
    };
    return Object.entries({ ...still, ...until }).every(([name, value]) => values[name] === value);
  });
  return values;
}

/** The counts after each step. */
async function run(ask: Ask, steps: ReturnType<typeof sequence>['steps']) {
  const seen: Counts[] = [];
  for (const [until, change] of steps) {
    change();
    seen.push(await reached(ask, until));
  }
  return seen;
}

t.test(
  'counts of the process are Envoy’s, and go on when workers are replaced',
  { skip: withoutEnvoy },
  async (t) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'counted-'));
    t.teardown(() => {
      holder.close();
      fs.rmSync(directory, { recursive: true });
    });
    const files = new ResourceFiles(directory);
    const { start, steps } = sequence(files, port);
    const flags = ['--concurrency', String(WORKERS)];
    start();
    let expected: readonly Counts[] = [];
    await withEnvoy(
      bootstrap(files),
      async ({ admin }) => {
        expected = await run(async (path) => (await fetch(admin + path)).text(), steps);
      },
      flags,
    );
    start();
    const proxy = await spawnServer(() => bootstrap(files), { flags });
    const ask: Ask = (path) => proxy.admin(path);
    const seen = await run(ask, steps);
    t.same(seen, expected);

    let before = seen.at(-1) as Counts;
    const replaced: readonly (readonly [string, () => void])[] = [
      ['on purpose', () => proxy.kill('SIGUSR2')],
      ['for being killed', () => process.kill(workersOf(proxy.pid)[0] as number, 'SIGKILL')],
    ];
    for (const [round, [how, replace]] of replaced.entries()) {
      const { [CREATED]: created = 0 } = before;
      const workers = workersOf(proxy.pid);
      replace();
      // Each worker that takes a place makes the only listener anew.
      const anew = round === 0 ? WORKERS : 1;
      before = { ...before, [CREATED]: created + anew };
      await eventually(() => {
        const now = workersOf(proxy.pid);
        return (
          now.length === WORKERS && now.filter((pid) => !workers.includes(pid)).length === anew
        );
      });
      t.same(await reached(ask, { [CREATED]: created + anew }), before, `replaced ${how}`);
      const again = {
        ...httpListener('in', changed(round)),
        per_connection_buffer_limit_bytes: 4096,
      };
      files.write('lds', [again]);
      files.write('eds', [assignment('one', [port, port + 1, ...(round === 0 ? [] : [port + 2])])]);
      const [hosts, modified, inPlace, updated, change] = [
        'cluster.one.membership_healthy',
        'listener_manager.listener_modified',
        'listener_manager.listener_in_place_updated',
        'cluster_manager.cluster_updated',
        'cluster.one.membership_change',
      ] as const;
      const more = (name: string) => (before[name] ?? 0) + 1;
      const next: Counts = {
        ...before,
        ...{
          [CREATED]: created + anew + WORKERS,
          [modified]: more(modified),
          [inPlace]: more(inPlace),
        },
        ...{ [updated]: more(updated), [change]: more(change), [hosts]: 2 + round },
        'cluster.one.membership_total': 2 + round,
      };
      const until = [CREATED, modified, updated].map((name) => [name, next[name] as number]);
      t.same(await reached(ask, Object.fromEntries(until)), next);
      before = next;
    }
    proxy.kill('SIGKILL');
    await proxy.exited;
  },
);

function workersOf(pid: number): readonly number[] {
  const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
