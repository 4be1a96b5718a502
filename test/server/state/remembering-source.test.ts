import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import { StateDirectory } from '../../../proxy/server/state/state-directory.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import type {
  DiscoveryRequest,
  DiscoverySink,
  DiscoveryUpdate,
  OpenSource,
} from '../../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { eventually } from '../../support/eventually.ts';

const { cluster: CLUSTER, endpoint: ENDPOINT, secret: SECRET } = TYPE_URLS;
const root = mkdtempSync(join(tmpdir(), 'outrigger-state-'));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
let directories = 0;

function newDirectory(): string {
  directories += 1;
  return join(root, String(directories));
}

/** A server that says what the test says. */
class FakeServer implements OpenSource {
  readonly isConnected = true;
  readonly sinks: DiscoverySink[] = [];
  readonly refused: string[] = [];

  subscribe(_request: DiscoveryRequest, sink: DiscoverySink) {
    this.sinks.push(sink);
    const refuse = (names: readonly string[]) => this.refused.push(...names);
    return { setNames: () => undefined, refuse, close: () => undefined };
  }

  pause(): () => void {
    return () => undefined;
  }

  reports(): readonly [] {
    return [];
  }

  close(): void {}

  say(typeUrl: string, contents: Readonly<Record<string, string>>, isWhole = true): string {
    const resources = Object.entries(contents).map(([name, text]) => resource(typeUrl, name, text));
    const update = { typeUrl, version: '1', resources, removed: [], isWhole };
    return this.sinks.map((sink) => sink.onUpdate(update)).join();
  }
}

function resource(typeUrl: string, name: string, text: string) {
  const content = { $typeName: 'google.protobuf.Any' as const, typeUrl, value: Buffer.from(text) };
  return { name, version: '1', content };
}

/** Who is told, and refuses what it is told to. */
class Listener implements DiscoverySink {
  readonly told: string[] = [];
  readonly bad = new Set<string>();

  onUpdate({ resources, removed, isWhole }: DiscoveryUpdate): string {
    const texts = resources.map(({ name, content }) => `${name}=${Buffer.from(content.value)}`);
    this.told.push([isWhole ? 'all' : 'some', ...texts, ...removed.map((n) => `-${n}`)].join(' '));
    return resources.some(({ name }) => this.bad.has(name)) ? 'bad' : '';
  }

  onFailure(failure: string): void {
    this.told.push(failure);
  }

  isRefused(name: string): boolean {
    return this.bad.has(name);
  }
}

interface Run {
  readonly state: StateDirectory;
  readonly server: FakeServer;
  readonly stats: StatsStore;
  subscribe(typeUrl: string, ...names: string[]): Promise<Listener & { close(): void }>;
}

/** One life of a process. */
function begin(path: string, options: { id?: string; server?: string } = {}): Run {
  const stats = new StatsStore(null);
  const node = { id: options.id ?? 'me', cluster: 'c' };
  const log = SILENT_LOG.logger('main');
  const parts = { path, node, stats, log, wallMs: () => 5_000, quietMs: 20 };
  const state = new StateDirectory(parts);
  const server = new FakeServer();
  const source = state.remember(server, options.server ?? 'xds');
  return {
    ...{ state, server, stats },
    subscribe: async (typeUrl, ...names) => {
      const listener = new Listener();
      const request = { typeUrl, names: new Set(names), fetchTimeoutMs: 0, stats: null };
      const subscription = source.subscribe(request, listener);
      await Promise.resolve();
      return Object.assign(listener, {
        close: () => subscription.close(),
        ...refuser(subscription),
      });
    },
  };
}

function refuser(subscription: { refuse(names: readonly string[], reason: string): void }) {
  return { refuse: (name: string) => subscription.refuse([name], 'of no use') };
}

function stat({ state, stats }: Run, name: string): number {
  state.beforeStats();
  const { counters, gauges } = stats.snapshot();
  return counters[name] ?? gauges[name] ?? 0;
}

t.test('tells what was accepted until the server speaks', async (t) => {
  const path = newDirectory();
  const first = begin(path);
  const clusters = await first.subscribe(CLUSTER, '*');
  t.same(clusters.told, [], 'nothing was saved yet');
  clusters.bad.add('b');
  t.equal(first.server.say(CLUSTER, { a: '1', b: '1', c: '1' }), 'bad');
  clusters.bad.clear();
  first.server.say(CLUSTER, { a: '1', b: '2' });
  first.state.stop();

  const second = begin(path);
  const again = await second.subscribe(CLUSTER, '*');
  t.same(again.told, ['all a=1 b=2']);
  t.equal(stat(second, 'server.state_in_use'), 1);
  second.server.say(CLUSTER, { b: '2', d: '4' });
  t.same(again.told.slice(1), ['all b=2 d=4'], 'what the server says takes its place');
  t.equal(stat(second, 'server.state_in_use'), 0);
  const late = await second.subscribe(CLUSTER, '*');
  t.same(late.told, [], 'who comes later waits for the server');
  second.state.stop();
});

