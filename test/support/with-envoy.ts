// Runs a real Envoy for a differential test, if there is one: named by ENVOY_BIN or on the PATH.
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';

/** Why differential tests are skipped; false when there is an Envoy. */
export const withoutEnvoy: string | false =
  envoyBinary() === null ? 'no Envoy: neither ENVOY_BIN nor envoy on the PATH' : false;

/** One running Envoy. */
export interface EnvoyFixture {
  /** `http://127.0.0.1:port` of its admin interface. */
  readonly admin: string;
  /** `ip:port` of the listener with that name. */
  listener(name: string): Promise<string>;
}

/**
 * Starts Envoy with a bootstrap (its admin address is filled in), runs `use`, ends Envoy. `flags`
 * are more arguments for its command line.
 */
export async function withEnvoy(
  bootstrap: Readonly<Record<string, unknown>>,
  use: (envoy: EnvoyFixture) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'envoy-'));
  const config = path.join(directory, 'bootstrap.json');
  const addressFile = path.join(directory, 'admin');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  fs.writeFileSync(config, JSON.stringify({ ...bootstrap, admin }));
  const workers = flags.includes('--concurrency') ? [] : ['--concurrency', '1'];
  const options = ['--disable-hot-restart', '-l', 'off', ...workers];
  const envoy = spawn(
    envoyBinary() ?? '',
    ['-c', config, '--admin-address-path', addressFile, ...options, ...flags],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => envoy.once('exit', resolve));
  try {
    await eventually(() => fs.existsSync(addressFile) && fs.readFileSync(addressFile).length > 0);
    const url = `http://${fs.readFileSync(addressFile, 'utf8')}`;
    await eventually(async () => (await fetch(`${url}/ready`)).status === 200);
    await use({ admin: url, listener: (name) => listenerAddress(url, name) });
  } finally {
    envoy.kill('SIGKILL');
    await ended;
    fs.rmSync(directory, { recursive: true });
  }
}

/** What `envoy --mode validate` says of a file. */
export interface EnvoyVerdict {
  readonly accepted: boolean;
  /** Its diagnostics, for when a test fails. */
  readonly output: string;
}

/** Runs `envoy --mode validate` on a file. */
export function envoyValidate(file: string): Promise<EnvoyVerdict> {
  const args = ['--mode', 'validate', '-c', file, '--disable-hot-restart', '-l', 'critical'];
  return new Promise((resolve) => {
    execFile(envoyBinary() ?? '', args, { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ accepted: error === null, output: stdout + stderr });
    });
  });
}

/** What `envoy --help` prints. */
export function envoyHelp(): string {
  return execFileSync(envoyBinary() ?? '', ['--help'], { encoding: 'utf8' });
}

async function listenerAddress(admin: string, name: string): Promise<string> {
  const lines = (await (await fetch(`${admin}/listeners`)).text()).split('\n');
  const line = lines.find((candidate) => candidate.startsWith(`${name}::`));
  if (line === undefined) throw new Error(`Envoy has no listener ${name}`);
  return line.slice(name.length + 2);
}

function envoyBinary(): string | null {
  const named = process.env['ENVOY_BIN'];
  if (named !== undefined && named !== '') return named;
  const directories = (process.env['PATH'] ?? '').split(path.delimiter);
  const places = directories.map((directory) => path.join(directory, 'envoy'));
  return places.find((place) => fs.existsSync(place)) ?? null;
}
