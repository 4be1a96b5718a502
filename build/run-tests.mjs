// Runs the compiled tests through tap's own spawn, one plain node process a file. The tap command
// would preload its TypeScript, mock and process-info hooks into each, which quadruples the cost
// of a file. Reads .taprc; arguments select files whose path contains one of them.
//
// Most of a file's time is waiting, so that there are more files at a time than processors
// (OUTRIGGER_TEST_JOBS sets another number).
//
// A whole run puts some files together into one process (test-batches.mjs) and tells places in
// compiled files; selected files have a process each, and places in the source.
//
// Processes of a run, children included, check the invariants of their state machines.
//
// tap would have every process, those that tests start included, load its record of processes, which
// triples what a start costs: `env` gives them our options instead.
//
// Prints a line per file, everything about a failing one, and last `N passed, N failed`, whatever
// happens: a process that takes too long is ended, and so is a whole run at its deadline
// (OUTRIGGER_TEST_DEADLINE_S sets another one); what did not run to its end has failed. Nothing that
// a process started outlives it (process-groups.mjs). The TAP of the whole run is left in
// dist/test-results.tap.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { t } from 'tap';
import { parse } from 'yaml';
import { ProcessGroups } from './process-groups.mjs';
import { nameOf, testBatches } from './test-batches.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const config = parse(fs.readFileSync('.taprc', 'utf8'));
const filters = process.argv.slice(2).map((filter) => filter.replace(/\.[jt]s$/, ''));
const files = fs
  .readdirSync('dist/test', { recursive: true })
  .map((name) => `dist/test/${name.split(path.sep).join('/')}`)
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort();

const invariantsOn = `--import=${pathToFileURL('build/invariants-on.mjs').href}`;
const nodeOptions = [process.env.NODE_OPTIONS, invariantsOn].filter(Boolean).join(' ');

const jobs = Number(process.env.OUTRIGGER_TEST_JOBS ?? Math.min(2 * os.availableParallelism(), 16));
/** A file runs for a second: of what V8 optimizes by its own measure little pays off. */
const optimizeLater = '--interrupt-budget=500000';

const runBatch = fileURLToPath(new URL('run-batch.mjs', import.meta.url));

/** A run takes 400 s on two processors; ten minutes after it began to compile nobody waits any more. */
const DEADLINE_S = 560;
const deadlineS = Number(
  process.env.OUTRIGGER_TEST_DEADLINE_S ?? (filters.length > 0 ? 0 : DEADLINE_S),
);

const started = Date.now();
const batches = filters.length > 0 ? files.map((file) => [file]) : testBatches(files);
const unfinished = new Set(batches.map(nameOf));
const groups = new ProcessGroups();
let whyEnded = '';
const total = { pass: 0, fail: 0, skip: 0, todo: 0 };
const failedFiles = [];

t.register();
t.pipe(fs.createWriteStream('dist/test-results.tap'));
t.jobs = jobs;
t.setTimeout(0);
t.on('subtestEnd', report);
t.on('spawn', (child) => groups.adopt(child));
process.on('exit', summarise);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => endAll(`ended by ${signal}`));
}
if (deadlineS > 0) {
  setTimeout(() => endAll(`not over within ${deadlineS} s`), deadlineS * 1000).unref();
}
if (files.length === 0) t.fail(`no test file matches ${filters.join(' ')}`);
// Lines of the source cost a tenth of what a file costs: they are for who looks at a few of them.
const flags = filters.length > 0 ? ['--enable-source-maps', optimizeLater] : [optimizeLater];
for (const batch of batches) {
  t.spawn('env', [`NODE_OPTIONS=${nodeOptions}`, process.execPath, ...flags, runBatch, batch[0]], {
    name: nameOf(batch),
    buffered: true,
    timeout: config.timeout * 1000,
    env: {
      ...process.env,
      ...(batch.length > 1 ? { OUTRIGGER_TEST_BATCH: batch.slice(1).join(' ') } : {}),
      TAP_TIMEOUT: String(config.timeout),
    },
  });
}

/** Those that run end, those that were to run end at once: each is reported as any that fails. */
function endAll(why) {
  whyEnded = why;
  groups.endAll();
}

function report(child) {
  unfinished.delete(child.name);
  const { ok } = child.results;
  const { counts } = child;
  const failed = ok ? counts.fail : Math.max(counts.fail, 1);
  total.pass += counts.pass;
  total.fail += failed;
  total.skip += counts.skip;
  total.todo += counts.todo;
  const numbers = `${counts.pass} passed${ok ? '' : `, ${failed} failed`}`;
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${child.name} (${numbers}, ${Math.round(child.time)} ms)`,
  );
  if (ok) return;
  failedFiles.push(child.name);
  console.log(`${child.output}`);
}

function summarise() {
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (files.length === 0) total.fail = 1;
  total.fail += unfinished.size;
  failedFiles.push(...unfinished);
  if (process.exitCode !== undefined && process.exitCode !== 0 && total.fail === 0) total.fail = 1;
  if (total.fail > 0) process.exitCode ||= 1;
  groups.endAll();
  console.log('');
  if (whyEnded !== '') console.log(`The run was ${whyEnded}.`);
  for (const name of failedFiles) console.log(`FAILED ${name}`);
  console.log(`${files.length} files in ${seconds} s; ${total.skip} skipped, ${total.todo} todo`);
  console.log(`${total.pass} passed, ${total.fail} failed`);
}
