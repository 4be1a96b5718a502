// The proxy as the sidecar of a pod: the configuration of examples/sidecar with what a test
// changes, run as the proxy's user. With E2E_ON_ENVOY=1 it is a real Envoy.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { eventually } from './eventually.ts';
import { type Capability, POD_IP, type Pod, PROXY_USER } from './pod.ts';
import { onEnvoy } from './spawn-server.ts';
import { TestDirectory } from './with-process.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/sidecar/outrigger.yaml', import.meta.url));
const READY_MS = 30_000;

/** The example as a tree that may be changed. */
// biome-ignore lint/suspicious/noExplicitAny: a tree of YAML, as deep as it likes
export type SidecarConfig = any;

/** A running sidecar. */
export class Sidecar {
  readonly #process: ChildProcess;
  readonly #files: TestDirectory;
  output = '';

  constructor(process: ChildProcess, files: TestDirectory) {
    this.#process = process;
    this.#files = files;
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    }
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null;
  }

  stop(): void {
    this.#process.kill('SIGKILL');
    this.#files.remove();
  }
}

/** Starts the sidecar of `pod`; resolves when `watcher`, in another pod, finds it ready. */
export async function startSidecar(
  { pod, watcher }: { readonly pod: Pod; readonly watcher: Pod },
  change: (config: SidecarConfig) => void = () => undefined,
  capabilities: readonly Capability[] = [],
): Promise<Sidecar> {
  const config = parse(readFileSync(EXAMPLE, 'utf8')) as SidecarConfig;
  change(config);
  const files = new TestDirectory();
  chmodSync(files.path, 0o755);
  const path = files.write('outrigger.json', config);
  const own = [process.execPath, MAIN, 'run'];
  const program = onEnvoy ? [process.env['ENVOY_BIN'] ?? 'envoy', '--disable-hot-restart'] : own;
  const flags = ['-c', path, '--concurrency', '1', '-l', 'error'];
  const child = pod.start(PROXY_USER, [...program, ...flags], capabilities);
  const sidecar = new Sidecar(child, files);
  const probe = { what: 'http', ip: POD_IP, port: 15021, path: '/healthz/ready' } as const;
  try {
    await eventually(async () => {
      if (sidecar.hasEnded) throw new Error('it ended');
      return (await watcher.user(0).do(probe)).status === 200;
    }, READY_MS);
  } catch (error) {
    sidecar.stop();
    throw new Error(`the sidecar is not ready: ${sidecar.output}`, { cause: error });
  }
  return sidecar;
}

/** The listener of this name. */
export function listenerOf(config: SidecarConfig, name: string): SidecarConfig {
  return config.static_resources.listeners.find((one: SidecarConfig) => one.name === name);
}
