// Runs Outrigger as its users do: a process with a bootstrap file. The twin of with-envoy.ts.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import type { EnvoyFixture } from './with-envoy.ts';

const PROGRAM = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const START_DEADLINE_MS = 20_000;

/** Starts Outrigger with a bootstrap (its admin address is filled in), runs `use`, ends it. */
export async function withOutrigger(
  bootstrap: Readonly<Record<string, unknown>>,
  use: (outrigger: EnvoyFixture) => Promise<void>,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'outrigger-'));
  const config = path.join(directory, 'bootstrap.json');
  const addressFile = path.join(directory, 'admin');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  fs.writeFileSync(config, JSON.stringify({ ...bootstrap, admin }));
  const options = ['--admin-address-path', addressFile, '--concurrency', '1', '-l', 'error'];
  const child = spawn(process.execPath, [PROGRAM, 'run', '-c', config, ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let exitCode: number | null = null;
  const ended = new Promise<void>((resolve) =>
    child.once('exit', (code) => {
      exitCode = code ?? -1;
      resolve();
    }),
  );
  try {
    await eventually(() => exitCode !== null || isWritten(addressFile), START_DEADLINE_MS);
    if (exitCode !== null) throw new Error(`Outrigger ended with code ${exitCode}`);
    const url = `http://${fs.readFileSync(addressFile, 'utf8')}`;
    await eventually(async () => (await fetch(`${url}/ready`)).status === 200, START_DEADLINE_MS);
    await use({ admin: url, listener: (name) => listenerAddress(url, name) });
  } finally {
    child.kill('SIGKILL');
    await ended;
    fs.rmSync(directory, { recursive: true });
  }
}

function isWritten(file: string): boolean {
  return fs.existsSync(file) && fs.readFileSync(file).length > 0;
}

async function listenerAddress(admin: string, name: string): Promise<string> {
  const lines = (await (await fetch(`${admin}/listeners`)).text()).split('\n');
  const line = lines.find((candidate) => candidate.startsWith(`${name}::`));
  if (line === undefined) throw new Error(`Outrigger has no listener ${name}`);
  return line.slice(name.length + 2);
}
