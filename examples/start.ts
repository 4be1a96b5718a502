// `npm start`: the bookinfo application with Outrigger in front, until Ctrl-C.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBookinfo } from './bookinfo/apps.ts';

const CONFIG = fileURLToPath(new URL('../../examples/bookinfo/outrigger.yaml', import.meta.url));
const MAIN = fileURLToPath(new URL('../proxy/cli/main.js', import.meta.url));
const DEFAULTS = { port: 8080, admin: 9901, app: 9080 };
const APP_COUNT = 6;
const HOW_TO_CHOOSE = 'Choose others: npm start -- --port 8180 --admin-port 9911 --app-port 9180';

interface Ports {
  readonly port: number;
  readonly admin: number;
  readonly app: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): never {
  process.stderr.write(`${text}\n${HOW_TO_CHOOSE}\n`);
  process.exit(1);
}

function readPorts(): Ports {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULTS.port) },
      'admin-port': { type: 'string', default: String(DEFAULTS.admin) },
      'app-port': { type: 'string', default: String(DEFAULTS.app) },
    },
  });
  const ports = { port: values.port, admin: values['admin-port'], app: values['app-port'] };
  for (const [name, text] of Object.entries(ports)) {
    if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 65_535) {
      fail(`'${text}' is not a port (${name}): 1 to 65535 was expected.`);
    }
  }
  return { port: Number(ports.port), admin: Number(ports.admin), app: Number(ports.app) };
}

function isBusy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function refuseBusyPorts(ports: Ports): Promise<void> {
  const apps = Array.from({ length: APP_COUNT }, (_, index) => ports.app + index);
  const wanted = [ports.port, ports.admin, ...apps];
  const busy: number[] = [];
  for (const port of wanted) if (await isBusy(port)) busy.push(port);
  if (busy.length > 0) fail(`In use already: port ${busy.join(', ')}.`);
}

/** The example's configuration with the ports that were asked for. */
async function configFor(ports: Ports, folder: string): Promise<string> {
  const moves = new Map([
    [DEFAULTS.port, ports.port],
    [DEFAULTS.admin, ports.admin],
  ]);
  for (let index = 0; index < APP_COUNT; index += 1) {
    moves.set(DEFAULTS.app + index, ports.app + index);
  }
  const text = await readFile(CONFIG, 'utf8');
  const file = join(folder, 'outrigger.yaml');
  await writeFile(
    file,
    text.replace(/port_value: (\d+)/g, (_, port: string) => {
      return `port_value: ${moves.get(Number(port)) ?? port}`;
    }),
  );
  return file;
}

function isReady(child: ChildProcess, ports: Ports): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setInterval(async () => {
      if (child.exitCode === null && !(await isBusy(ports.port))) return;
      clearInterval(timer);
      resolve(child.exitCode === null);
    }, 50);
  });
}

function explain(ports: Ports): void {
  const base = `http://127.0.0.1:${ports.port}`;
  say('');
  say(`Outrigger  ${base}/productpage`);
  say(`Admin      http://127.0.0.1:${ports.admin}/`);
  say('');
  say('Try:');
  say(
    `  curl ${base}/productpage                      the page; its calls go through the proxy too`,
  );
  say(`  curl -H 'host: reviews' ${base}/reviews/0     v1, v2 and v3 in turn`);
  say(`  curl -H 'host: reviews' -H 'end-user: jason' ${base}/reviews/0     always v2`);
  say('');
  say('Access log (Ctrl-C stops):');
}

async function main(): Promise<void> {
  const ports = readPorts();
  await refuseBusyPorts(ports);
  const servers = await startBookinfo({ appPort: ports.app, proxyPort: ports.port });
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
  const file = await configFor(ports, folder);
  const proxy = spawn(
    process.execPath,
    [MAIN, 'run', '-c', file, '--concurrency', '1', '-l', 'warning'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      // Its own group: Ctrl-C reaches us, and we stop it in order.
      detached: true,
    },
  );
  const stop = (): void => void proxy.kill('SIGTERM');
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const exited = once(proxy, 'exit');
  if (await isReady(proxy, ports)) explain(ports);
  const [code] = (await exited) as [number | null];
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await rm(folder, { recursive: true });
  process.exitCode = code ?? 0;
}

await main();
