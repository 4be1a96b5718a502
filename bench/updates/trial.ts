// One proxy, from its start with so many clusters through changes of few and of all of them.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { envoyBinary } from '../contenders.ts';
import { cpuMicros, residentMb } from '../cpu.ts';
import { pinnedTo } from '../load.ts';
import { freePort, spawnQuiet, stop } from '../process.ts';
import { AdsServer } from './ads-server.ts';
import { updatesBootstrap } from './bootstrap.ts';
import { Mesh, type MeshCluster } from './mesh.ts';
import { type FileForm, ResourceFiles } from './resource-file.ts';
import { type FromTraffic, monotonicMs, type ToTraffic } from './traffic.ts';

/** What is measured. */
export interface TrialOptions {
  readonly proxy: 'outrigger' | 'envoy';
  readonly concurrency: number;
  /** Where clusters and endpoints come from. */
  readonly source: 'sotw' | 'delta' | FileForm;
}

/** What one step cost. */
export interface Cost {
  /** From the push (or the start of the process) until an answer shows it on every connection. */
  readonly servedMs: number;
  /** CPU time of all processes until they were idle again, without that of the traffic. */
  readonly cpuMs: number;
  /** Of the traffic during it; 0: there was none. */
  readonly worstMs: number;
  readonly failed: number;
  /** Afterwards, all processes together. */
  readonly rssMb: number;
}

/** Connections that have to see a change: enough to be spread over all workers. */
const WATCHERS = 8;
const TRAFFIC_CONNECTIONS = 8;
const QUIET_WINDOW_MS = 400;
/** Share of a core above the traffic's that counts as idle. */
const QUIET_SHARE = 0.15;

type Seen = Extract<FromTraffic, { kind: 'seen' }>;
type Latencies = Extract<FromTraffic, { kind: 'latencies' }>;

/** Everything around one proxy. */
export class Trial {
  readonly mesh: Mesh;
  readonly #options: TrialOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'outrigger-updates-'));
  readonly #files: ResourceFiles | null;
  readonly #server: AdsServer;
  readonly #traffic: ChildProcess;
  readonly #ports: { readonly port: number; readonly upstreamPort: number };
  #proxy: ChildProcess | null = null;
  /** CPU ms per ms of the traffic alone. */
  #trafficShare = 0;

  private constructor(
    options: TrialOptions,
    parts: {
      readonly server: AdsServer;
      readonly traffic: ChildProcess;
      readonly ports: { readonly port: number; readonly upstreamPort: number };
    },
  ) {
    this.#options = options;
    const { source } = options;
    const isFile = source === 'pb' || source === 'json';
    this.#files = isFile ? new ResourceFiles(this.#folder, source) : null;
    this.#server = parts.server;
    this.#traffic = parts.traffic;
    this.#ports = parts.ports;
    const path = this.#files?.endpoints ?? '';
    const from = isFile ? { pathConfigSource: { path } } : { ads: {} };
    this.mesh = new Mesh(parts.ports.upstreamPort, { resourceApiVersion: 'V3', ...from });
  }

  static async open(options: TrialOptions): Promise<Trial> {
    const server = await AdsServer.listen();
    const ports = { port: await freePort(), upstreamPort: await freePort() };
    const script = fileURLToPath(new URL(`./traffic${import.meta.url.slice(-3)}`, import.meta.url));
    const traffic = fork(script);
    const trial = new Trial(options, { server, traffic, ports });
    trial.#tell({ kind: 'listen', port: ports.upstreamPort });
    await trial.#hear('listening');
    return trial;
  }

