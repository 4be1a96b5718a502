import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { probeLogFile } from '../../proxy/accesslog/probe-log-file.ts';

t.test('makes a file that was not there and keeps what stands in one', async (t) => {
  const file = path.join(t.testdir(), 'access.log');
  t.equal(probeLogFile(file), null);
  fs.writeFileSync(file, 'kept\n');
  t.equal(probeLogFile(file), null);
  t.equal(fs.readFileSync(file, 'utf8'), 'kept\n');
});

t.test('says why a file cannot be opened as Envoy does', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'missing', 'access.log');
  t.equal(probeLogFile(file), `unable to open file '${file}': No such file or directory`);
  t.match(probeLogFile(folder), /^unable to open file '.*': Is a directory$/);
});

t.test('a pipe without a reader may be used', async (t) => {
  const pipe = path.join(t.testdir(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  t.equal(probeLogFile(pipe), null);
});
