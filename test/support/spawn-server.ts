// Runs the whole proxy as a process of its own, as a user would start it. With E2E_ON_ENVOY=1 the
// program is a real Envoy, so that a doubt about a test can be put to it.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

const CLI = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const SHARED_FLAGS = ['--concurrency', '1', '-l', 'error', '--file-flush-interval-msec', '10'];
const START_DEADLINE_MS = 20_000;

/** True when the tests run against Envoy. */
export const onEnvoy = process.env['E2E_ON_ENVOY'] === '1';

/** How to start it besides its configuration. */
export interface SpawnOptions {
  readonly flags?: readonly string[];
  /** All that lives longer than a moment has to fit into so many MiB: what leaks does not. */
  readonly heapMib?: number;
  /** A module that every process of it imports first. */
  readonly hook?: URL;
  /** More environment variables, given its directory. */
  readonly environment?: (directory: string) => Readonly<Record<string, string>>;
}

/** A running proxy. */
export interface SpawnedServer {
  readonly pid: number;
  /** The directory of its files, removed with it. */
  readonly directory: string;
  /** `ip:port` of its admin interface. */
  readonly adminAddress: string;
  /** Standard error so far. */
  readonly stderr: () => string;
  /** Reads a path of the admin interface. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** `ip:port` of a listener. */
  listener(name: string): Promise<string>;
  /** Resolves with the exit status when the process has ended. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts it; resolves when it serves. The caller ends it. */
export async function spawnServer(
  makeBootstrap: (directory: string) => object,
  options: SpawnOptions = {},
): Promise<SpawnedServer> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'outrigger-e2e-'));
  const config = path.join(directory, 'bootstrap.json');
  const addressFile = path.join(directory, 'admin');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  fs.writeFileSync(config, JSON.stringify({ ...makeBootstrap(directory), admin }));
  const args = ['-c', config, '--admin-address-path', addressFile, ...SHARED_FLAGS];
  const child = start([...args, ...(options.flags ?? [])], options, directory);
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  void exited.then(() => fs.rmSync(directory, { recursive: true, force: true }));
  const address = () => readIfThere(addressFile);
  await eventually(() => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it did not start:\n${stderr}`);
    return address() !== '';
  }, START_DEADLINE_MS);
  const url = `http://${address()}`;
  const ask = async (what: string, method = 'GET') => {
    const headers = { connection: 'close' };
    const response = await fetch(url + what, { method, headers }).catch((error: unknown) => {
      throw new Error(`no answer to ${what}: ${stderr}`, { cause: error });
    });
    return response.text();
  };
  await eventually(async () => (await ask('/ready')).trim() === 'LIVE', START_DEADLINE_MS);
  return {
    pid: child.pid as number,
    directory,
    adminAddress: address(),
    stderr: () => stderr,
    admin: ask,
    listener: async (name) => addressOf(await ask('/listeners'), name),
    exited,
    kill: (signal) => void child.kill(signal),
  };
}

function start(
  args: readonly string[],
  { environment, heapMib, hook }: SpawnOptions,
  directory: string,
): ChildProcess {
  const heap = heapMib === undefined ? [] : [`--max-old-space-size=${heapMib}`];
  const options = hook === undefined ? {} : { NODE_OPTIONS: `--import=${hook.href}` };
  const env = { ...process.env, ...options, ...environment?.(directory) };
  const program = onEnvoy
    ? [process.env['ENVOY_BIN'] ?? 'envoy', '--disable-hot-restart']
    : [process.execPath, ...heap, CLI];
  const [command = '', ...rest] = [...program, ...args];
  return spawn(command, rest, { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

function addressOf(listeners: string, name: string): string {
  const line = listeners.split('\n').find((candidate) => candidate.startsWith(`${name}::`));
  if (line === undefined) throw new Error(`there is no listener ${name}:\n${listeners}`);
  return line.slice(name.length + 2);
}
