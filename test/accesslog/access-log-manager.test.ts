import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { AccessLogManager } from '../../proxy/accesslog/access-log-manager.ts';
import { MAX_PENDING_BYTES } from '../../proxy/accesslog/log-file.ts';
import type { AccessLogFilter, Formatter } from '../../proxy/formatter/formatter.ts';
import type { AccessLogConfig } from '../../proxy/model/access-log.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { eventually } from '../support/eventually.ts';
import { emptyContext } from '../support/format-context.ts';

const CONTEXT = emptyContext();
const NEVER_MS = 1_000_000;

function fixture(t: Test, policy: Readonly<Record<string, number>> = {}) {
  const dir = t.testdir({});
  const store = new StatsStore(null);
  const manager = new AccessLogManager(store, { intervalMs: NEVER_MS, ...policy });
  t.teardown(() => manager.close());
  const stat = (name: string): number => {
    const { counters, gauges } = store.snapshot();
    return counters[`filesystem.${name}`] ?? gauges[`filesystem.${name}`] ?? -1;
  };
  return { file: path.join(dir, 'access.log'), manager, stat };
}

function logTo(file: string, line: string, filter: AccessLogFilter | null = null): AccessLogConfig {
  const formatter: Formatter = { format: () => line };
  return { filter, formatter, sink: { kind: 'file', path: file } };
}

function textOf(file: string): string {
  return fs.readFileSync(file, 'latin1');
}

t.test('lines are buffered until the manager is flushed, then counted as written', async (t) => {
  const { file, manager, stat } = fixture(t);
  const log = manager.open(logTo(file, 'caf\xc3\xa9\n'));
  log.write(CONTEXT);
  log.write(CONTEXT);
  t.equal(textOf(file), '', 'the file exists at once, still empty');
  t.equal(stat('write_buffered'), 2);
  t.equal(stat('write_total_buffered'), 12);
  manager.flush();
  await eventually(() => stat('write_completed') === 1);
  t.equal(textOf(file), 'caf\xc3\xa9\ncaf\xc3\xa9\n');
  t.equal(stat('write_total_buffered'), 0);
  t.equal(fs.statSync(file).mode & 0o777 & ~0o644, 0);
});

t.test('the timer writes lines that got old', async (t) => {
  const { file, manager, stat } = fixture(t, { intervalMs: 20 });
  const log = manager.open(logTo(file, 'a\n'));
  log.write(CONTEXT);
  await eventually(() => textOf(file) === 'a\n');
  t.equal(stat('flushed_by_timer'), 1);
  log.write(CONTEXT);
  await eventually(() => textOf(file) === 'a\na\n');
  t.equal(stat('flushed_by_timer'), 2);
});

t.test(
  'a full buffer is written without waiting, in order, whatever its lines measure',
  async (t) => {
    const { file, manager, stat } = fixture(t);
    let number = 0;
    const sizes = [10, 70_000, 500, 40_000, 40_000, 65_536, 1];
    const formatter: Formatter = {
      format: () => `${number}:${'x'.repeat(sizes[number++ % sizes.length]!)}\n`,
    };
    const log = manager.open({ filter: null, formatter, sink: { kind: 'file', path: file } });
    for (let index = 0; index < 21; index += 1) log.write(CONTEXT);
    await eventually(() => stat('write_completed') > 0);
    await manager.close();
    const lines = textOf(file).trimEnd().split('\n');
    t.same(
      lines.map((line) => Number.parseInt(line, 10)),
      Array.from({ length: 21 }, (_, index) => index),
    );
    t.same(
      lines.map((line) => line.split(':')[1]?.length),
      [...sizes, ...sizes, ...sizes],
    );
  },
);

t.test('logs with the same path share one file; the filter decides which lines', async (t) => {
  const { file, manager } = fixture(t);
  fs.writeFileSync(file, 'before\n');
  const one = manager.open(logTo(file, 'one\n'));
  const none = manager.open(logTo(file, 'none\n', { accepts: () => false }));
  const two = manager.open(logTo(file, 'two\n', { accepts: () => true }));
  for (const log of [one, none, two, one]) log.write(CONTEXT);
  await manager.close();
  t.equal(textOf(file), 'before\none\ntwo\none\n');
  one.write(CONTEXT);
  manager.flush();
  manager.reopen();
  t.equal(textOf(file), 'before\none\ntwo\none\n', 'nothing is written after the end');
});

t.test('reopening follows a rotation without losing a line', async (t) => {
  const { file, manager, stat } = fixture(t);
  const log = manager.open(logTo(file, 'line\n'));
  log.write(CONTEXT);
  fs.renameSync(file, `${file}.1`);
  log.write(CONTEXT);
  manager.reopen();
  log.write(CONTEXT);
  manager.flush();
  await eventually(() => fs.existsSync(file) && textOf(file) === 'line\n');
  t.equal(textOf(`${file}.1`), 'line\nline\n');
  t.equal(stat('reopen_failed'), 0);
});

