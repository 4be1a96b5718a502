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
const MAX_PORT = 65_535;
/** Ctrl-C reaches us from the terminal and again from npm: within this time it is one wish. */
const SAME_SIGNAL_MS = 500;
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

function readFlags(): Record<'port' | 'admin-port' | 'app-port', string> {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: String(DEFAULTS.port) },
        'admin-port': { type: 'string', default: String(DEFAULTS.admin) },
        'app-port': { type: 'string', default: String(DEFAULTS.app) },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function readPorts(): Ports {
  const flags = readFlags();
  const portOf = (name: keyof typeof flags, last: number): number => {
    const port = /^\d+$/.test(flags[name]) ? Number(flags[name]) : 0;
    if (port >= 1 && port <= last) return port;
    return fail(`--${name}: '${flags[name]}' is not a number from 1 to ${last}.`);
  };
  return {
    port: portOf('port', MAX_PORT),
    admin: portOf('admin-port', MAX_PORT),
    app: portOf('app-port', MAX_PORT - APP_COUNT + 1),
  };
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

/** Every port that will be listened on, with what it is for. */
function uses(ports: Ports): Map<number, string> {
  const last = ports.app + APP_COUNT - 1;
  const wanted = new Map<number, string>();
  for (let port = ports.app; port <= last; port += 1) wanted.set(port, 'the example application');
  for (const [port, use] of [
    [ports.port, 'Outrigger'],
    [ports.admin, 'the admin interface'],
  ] as const) {
    const other = wanted.get(port);
    if (other !== undefined) fail(`Port ${port} is wanted twice: for ${other} and for ${use}.`);
    wanted.set(port, use);
  }
  return wanted;
}

async function refuseBusyPorts(ports: Ports): Promise<void> {
  const busy: string[] = [];
  for (const [port, use] of uses(ports)) {
    if (await isBusy(port)) busy.push(`Port ${port} (${use}) is in use already.`);
  }
  if (busy.length > 0) fail(busy.join('\n'));
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
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (!hasEnded && !(await isBusy(ports.port))) return;
      clearInterval(timer);
      resolve(!hasEnded);
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

function startOutrigger(file: string): ChildProcess {
  return spawn(process.execPath, [MAIN, 'run', '-c', file, '--concurrency', '1', '-l', 'warning'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // Its own group: Ctrl-C reaches us, and we stop it in order.
    detached: true,
  });
}

/** Ends the proxy when we are told to, at once when told again. The answer says if we were told. */
function stopOnSignal(proxy: ChildProcess): () => boolean {
  let askedAtMs: number | null = null;
  const stop = (): void => {
    const now = performance.now();
    if (askedAtMs !== null && now - askedAtMs < SAME_SIGNAL_MS) return;
    if (askedAtMs === null) say('\nStopping: requests in flight finish first.');
    askedAtMs = now;
    proxy.kill('SIGTERM');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  return () => askedAtMs !== null;
}

async function main(): Promise<void> {
  const ports = readPorts();
  await refuseBusyPorts(ports);
  const servers = await startBookinfo({ appPort: ports.app, proxyPort: ports.port });
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
  const file = await configFor(ports, folder);
  const proxy = startOutrigger(file);
  const wasTold = stopOnSignal(proxy);
  const exited = once(proxy, 'exit');
  if (await isReady(proxy, ports)) explain(ports);
  const [code] = (await exited) as [number | null];
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await rm(folder, { recursive: true });
  // A signal that came before the proxy was listening for it killed it, as it should.
  process.exitCode = code ?? (wasTold() ? 0 : 1);
}

await main();
