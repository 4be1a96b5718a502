// What the npm scripts call. It needs nothing installed: each command first does what is missing
// (install, generate, compile), says so, and skips what is up to date.
//
//   build | api | docs | check | check:static | test [filter…] | start [argument…] | bench [argument…] |
//   h2spec [argument…] | chaos [workers] [argument…]

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...names) => path.join(root, ...names);
const SOURCE_DIRS = ['proxy', 'bootstrap', 'iptables-init', 'bench', 'test', 'examples'];
const installStamp = at('node_modules/.outrigger-lock-hash');
const buildStamp = at('dist/.build-stamp');
/** package.json's `engines`: older releases lack calls that the proxy makes. */
const OLDEST_NODE = [20, 18, 1];

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
  start: () => become('dist/examples/start.js'),
  bench: () => become('dist/bench/main.js'),
  chaos: () => become('dist/test/chaos/main.js'),
  h2spec: () => become('dist/test/h2spec/main.js'),
};
const action = COMMANDS[command];
if (action === undefined)
  fail(`unknown command ${command}: one of ${Object.keys(COMMANDS).join(', ')}`);
requireNode();
await install();
await action();

function say(text) {
  console.log(`${command}: ${text}`);
}

function fail(text) {
  console.error(`${command}: ${text}`);
  process.exit(1);
}

function requireNode() {
  const running = process.versions.node.split('.').map(Number);
  const first = OLDEST_NODE.findIndex((number, index) => number !== running[index]);
  if (first < 0 || running[first] > OLDEST_NODE[first]) return;
  fail(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`);
}

async function install() {
  const hash = createHash('sha256').update(fs.readFileSync('package-lock.json')).digest('hex');
  if (fs.existsSync(installStamp) && fs.readFileSync(installStamp, 'utf8') === hash) return;
  if (fs.lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink()) {
    return say('node_modules is a link to an install of other versions: left as it is');
  }
  say('installing dependencies (npm ci)');
  const npm = process.env.npm_execpath;
  const [program, ...args] = npm?.endsWith('.js') ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
  await must(program, args);
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
  await must(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json']);
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
  await must(process.execPath, ['build/run-tests.mjs', ...rest]);
}

async function runCompiled(file) {
  await build();
  if (!fs.existsSync(file)) fail(`${file} does not exist`);
  say(`running ${file}`);
  await must(process.execPath, [file, ...rest]);
}

/** Goes on as another program, in this process: signals then reach it without a go-between. */
async function become(file) {
  await build();
  say(`running ${file}`);
  process.argv = [process.execPath, at(file), ...rest];
  await import(pathToFileURL(at(file)).href);
}

/** Runs a program; its failure, or the signal that ended it, is ours. */
async function must(program, args) {
  const child = spawn(program, args, { stdio: 'inherit' });
  // A terminal sends SIGINT to both of us: whoever waits must not be gone before the other.
  const wait = () => undefined;
  const pass = (signal) => child.kill(signal);
  process.on('SIGINT', wait).on('SIGTERM', pass).on('SIGHUP', pass);
  const { status, signal, error } = await new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  process.off('SIGINT', wait).off('SIGTERM', pass).off('SIGHUP', pass);
  if (error !== undefined) fail(`cannot run ${program}: ${error.message}`);
  if (signal !== null) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}