t.test('a path that cannot be reopened keeps the old file', async (t) => {
  const { file, manager, stat } = fixture(t);
  const dir = path.dirname(file);
  const log = manager.open(logTo(file, 'line\n'));
  fs.renameSync(dir, `${dir}-moved`);
  t.teardown(() => fs.rmSync(`${dir}-moved`, { recursive: true }));
  manager.reopen();
  t.equal(stat('reopen_failed'), 1);
  log.write(CONTEXT);
  manager.flush();
  await eventually(() => textOf(path.join(`${dir}-moved`, 'access.log')) === 'line\n');
});

t.test('a file that cannot be opened is tried again', async (t) => {
  const { file, manager, stat } = fixture(t, { streamIntervalMs: 10 });
  const late = path.join(path.dirname(file), 'later', 'access.log');
  const log = manager.open(logTo(late, 'late\n'));
  log.write(CONTEXT);
  fs.mkdirSync(path.dirname(late));
  await eventually(() => fs.existsSync(late) && textOf(late) === 'late\n');
  t.equal(stat('write_dropped'), 0);
});

t.test('lines beyond the buffer of a file that stays closed are dropped and counted', async (t) => {
  const { file, manager, stat } = fixture(t);
  const log = manager.open(logTo(path.join(file, 'no-directory'), 'x'.repeat(1000)));
  for (let index = 0; index < 100; index += 1) log.write(CONTEXT);
  t.equal(stat('write_buffered'), 65);
  t.equal(stat('write_dropped'), 35);
  await manager.close();
  t.equal(stat('write_total_buffered'), 0);
});

t.test('a full disk costs lines, not memory, and is counted', async (t) => {
  const { manager, stat } = fixture(t, { streamIntervalMs: 5 });
  const log = manager.open(logTo('/dev/full', 'x'.repeat(10_000)));
  const lines = 1000;
  for (let index = 0; index < lines; index += 1) log.write(CONTEXT);
  await eventually(() => stat('write_failed') > 2);
  t.ok(stat('write_total_buffered') <= MAX_PENDING_BYTES);
  t.equal(stat('write_buffered') + stat('write_dropped'), lines);
  t.ok(stat('write_dropped') > 500);
  await manager.close();
  t.equal(stat('write_completed'), 0);
  t.equal(stat('write_total_buffered'), 0);
});

t.test('a pipe: no reader, a slow one, one that leaves', async (t) => {
  const { file, manager, stat } = fixture(t, { streamIntervalMs: 5 });
  spawnSync('sh', ['-c', 'mkfifo "$0"', file]);
  const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const log = manager.open(logTo(file, `${'x'.repeat(9_999)}\n`));
  for (let index = 0; index < 100; index += 1) log.write(CONTEXT);
  const buffer = Buffer.alloc(1 << 20);
  let read = 0;
  await eventually(() => {
    read += readSome(reader, buffer);
    return read === 1_000_000;
  });
  t.equal(stat('write_dropped'), 0, 'a slow reader gets everything');
  fs.closeSync(reader);
  log.write(CONTEXT);
  await eventually(() => stat('write_failed') > 0);
  t.pass('EPIPE is a failed write');
});

function readSome(descriptor: number, buffer: Buffer): number {
  try {
    return fs.readSync(descriptor, buffer);
  } catch {
    return 0; // EAGAIN: nothing there yet.
  }
}

t.test(
  'standard streams by kind and by path are one target, flushed soon, never reopened',
  async (t) => {
    const script = `
    import { AccessLogManager } from ${JSON.stringify(distUrl('proxy/accesslog/access-log-manager.js'))};
    import { StatsStore } from ${JSON.stringify(distUrl('proxy/stats/store.js'))};
    const store = new StatsStore(null);
    const manager = new AccessLogManager(store, { streamIntervalMs: 1 });
    const open = (sink, line) =>
      manager.open({ filter: null, sink, formatter: { format: () => line } });
    open({ kind: 'stdout' }, 'one\\n').write(null);
    manager.reopen();
    open({ kind: 'file', path: '/dev/stdout' }, 'two\\n').write(null);
    open({ kind: 'stderr' }, 'err\\n').write(null);
    const buffered = store.gauge('filesystem.write_total_buffered');
    const alive = setInterval(() => buffered.value === 0 && clearInterval(alive), 1);
  `;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: {},
    });
    t.equal(result.stdout, 'one\ntwo\n');
    t.equal(result.stderr, 'err\n');
  },
);

function distUrl(file: string): string {
  return new URL(`../../${file}`, import.meta.url).href;
}
