import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Logger } from '../../proxy/base/log.ts';
import { FileWatcher } from '../../proxy/server/file-watcher.ts';
import { eventually } from '../support/eventually.ts';

/** A directory with a watched file `f` of at most 10 octets. */
function setUp(t: Test) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'watched-'));
  const lines: string[] = [];
  const log: Logger = { log: (_level, text) => lines.push(text), enabled: () => true };
  const watcher = new FileWatcher(log);
  t.teardown(() => {
    watcher.close();
    fs.rmSync(directory, { recursive: true });
  });
  return { directory, lines, watcher, file: path.join(directory, 'f') };
}

/** As careful writers do: another file takes its place. */
function replace(file: string, content: string | Buffer): void {
  fs.writeFileSync(`${file}.new`, content);
  fs.renameSync(`${file}.new`, file);
}

t.test('gives what a file says after it was replaced, and after it was written', async (t) => {
  const { directory, watcher, file } = setUp(t);
  fs.writeFileSync(file, 'one');
  const watched = watcher.open({ path: file, directory, maxBytes: 10 }, 'one');
  t.equal(watched.text, 'one');
  replace(file, 'two');
  await eventually(() => watched.text === 'two');
  fs.writeFileSync(file, 'three');
  await eventually(() => watched.text === 'three');
});

t.test('takes up what changed between loading and watching', async (t) => {
  const { directory, watcher, file } = setUp(t);
  fs.writeFileSync(file, 'new');
  const watched = watcher.open({ path: file, directory, maxBytes: 10 }, 'loaded');
  await eventually(() => watched.text === 'new');
});

t.test('follows the swapped links of a ConfigMap', async (t) => {
  const { directory, watcher, file } = setUp(t);
  for (const version of ['1', '2']) {
    fs.mkdirSync(path.join(directory, version));
    fs.writeFileSync(path.join(directory, version, 'f'), version);
  }
  const data = path.join(directory, '..data');
  fs.symlinkSync('1', data);
  fs.symlinkSync('..data/f', file);
  const watched = watcher.open({ path: file, directory, maxBytes: 10 }, '1');
  fs.symlinkSync('2', `${data}_tmp`);
  fs.renameSync(`${data}_tmp`, data);
  await eventually(() => watched.text === '2');
});

t.test('keeps the old text, with a line, while the new one is of no use', async (t) => {
  const { directory, lines, watcher, file } = setUp(t);
  fs.writeFileSync(file, 'good');
  const watched = watcher.open({ path: file, directory, maxBytes: 10 }, 'good');
  const said = (what: RegExp) => eventually(() => lines.some((line) => what.test(line)));
  replace(file, 'more than ten');
  await said(/is served as it was: it is larger than 10 bytes/);
  replace(file, Buffer.of(0xff));
  await said(/is served as it was: .*not valid/);
  fs.rmSync(file);
  await said(/is served as it was: ENOENT/);
  fs.mkdirSync(file);
  await said(/is served as it was: it is no regular file/);
  t.equal(watched.text, 'good');
  fs.rmdirSync(file);
  replace(file, 'again');
  await eventually(() => watched.text === 'again');
});

t.test('says that a directory cannot be watched', async (t) => {
  const { directory, lines, watcher, file } = setUp(t);
  const nowhere = path.join(directory, 'none');
  const watched = watcher.open({ path: file, directory: nowhere, maxBytes: 10 }, 'loaded');
  t.equal(watched.text, 'loaded');
  t.match(lines[0] ?? '', /unable to add filesystem watch for .*none: ENOENT/);
});

t.test('those who watch the same file share it', async (t) => {
  const { directory, watcher, file, lines } = setUp(t);
  fs.writeFileSync(file, 'one');
  const config = { path: file, directory, maxBytes: 10 };
  const texts = [watcher.open(config, 'one'), watcher.open({ ...config }, 'one')];
  replace(file, 'two');
  await eventually(() => texts.every(({ text }) => text === 'two'));
  t.same(lines, [`${file} changed: 3 characters`]);
});

t.test('who closes a text hears of no change any more; others do', async (t) => {
  const { directory, watcher, file, lines } = setUp(t);
  const other = path.join(directory, 'other');
  for (const each of [file, other]) fs.writeFileSync(each, 'one');
  const open = (at: string) => watcher.open({ path: at, directory, maxBytes: 10 }, 'one');
  const [first, second, third] = [open(file), open(file), open(other)];
  first.close();
  first.close();
  replace(file, 'two');
  await eventually(() => second.text === 'two');
  second.close();
  for (const each of [file, other]) replace(each, 'three');
  await eventually(() => third.text === 'three');
  t.equal(second.text, 'two');
  t.equal(lines.filter((line) => line.includes('/f changed')).length, 1);
});

t.test('who closes a text while it is read hears of that no more', async (t) => {
  const { directory, watcher, file, lines } = setUp(t);
  const other = path.join(directory, 'other');
  for (const each of [file, other]) fs.writeFileSync(each, 'two');
  const open = (at: string) => watcher.open({ path: at, directory, maxBytes: 10 }, 'one');
  const [closed, kept] = [open(file), open(other)];
  closed.close();
  await eventually(() => kept.text === 'two');
  replace(other, 'three');
  await eventually(() => kept.text === 'three');
  t.equal(closed.text, 'one');
  t.equal(lines.filter((line) => line.includes('/f ')).length, 0);
});

t.test('a directory is watched again after its last text was closed', async (t) => {
  const { directory, watcher, file } = setUp(t);
  fs.writeFileSync(file, 'one');
  watcher.open({ path: file, directory, maxBytes: 10 }, 'one').close();
  const again = watcher.open({ path: file, directory, maxBytes: 10 }, 'one');
  replace(file, 'two');
  await eventually(() => again.text === 'two');
});
