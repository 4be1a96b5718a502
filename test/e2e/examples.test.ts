// What the README promises of examples/: the program behind `npm start`, and configurations that
// load without a word.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { loadOptions } from '../support/load-options.ts';
import { RunningCommand } from '../support/with-process.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));
const START = fileURLToPath(new URL('../../examples/start.js', import.meta.url));
const READY_MS = 20_000;

const WORKLOAD = makeCertificate({ issuer: makeAuthority() });

/** What `outrigger ca` would have written. */
function readFile(path: string): Uint8Array | null {
  if (!path.startsWith('certs/')) return null;
  return Buffer.from(path.endsWith('key.pem') ? WORKLOAD.keyPem : WORKLOAD.chainPem);
}

function textOf(name: string): string {
  return readFileSync(`${EXAMPLES}${name}`, 'utf8');
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** A port with seven free ones behind it, most likely: what is taken meanwhile is tried again. */
async function firstOfFree(): Promise<number> {
  const server = await listen(0);
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return Math.min(port, 65_000);
}

async function startExample(): Promise<{ run: RunningCommand; port: number }> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = await firstOfFree();
    const flags = { port, 'admin-port': port + 1, 'app-port': port + 2 };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const run = new RunningCommand(args, START);
    await eventually(
      () => run.stdout.includes('Ctrl-C') || run.process.exitCode !== null,
      READY_MS,
    );
    if (run.process.exitCode === null) return { run, port };
  }
  throw new Error('found no free ports');
}

t.test('every configuration loads without a warning', async (t) => {
  const names = readdirSync(EXAMPLES, { recursive: true }).map(String);
  const isBootstrap = (name: string) =>
    name.endsWith('.yaml') && !name.endsWith('.test.yaml') && !name.startsWith('xds/resources/');
  for (const name of names.filter(isBootstrap)) {
    const loaded = loadBootstrap([{ name, content: textOf(name) }], loadOptions({ readFile }));
    t.same(loaded.problems, [], name);
    t.ok(loaded.ok, name);
  }
});

t.test('the sidecar is made, run and tried by three commands that are there', async (t) => {
  const readme = textOf('sidecar/README.md');
  for (const script of ['pods.sh', 'outrigger.sh']) {
    t.match(readme, `sudo examples/sidecar/${script}`);
    t.ok(statSync(`${EXAMPLES}sidecar/${script}`).mode & 0o100, `${script} can be run`);
    t.equal(spawnSync('sh', ['-n', `${EXAMPLES}sidecar/${script}`]).status, 0, script);
  }
});

t.test('the smallest reverse proxy has five lines', async (t) => {
  t.equal(textOf('reverse-proxy.yaml').trimEnd().split('\n').length, 5);
});

t.test('npm start serves the page, logs the requests, and ends with 0 when told to', async (t) => {
  const { run, port } = await startExample();
  const page = await fetch(`http://127.0.0.1:${port}/productpage`);
  t.equal(page.status, 200);
  t.match(await page.text(), /The Comedy of Errors.*"version":"v\d"/s);
  await eventually(() => run.stdout.includes('"GET /productpage HTTP/1.1" 200'));
  const admin = await fetch(`http://127.0.0.1:${port + 1}/ready`);
  t.equal(await admin.text(), 'LIVE\n');
  run.signal('SIGINT');
  t.match(await run.ended, { code: 0, signal: null, stderr: '' });
  await t.rejects(fetch(`http://127.0.0.1:${port}/`), 'nothing is left');
});

t.test('npm start says which port is in use and how to choose others', async (t) => {
  const taken = await listen(0);
  const { port } = taken.address() as { port: number };
  const run = new RunningCommand(['--port', String(port)], START);
  const { code, stderr } = await run.ended;
  taken.close();
  t.equal(code, 1);
  t.match(stderr, `Port ${port} (Outrigger) is in use already.`);
  t.match(stderr, /npm start -- --port \d+ --admin-port \d+ --app-port \d+/);
});

t.test('npm start refuses what is no port', async (t) => {
  const { code, stderr } = await new RunningCommand(['--admin-port', '70000'], START).ended;
  t.equal(code, 1);
  t.match(stderr, "--admin-port: '70000' is not a number from 1 to 65535.");
});
