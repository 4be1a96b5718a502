import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { PinoLogSink } from '../../proxy/server/log-sink.ts';
import { eventually } from '../support/eventually.ts';

const directory = mkdtempSync(join(tmpdir(), 'outrigger-log-'));
t.teardown(() => rmSync(directory, { recursive: true }));
let files = 0;

function makeSink(pattern = ''): { readonly sink: PinoLogSink; readonly path: string } {
  files += 1;
  const path = join(directory, `${files}.log`);
  const componentLevels = { http: 'debug' } as const;
  return {
    path,
    sink: new PinoLogSink({ level: 'warning', componentLevels, path, pattern, worker: 2 }),
  };
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // Not there yet.
    return [];
  }
}

t.test('writes a line of JSON with its component, worker and fields', async (t) => {
  const { sink, path } = makeSink();
  sink.logger('upstream').log('error', 'no "host"', { cluster: 'c', tries: 2 });
  await eventually(() => linesOf(path).length === 1);
  t.match(JSON.parse(linesOf(path)[0] ?? ''), {
    level: 'error',
    component: 'upstream',
    worker: 2,
    pid: process.pid,
    msg: 'no "host"',
    cluster: 'c',
    tries: 2,
  });
});

t.test('lays lines out by a pattern, fields behind the message', async (t) => {
  const { sink, path } = makeSink('[%l][%n] %v');
  sink.logger('main').log('critical', 'boom', { port: 80 });
  await eventually(() => linesOf(path).length === 1);
  t.equal(linesOf(path)[0], '[critical][main] boom port=80');
});

t.test('checks levels by component, and changes them while it runs', async (t) => {
  const { sink, path } = makeSink('%n %v');
  const main = sink.logger('main');
  t.notOk(main.enabled('info'));
  t.ok(sink.logger('http').enabled('debug'));
  main.log('info', 'unseen');
  sink.setLevels({ main: 'trace' });
  main.log('trace', 'seen');
  sink.setLevels({ '': 'off' });
  main.log('critical', 'unseen');
  t.notOk(sink.logger('later').enabled('critical'), 'components to come are off too');
  await eventually(() => linesOf(path).length === 1);
  t.same(linesOf(path), ['main seen']);
  t.equal(sink.levels()['http'], 'off');
});

t.test('goes on in a new file when it is opened anew', async (t) => {
  const { sink, path } = makeSink('%v');
  sink.logger('main').log('error', 'one');
  await eventually(() => linesOf(path).length === 1);
  renameSync(path, `${path}.1`);
  sink.reopen();
  await eventually(() => {
    sink.logger('main').log('error', 'two');
    return linesOf(path).includes('two');
  });
  t.same(linesOf(`${path}.1`)[0], 'one');
});

t.test('gives up what a target that is gone or full does not take', async (t) => {
  const options = { level: 'info', componentLevels: {}, pattern: '', worker: -1 } as const;
  const sink = new PinoLogSink({ ...options, path: '/dev/full' });
  sink.logger('main').log('error', 'lost');
  await eventually(() => sink.dropped > 0);
  sink.logger('main').log('error', 'lost as well');
  sink.flush();
  t.pass('the process may end');
});