  /** Starts the proxy with so many clusters. */
  async start(clusters: number): Promise<Cost> {
    this.mesh.add(clusters);
    this.#server.serve(this.mesh);
    this.#files?.write(this.mesh, 'endpoints');
    this.#files?.write(this.mesh, 'cluster');
    const startMs = monotonicMs();
    this.#proxy = this.#spawn();
    const seenMs = await this.#seen(this.mesh.last, 'x-version', '1');
    const cpuMs = await this.#cpuWhenQuiet(0, 0);
    const rssMb = residentMb(this.#pid());
    return { servedMs: seenMs - startMs, cpuMs, worstMs: 0, failed: 0, rssMb };
  }

  /** From now on requests go on all the time. */
  async beginTraffic(): Promise<void> {
    const { port } = this.#ports;
    this.#tell({ kind: 'begin', port, connections: TRAFFIC_CONNECTIONS });
    await pause(500);
    const [before, beforeMs] = [this.#cpuMs(), monotonicMs()];
    await pause(1_000);
    this.#trafficShare = (this.#cpuMs() - before) / (monotonicMs() - beforeMs);
  }

  addClusters(count: number): Promise<Cost> {
    const added = this.mesh.add(count);
    this.#files?.write(this.mesh, 'endpoints');
    return this.#change(added, 'cluster');
  }

  changeClusters(count: number): Promise<Cost> {
    return this.#change(this.mesh.changeClusters(count), 'cluster');
  }

  changeEndpoints(count: number): Promise<Cost> {
    return this.#change(this.mesh.changeEndpoints(count), 'endpoints');
  }

  /** What the proxy refused. */
  get refusals(): readonly string[] {
    return this.#server.refusals;
  }

  async close(): Promise<void> {
    this.#tell({ kind: 'end' });
    if (this.#proxy !== null) await stop(this.#proxy);
    this.#traffic.kill();
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }

  async #change(changed: readonly MeshCluster[], part: 'cluster' | 'endpoints'): Promise<Cost> {
    this.#tell({ kind: 'mark' });
    const [before, startMs] = [this.#cpuMs(), monotonicMs()];
    if (part === 'endpoints' && this.#files !== null) this.#files.write(this.mesh, 'endpoints');
    else if (this.#files !== null) this.#files.write(this.mesh, 'cluster');
    else this.#server.push(changed, part);
    const { last } = this.mesh;
    const [field, value] =
      part === 'cluster' ? ['x-version', String(last.version)] : ['x-local', last.address];
    const seenMs = await this.#seen(last, field as string, value as string);
    const cpuMs = await this.#cpuWhenQuiet(before, startMs);
    this.#tell({ kind: 'collect' });
    const { worstMs, failed } = (await this.#hear('latencies')) as Latencies;
    return { servedMs: seenMs - startMs, cpuMs, worstMs, failed, rssMb: residentMb(this.#pid()) };
  }

  async #seen(cluster: MeshCluster, field: string, value: string): Promise<number> {
    const { port } = this.#ports;
    const wanted = { port, cluster: cluster.name, field, value };
    this.#tell({ kind: 'watch', ...wanted, connections: WATCHERS });
    return ((await this.#hear('seen')) as Seen).nowMs;
  }

  /** CPU ms since `before`, once what is done is the traffic alone. */
  async #cpuWhenQuiet(before: number, startMs: number): Promise<number> {
    for (;;) {
      const [at, atMs] = [this.#cpuMs(), monotonicMs()];
      await pause(QUIET_WINDOW_MS);
      const share = (this.#cpuMs() - at) / (monotonicMs() - atMs);
      if (share > this.#trafficShare + QUIET_SHARE) continue;
      const traffic = startMs === 0 ? 0 : this.#trafficShare * (atMs - startMs);
      return Math.max(0, at - before - traffic);
    }
  }

  #cpuMs(): number {
    return cpuMicros(this.#pid()) / 1000;
  }

  #pid(): number {
    return this.#proxy?.pid as number;
  }

  #spawn(): ChildProcess {
    const { proxy, concurrency, source } = this.#options;
    const config = join(this.#folder, 'bootstrap.json');
    const site = { ...this.#ports, adsPort: this.#server.port };
    const protocol = source === 'delta' ? 'delta' : 'sotw';
    const clustersFile = this.#files?.clusters ?? null;
    writeFileSync(config, updatesBootstrap({ ...site, protocol, clustersFile }));
    const main = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
    const program =
      proxy === 'envoy'
        ? [envoyBinary() ?? 'envoy', '--disable-hot-restart']
        : [process.execPath, ...execArgv(), main];
    const flags = ['-c', config, '--concurrency', String(concurrency), '-l', 'error'];
    // Several workers have as many cores as they find.
    const pinned = concurrency === 1 ? pinnedTo(0) : [];
    return spawnQuiet([...pinned, ...program, ...flags]);
  }

  #tell(message: ToTraffic): void {
    this.#traffic.send(message);
  }

  #hear(kind: FromTraffic['kind']): Promise<FromTraffic> {
    return new Promise((resolve) => {
      const onMessage = (message: FromTraffic): void => {
        if (message.kind !== kind) return;
        this.#traffic.off('message', onMessage);
        resolve(message);
      };
      this.#traffic.on('message', onMessage);
    });
  }
}

/** For profiles of what is measured: `OUTRIGGER_EXEC_ARGV='--cpu-prof'`. */
function execArgv(): readonly string[] {
  return (process.env['OUTRIGGER_EXEC_ARGV'] ?? '').split(' ').filter((word) => word !== '');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
