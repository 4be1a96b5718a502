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
  readonly files: TestDirectory;
  output = '';

  constructor(process: ChildProcess, files: TestDirectory) {
    this.#process = process;
    this.files = files;
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
    this.files.remove();
  }
}

/** Where a sidecar runs, and who finds it ready from another pod. */
export interface SidecarPlace {
  readonly pod: Pod;
  readonly watcher: Pod;
  /** Default: POD_IP. */
  readonly ip?: string;
  /** A real Envoy in its place. */
  readonly isEnvoy?: boolean;
  readonly capabilities?: readonly Capability[];
}

/** Starts the sidecar of the example in a pod. */
export function startSidecar(
  place: SidecarPlace,
  change: (config: SidecarConfig) => void = () => undefined,
  capabilities: readonly Capability[] = [],
): Promise<Sidecar> {
  const config = parse(readFileSync(EXAMPLE, 'utf8')) as SidecarConfig;
  change(config);
  return runSidecar({ capabilities, ...place }, () => config);
}

/**
 * Starts a sidecar of any configuration, made with the folder of its files; resolves when the
 * watcher finds it ready on port 15021.
 */
export async function runSidecar(
  place: SidecarPlace,
  makeConfig: (files: TestDirectory) => object,
): Promise<Sidecar> {
  const { pod, watcher, ip = POD_IP, isEnvoy = onEnvoy, capabilities = [] } = place;
  const files = new TestDirectory();
  chmodSync(files.path, 0o755);
  const path = files.write('outrigger.json', makeConfig(files));
  const own = [process.execPath, MAIN, 'run'];
  const program = isEnvoy ? [process.env['ENVOY_BIN'] ?? 'envoy', '--disable-hot-restart'] : own;
  const flags = [
    '-c',
    path,
    '--concurrency',
    '1',
    '-l',
    'error',
    '--file-flush-interval-msec',
    '10',
  ];
  const child = pod.start(PROXY_USER, [...program, ...flags], capabilities);
  const sidecar = new Sidecar(child, files);
  const probe = { what: 'http', ip, port: 15021, path: '/healthz/ready' } as const;
  try {
    await eventually(async () => {
      if (sidecar.hasEnded) throw new Error('it ended');
      return (await watcher.user(PROXY_USER).do(probe)).status === 200;
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
