// A runtime in files: what they say, and that a swapped link is noticed.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { readDiskLayer } from '../../proxy/server/disk-layer.ts';
import { RuntimeDesk } from '../../proxy/server/runtime-desk.ts';
import { RuntimeStore } from '../../proxy/server/runtime-store.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { eventually } from '../support/eventually.ts';

function directory(t: { teardown(end: () => void): unknown }): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-'));
  t.teardown(() => fs.rmSync(made, { recursive: true }));
  return made;
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
}

t.test('files are values, directories the parts of keys', async (t) => {
  const root = directory(t);
  write(root, {
    plain: '5\n',
    'upstream/use_retry': '# how many retries are made\n70\n',
    'a/b/c': 'true',
    text: ' two words \n\n',
    nothing: '# only a comment\n',
    share: 'numerator: 5\ndenominator: MILLION\n',
  });
  fs.symlinkSync(path.join(root, 'plain'), path.join(root, 'linked'));
  const content = readDiskLayer(root);
  if (content === null || typeof content === 'string') throw new Error(`${content}`);
  const values = Object.fromEntries([...content].map(([key, { value }]) => [key, value]));
  t.same(values, {
    plain: 5,
    'upstream.use_retry': 70,
    'a.b.c': true,
    text: ' two words',
    nothing: '',
    share: { numerator: 5, denominator: 'MILLION' },
    linked: 5,
  });
});

t.test('what is no directory is no layer; what cannot be read says so', async (t) => {
  const root = directory(t);
  t.equal(readDiskLayer(path.join(root, 'none')), null);
  write(root, { file: '1', 'loop/a': '1', 'big/file': 'x'.repeat(65_537) });
  t.equal(readDiskLayer(path.join(root, 'file')), null);
  fs.symlinkSync(path.join(root, 'loop'), path.join(root, 'loop', 'again'));
  t.match(readDiskLayer(path.join(root, 'loop')), /more than 16 directories deep|ELOOP/);
  t.match(readDiskLayer(path.join(root, 'big')), /larger than 65536 bytes/);
});

t.test('a swapped link brings other values; layers behind it still decide', async (t) => {
  const root = directory(t);
  write(root, { 'v1/envoy/key': '1', 'v1/envoy/over': '1', 'v2/envoy/key': '2' });
  const link = path.join(root, 'current');
  fs.symlinkSync('v1', link);
  const disk = (name: string, sub: string) => ({
    ...{ name, isAdmin: false, entries: new Map() },
    disk: { symlinkRoot: link, directory: `${link}/${sub}` },
  });
  const admin = { name: 'admin', isAdmin: true, entries: new Map() };
  const runtime = new RuntimeStore([disk('disk', 'envoy'), disk('mine', 'envoy_override'), admin]);
  t.same([runtime.values.get('key'), runtime.settings().isLive], [1, true]);
  t.same(runtime.status().layers, ['disk', 'admin'], 'a directory that is missing is no layer');
  const stats = new StatsStore(null);
  const told: unknown[] = [];
  const desk = new RuntimeDesk({
    ...{ runtime, stats },
    log: { log: () => undefined, isOn: () => false } as never,
    tell: (values) => told.push(Object.fromEntries(values)),
  });
  t.teardown(() => desk.close());
  desk.modify([['over', '9']]);
  const swap = (to: string): void => {
    fs.symlinkSync(to, `${link}.new`);
    fs.renameSync(`${link}.new`, link);
  };
  swap('v2');
  await eventually(() => runtime.values.get('key') === 2);
  t.same(told, [
    { key: 1, over: 9 },
    { key: 2, over: 9 },
  ]);
  write(root, { 'v3/envoy/key': '3', 'v3/envoy_override/key': '33' });
  swap('v3');
  await eventually(() => runtime.values.get('key') === 33);
  const { counters, gauges } = stats.snapshot();
  t.equal(gauges['runtime.num_layers'], 3);
  t.equal(counters['runtime.override_dir_exists'], 1);
  swap('gone');
  await eventually(() => runtime.values.get('key') === undefined);
  t.equal(runtime.values.get('over'), 9);
});