t.test('gives up what an incremental server does not speak of', async (t) => {
  const path = newDirectory();
  const first = begin(path);
  await first.subscribe(CLUSTER, '*');
  first.server.say(CLUSTER, { a: '1', b: '1', c: '1' }, false);
  first.state.stop();
  const second = begin(path);
  const clusters = await second.subscribe(CLUSTER, '*');
  second.server.say(CLUSTER, { b: '1' }, false);
  second.server.say(CLUSTER, { c: '2' }, false);
  await eventually(() => clusters.told.length === 4);
  t.same(clusters.told, ['all a=1 b=1 c=1', 'some b=1', 'some c=2', 'some -a']);
  second.state.stop();
  const third = begin(path);
  t.same((await third.subscribe(CLUSTER, '*')).told, ['all b=1 c=2']);
  third.state.stop();
});

t.test('keeps the last good version of what is refused, then or later', async (t) => {
  const path = newDirectory();
  const first = begin(path);
  const clusters = await first.subscribe(CLUSTER, '*');
  first.server.say(CLUSTER, { a: '1', b: '1', c: '1' });
  clusters.bad.add('a');
  first.server.say(CLUSTER, { a: '2', b: '2', c: '1' });
  (clusters as unknown as { refuse(name: string): void }).refuse('b');
  t.same(first.server.refused, ['b'], 'the server hears of it');
  first.state.stop();
  const second = begin(path);
  t.same((await second.subscribe(CLUSTER, '*')).told, ['all a=1 b=1 c=1']);
  second.state.stop();
});

t.test('keeps what is subscribed to by name as long as it is', async (t) => {
  const path = newDirectory();
  const first = begin(path);
  const x = await first.subscribe(ENDPOINT, 'x');
  first.server.say(ENDPOINT, { x: '1' }, false);
  await first.subscribe(ENDPOINT, 'y');
  void first.server.sinks[1]?.onUpdate({
    ...{ typeUrl: ENDPOINT, version: '1', removed: [], isWhole: false },
    resources: [resource(ENDPOINT, 'y', '2')],
  });
  x.close();
  first.state.stop();
  const second = begin(path);
  t.same((await second.subscribe(ENDPOINT, 'x')).told, []);
  const y = await second.subscribe(ENDPOINT, 'y');
  t.same(y.told, ['some y=2']);
  second.server.sinks[1]?.onFailure('fetch-timeout');
  t.same(y.told.length, 1, 'it does not wait');
  second.state.stop();
  const third = begin(path);
  t.same((await third.subscribe(ENDPOINT, 'y')).told, ['some y=2'], 'ends are no releases');
  third.state.stop();
});

t.test('is of one node and one server, and survives whatever lies there', async (t) => {
  const path = newDirectory();
  const first = begin(path);
  await first.subscribe(CLUSTER, '*');
  first.server.say(CLUSTER, { a: '1' });
  first.state.stop();
  const other = begin(path, { id: 'other' });
  t.same((await other.subscribe(CLUSTER, '*')).told, []);
  t.equal(stat(other, 'server.state_ignored'), 1);
  other.state.stop();
  const elsewhere = begin(path, { server: 'elsewhere' });
  t.same((await elsewhere.subscribe(CLUSTER, '*')).told, []);
  elsewhere.state.stop();
  const [file = ''] = readdirSync(path);
  t.equal(statSync(join(path, file)).mode & 0o777, 0o600);
  writeFileSync(join(path, file), 'outrigger state 1\nrubbish');
  const damaged = begin(path);
  t.same((await damaged.subscribe(CLUSTER, '*')).told, []);
  t.equal(stat(damaged, 'server.state_ignored'), 1);
  damaged.state.stop();
});

t.test('saves while it runs', async (t) => {
  const path = newDirectory();
  const run = begin(path);
  await run.subscribe(CLUSTER, '*');
  run.server.say(CLUSTER, { a: '1' });
  await eventually(() => stat(run, 'server.state_written') === 1);
  const killed = begin(path);
  t.same((await killed.subscribe(CLUSTER, '*')).told, ['all a=1'], 'nobody ended it');
  t.equal(readdirSync(path).length, 1, 'nothing is left beside it');
  rmSync(path, { recursive: true });
  run.server.say(CLUSTER, { a: '2' });
  await eventually(() => stat(run, 'server.state_write_failed') === 1);
  run.state.stop();
  killed.state.stop();
});

t.test('keeps secrets only where nobody else may look', async (t) => {
  const path = newDirectory();
  const save = async (): Promise<readonly string[]> => {
    const run = begin(path);
    const { told } = await run.subscribe(SECRET, 'key');
    run.server.say(SECRET, { key: 'secret' }, false);
    run.state.stop();
    return told;
  };
  t.same(await save(), ['some key=secret']);
  t.same(await save(), ['some key=secret', 'some key=secret']);
  chmodSync(path, 0o755);
  t.same(await save(), ['some key=secret'], 'not told again');
});

t.test('a directory that cannot be written is no reason to stop', async (t) => {
  const file = newDirectory();
  writeFileSync(file, '');
  const run = begin(join(file, 'state'));
  await run.subscribe(CLUSTER, '*');
  run.server.say(CLUSTER, { a: '1' });
  run.state.stop();
  t.equal(stat(run, 'server.state_write_failed'), 2);
  t.equal(stat(run, 'server.state_written'), 0);
});
