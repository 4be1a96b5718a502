import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { makeCheck } from '../../proxy/cli/xds/check-served.ts';
import {
  type FolderContent,
  ResourceFolder,
} from '../../proxy/discovery-server/resource-folder.ts';
import type { ServedResource } from '../../proxy/discovery-server/snapshot.ts';
import { DirectoryWatch } from '../../proxy/server/directory-watch.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { eventually } from '../support/eventually.ts';

const cluster = (name: string, stat = '') =>
  JSON.stringify({ '@type': TYPE_URLS.cluster, name, alt_stat_name: stat });

function names(resources: readonly ServedResource[] | undefined): string {
  return (resources ?? []).map(({ name }) => name).join(' ');
}

/** A folder and what is told of it. */
class Rig {
  readonly path: string;
  readonly folder: ResourceFolder;
  content: FolderContent | null = null;

  constructor(t: Test, path = t.testdir()) {
    this.path = path;
    const log = SILENT_LOG.logger('');
    this.folder = new ResourceFolder({
      path,
      check: makeCheck('rules'),
      watch: (directory, onChange) => new DirectoryWatch(directory, log, onChange),
    });
    t.teardown(() => this.folder.close());
  }

  /** By a rename, as it should be. */
  write(name: string, text: string): void {
    writeFileSync(join(this.path, '.new'), text);
    renameSync(join(this.path, '.new'), join(this.path, name));
  }

  async watch(): Promise<void> {
    this.content = await this.folder.read();
    this.folder.watch((content) => {
      this.content = content;
    });
  }

  async holds(expected: string): Promise<void> {
    await eventually(() => names(this.content?.layers.all) === expected);
  }
}

t.test('what changes in a folder is told, however it changes', async (t) => {
  const rig = new Rig(t);
  rig.write('a.yaml', cluster('a'));
  rig.write('notes.txt', 'nothing');
  await rig.watch();
  t.equal(names(rig.content?.layers.all), 'a');
  t.equal(rig.content?.fileCount, 1);
  rig.write('b.json', cluster('b'));
  await rig.holds('a b');
  mkdirSync(join(rig.path, 'more'));
  writeFileSync(join(rig.path, 'more', 'c.yml'), cluster('c'));
  await rig.holds('a b c');
  writeFileSync(join(rig.path, 'more', 'd.yml'), cluster('d'));
  await rig.holds('a b c d');
  rmSync(join(rig.path, 'more'), { recursive: true });
  rmSync(join(rig.path, 'a.yaml'));
  await rig.holds('b');
});

t.test('links are swapped as Kubernetes swaps them', async (t) => {
  const path = t.testdir();
  for (const version of ['1', '2']) {
    mkdirSync(join(path, `..${version}`));
    writeFileSync(join(path, `..${version}`, 'a.yaml'), cluster(`v${version}`));
  }
  symlinkSync('..1', join(path, '..data'));
  symlinkSync('..data/a.yaml', join(path, 'a.yaml'));
  const rig = new Rig(t, path);
  await rig.watch();
  t.equal(names(rig.content?.layers.all), 'v1');
  symlinkSync('..2', join(path, '..data_tmp'));
  renameSync(join(path, '..data_tmp'), join(path, '..data'));
  await rig.holds('v2');
});

t.test('of a file with a fault the last good content stays', async (t) => {
  const rig = new Rig(t);
  rig.write('a.yaml', cluster('a'));
  rig.write('b.yaml', cluster('b'));
  await rig.watch();
  rig.write('b.yaml', `${cluster('b2')}\n---\n{nonsense: 1}`);
  rig.write('c.yaml', '{');
  await eventually(() => rig.content?.refused.length === 2);
  t.equal(names(rig.content?.layers.all), 'a b');
  t.match(rig.content, {
    refused: [
      { file: join(rig.path, 'b.yaml'), served: 1 },
      { file: join(rig.path, 'c.yaml'), served: 0 },
    ],
    problems: [{ file: join(rig.path, 'b.yaml'), line: 3 }, { line: 1 }],
  });
  rig.write('b.yaml', cluster('b3'));
  await rig.holds('a b3');
  rmSync(rig.path, { recursive: true });
  mkdirSync(rig.path);
  rig.write('d.yaml', cluster('d'));
  t.equal((await rig.folder.read()).layers.all.length, 1);
});

t.test('a name stands in one file only', async (t) => {
  const rig = new Rig(t);
  rig.write('a.yaml', cluster('x', 'of a'));
  rig.write('b.yaml', `[${cluster('y')}, ${cluster('x', 'of b')}]`);
  rig.write('c.yaml', `[${cluster('z')}, ${cluster('z')}]`);
  await rig.watch();
  t.equal(names(rig.content?.layers.all), 'x');
  t.match(rig.content?.problems, [
    { file: /b\.yaml$/, reason: /^there is a 'x' of this type already: .*a\.yaml:1$/ },
    { file: /c\.yaml$/, reason: /^there is a 'z' of this type already: .*c\.yaml:1$/ },
  ]);
  rmSync(join(rig.path, 'a.yaml'));
  await eventually(() => names(rig.content?.layers.all) === 'y x');
});

t.test('folders of nodes and of their clusters are for them', async (t) => {
  const rig = new Rig(t);
  for (const folder of ['by-node/a%2Fb', 'by-cluster/edge/deep', 'other/by-node/x']) {
    mkdirSync(join(rig.path, folder), { recursive: true });
    writeFileSync(join(rig.path, folder, 'r.yaml'), cluster(folder.split('/').at(-1) ?? ''));
  }
  const { layers } = await rig.folder.read();
  t.equal(names(layers.all), 'x');
  t.equal(names(layers.byNode.get('a/b')), 'a%2Fb');
  t.equal(names(layers.byCluster.get('edge')), 'deep');
});

t.test('a folder that is not there is an error', async (t) => {
  const rig = new Rig(t, join(t.testdir(), 'none'));
  await t.rejects(rig.folder.read(), { code: 'ENOENT' });
});
