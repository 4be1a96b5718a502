// What the npm scripts call. It needs nothing installed: each command first does what is missing
// (install, generate, compile), says so, and skips what is up to date.
//
//   build | api | docs | check | check:static | test [filter…] | start [argument…] | bench [argument…]

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...names) => path.join(root, ...names);
const SOURCE_DIRS = ['proxy', 'bootstrap', 'iptables-init', 'bench', 'test', 'examples'];
const installStamp = at('node_modules/.outrigger-lock-hash');
const buildStamp = at('dist/.build-stamp');

process.chdir(root);
const [command, ...rest] = process.argv.slice(2);
const COMMANDS = {
  api: () => api(),
  build: () => build(),
  docs: () => runCompiled('build/write-docs.mjs'),
  'check:static': () => checkStatic(),
  async check() {
    await checkStatic();
    await test();
  },
  test,
  start: () => runCompiled('dist/examples/start.js'),
  bench: () => runCompiled('dist/bench/main.js'),
};
const action = COMMANDS[command];
if (action === undefined)
  fail(`unknown command ${command}: one of ${Object.keys(COMMANDS).join(', ')}`);
install();
await action();

function say(text) {
  console.log(`${command}: ${text}`);
}

function fail(text) {
  console.error(`${command}: ${text}`);
  process.exit(1);
}

function install() {
  const hash = createHash('sha256').update(fs.readFileSync('package-lock.json')).digest('hex');
  if (fs.existsSync(installStamp) && fs.readFileSync(installStamp, 'utf8') === hash) return;
  if (fs.lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink()) {
    return say('node_modules is a link to an install of other versions: left as it is');
  }
  say('installing dependencies (npm ci)');
  const npm = process.env.npm_execpath;
  const [program, ...args] = npm?.endsWith('.js') ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
  must(program, args);
  fs.writeFileSync(installStamp, hash);
}

async function api() {
  const { generateApi } = await import('./generate-api.mjs');
  if (!(await generateApi())) say('proxy/api/gen is up to date');
}

async function build() {
  const { generateApi } = await import('./generate-api.mjs');
  await generateApi();
  const state = sourceState();
  if (fs.existsSync(buildStamp) && fs.readFileSync(buildStamp, 'utf8') === state) {
    return say('dist is up to date');
  }
  say('compiling (tsc)');
  const started = Date.now();
  fs.rmSync(buildStamp, { force: true });
  copyGenerated();
  removeStale();
  must(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json']);
  const cli = at('dist/proxy/cli/main.js');
  if (fs.existsSync(cli)) fs.chmodSync(cli, 0o755);
  fs.writeFileSync(buildStamp, state);
  say(`compiled in ${Date.now() - started} ms`);
}

/** One hash over name, size and time of everything tsc reads of ours. */
function sourceState() {
  const hash = createHash('sha256').update(process.version);
  const files = ['tsconfig.json', 'package-lock.json', 'proxy/api/gen/.stamp'];
  for (const dir of SOURCE_DIRS) {
    for (const name of list(dir)) {
      if (name.endsWith('.ts') && !name.startsWith('api/gen/')) files.push(`${dir}/${name}`);
    }
  }
  for (const file of files.sort()) {
    const { size, mtimeMs } = fs.statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function list(dir) {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir, { recursive: true }).map((name) => name.split(path.sep).join('/'));
}

/** tsc leaves the generated JavaScript and the descriptors alone: they are copied. */
function copyGenerated() {
  const from = 'proxy/api/gen';
  const to = 'dist/proxy/api/gen';
  const stamp = (dir) =>
    fs.existsSync(`${dir}/.stamp`) ? fs.readFileSync(`${dir}/.stamp`, 'utf8') : '';
  if (stamp(from) === stamp(to)) return;
  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(from, to, { recursive: true, filter: (source) => !source.endsWith('.d.ts') });
}

/** Deletes compiled files whose source is gone, so that no removed test still runs. */
function removeStale() {
  for (const name of list('dist')) {
    const match = /^(?!proxy\/api\/gen\/)(.*)\.js(\.map)?$/.exec(name);
    if (match !== null && !fs.existsSync(`${match[1]}.ts`)) {
      // The compiler would take the output for up to date should the source come back.
      fs.rmSync('dist/.tsbuildinfo', { force: true });
      fs.rmSync(at('dist', name));
    }
  }
}

async function checkStatic() {
  await build();
  const gates = [
    [
      'biome (format and lint)',
      'node_modules/@biomejs/biome/bin/biome',
      'ci',
      '--error-on-warnings',
    ],
    ['rooms (who imports whom)', 'build/check-rooms.mjs'],
    ['knip (unused files, exports, packages)', 'node_modules/knip/bin/knip.js'],
  ];
  const failed = [];
  for (const [title, ...args] of gates) {
    say(title);
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) failed.push(title);
  }
  if (failed.length > 0) fail(`failed: ${failed.join(', ')}`);
}

async function test() {
  await build();
  must(process.execPath, ['build/run-tests.mjs', ...rest]);
}

async function runCompiled(file) {
  await build();
  if (!fs.existsSync(file)) fail(`${file} does not exist`);
  say(`running ${file}`);
  must(process.execPath, [file, ...rest]);
}

/** Runs a program; its failure, or the signal that ended it, is ours. */
function must(program, args) {
  const { status, signal, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error !== undefined) fail(`cannot run ${program}: ${error.message}`);
  if (signal !== null) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}
