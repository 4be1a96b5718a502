// The outrigger command as a process of its own, as users start it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));

/** How a process ended and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], program = MAIN, directory = process.cwd()) {
    this.process = spawn(process.execPath, [program, ...args], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (data: Buffer) => {
      this.stdout += data.toString();
    });
    this.process.stderr?.on('data', (data: Buffer) => {
      this.stderr += data.toString();
    });
    // A test that failed must not leave its proxy behind.
    const killLeftover = () => this.process.kill('SIGKILL');
    process.once('exit', killLeftover);
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        process.off('exit', killLeftover);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Its child processes: the workers. */
  children(): readonly number[] {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** Runs a command to its end. */
export function runCommand(...args: readonly string[]): Promise<Ended> {
  return new RunningCommand(args).ended;
}

/** A directory that is removed by `remove`. */
export class TestDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'outrigger-'));

  /** Writes a file; objects as JSON, which is YAML too. Gives its path. */
  write(name: string, content: string | object): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A proxy process that is ready. */
export interface ProxyProcess {
  readonly command: RunningCommand;
  readonly adminPort: number;
  /** Bound port of each listener, by name. */
  readonly ports: Readonly<Record<string, number>>;
}

/** With cores that are busy four workers take this long. */
const START_DEADLINE_MS = 30_000;

/** Starts a proxy from a file and waits until it is ready. */
export async function startProcess(
  directory: TestDirectory,
  configPath: string,
  ...args: readonly string[]
): Promise<ProxyProcess> {
  const addressPath = join(directory.path, 'admin-address');
  const command = new RunningCommand([
    '-c',
    configPath,
    '--admin-address-path',
    addressPath,
    ...args,
  ]);
  let hasEnded = false;
  void command.ended.then(() => {
    hasEnded = true;
  });
  let adminPort = 0;
  await eventually(async () => {
    if (hasEnded) throw new Error(`ended instead of serving: ${command.stderr}`);
    adminPort = portIn(addressPath);
    return adminPort !== 0 && (await isReady(adminPort));
  }, START_DEADLINE_MS);
  const listeners = await (await fetch(`http://127.0.0.1:${adminPort}/listeners`)).text();
  const ports: Record<string, number> = {};
  for (const [, name, port] of listeners.matchAll(/^(.*?)::.*:(\d+)$/gm)) {
    if (name !== undefined) ports[name] = Number(port);
  }
  return { command, adminPort, ports };
}

function portIn(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').split(':').at(-1));
  } catch {
    // Not written yet.
    return 0;
  }
}

async function isReady(adminPort: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/ready`).catch(() => null);
  return answer?.status === 200;
}
