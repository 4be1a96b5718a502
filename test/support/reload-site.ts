// A proxy whose configuration changes again and again: a file with a listener and a cluster, and a
// server with a listener, its routes and their cluster.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { eventually } from './eventually.ts';
import type { Holding } from './heap-hook.ts';
import { KEPT } from './kept-connections.ts';
import { SnapshotPlane } from './snapshot-plane.ts';
import { type SpawnedServer, spawnServer } from './spawn-server.ts';
import { httpListener, type Message, staticCluster, virtualHost } from './static-bootstrap.ts';

const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '5s' };
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HTTP2 = {
  typed_extension_protocol_options: {
    [OPTIONS]: {
      '@type': `type.googleapis.com/${OPTIONS}`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};
/** Of one change. */
const DEADLINE_MS = 20_000;
/** Of a measurement: each process may write all of its heap. */
const MEASURED_MS = 180_000;

/** What can change. */
export const CHANGES = ['file', 'route', 'cluster', 'listener'] as const;
export type Change = (typeof CHANGES)[number];

/** See the file's head. */
export class ReloadSite {
  readonly #plane: SnapshotPlane;
  readonly #upstream: Server;
  readonly #proxy: SpawnedServer;
  readonly #probe: string;
  #turn = 0;
  #measured = 0;
  readonly ports: { readonly fromFile: number; readonly fromServer: number };

  private constructor(parts: {
    readonly plane: SnapshotPlane;
    readonly upstream: Server;
    readonly proxy: SpawnedServer;
    readonly probe: string;
    readonly ports: ReloadSite['ports'];
  }) {
    this.#plane = parts.plane;
    this.#upstream = parts.upstream;
    this.#proxy = parts.proxy;
    this.#probe = parts.probe;
    this.ports = parts.ports;
  }

  static async start(workers: number, isExact = false): Promise<ReloadSite> {
    const upstream = createServer(KEPT, (_request, response) => response.end('ok'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const plane = await SnapshotPlane.listen();
    offer(plane, port, 0);
    let probe = '';
    const make = (directory: string): Message => {
      probe = join(directory, 'probe');
      mkdirSync(probe);
      return bootstrap(plane.plane.port, port, 0);
    };
    const proxy = await spawnServer(make, {
      flags: ['--concurrency', String(workers), '--config-watch', 'off', '-l', 'info'],
      hook: new URL('./heap-hook.js', import.meta.url),
      environment: (directory) => ({
        OUTRIGGER_PROBE: join(directory, 'probe'),
        OUTRIGGER_PROBE_EXACTLY: isExact ? 'yes' : '',
      }),
    });
    const portOf = async (name: string) => Number((await proxy.listener(name)).split(':').at(-1));
    const ports = { fromFile: await portOf('file'), fromServer: await portOf('in') };
    return new ReloadSite({ plane, upstream, proxy, probe, ports });
  }

  /** Changes something; resolves when it is in use. */
  async change(what: Change): Promise<void> {
    this.#turn += 1;
    if (what === 'file') await this.#changeFile();
    else await this.#push(what);
  }

  /** What all processes hold after collecting what nobody needs, by process id. */
  async holdings(): Promise<ReadonlyMap<number, Holding>> {
    this.#measured += 1;
    const turn = String(this.#measured);
    writeFileSync(join(this.#probe, 'measure'), turn);
    const pids = [this.#proxy.pid, ...childrenOf(this.#proxy.pid)];
    const found = new Map<number, Holding>();
    await eventually(() => {
      for (const name of readdirSync(this.#probe)) {
        const pid = Number(/^holding-(\d+)$/.exec(name)?.[1] ?? 0);
        if (!pids.includes(pid)) continue;
        const holding = JSON.parse(readFileSync(join(this.#probe, name), 'utf8')) as Holding;
        if (holding.turn === turn) found.set(pid, holding);
      }
      return found.size === pids.length;
    }, MEASURED_MS);
    return found;
  }

  /** Statistics that the proxy has now. */
  async statNames(): Promise<number> {
    return (await this.#proxy.admin('/stats')).split('\n').length;
  }

  /** What was refused, and what died. */
  async mishaps(): Promise<readonly string[]> {
    const filter = '/stats?usedonly&filter=rejected$|worker_deaths|taken_back';
    const counted = (await this.#proxy.admin(filter)).trim();
    return [...this.#plane.refusals, ...(counted === '' ? [] : counted.split('\n'))];
  }

  stderr(): string {
    return this.#proxy.stderr();
  }

  async stop(): Promise<void> {
    this.#proxy.kill('SIGKILL');
    await this.#proxy.exited;
    this.#plane.close();
    this.#upstream.closeAllConnections();
    await new Promise((resolve) => this.#upstream.close(resolve));
  }

  get #upstreamPort(): number {
    return (this.#upstream.address() as AddressInfo).port;
  }

  async #changeFile(): Promise<void> {
    const before = await this.#reloads();
    const file = join(this.#proxy.directory, 'bootstrap.json');
    const { admin } = JSON.parse(readFileSync(file, 'utf8')) as { readonly admin: Message };
    const next = bootstrap(this.#plane.plane.port, this.#upstreamPort, this.#turn);
    writeFileSync(`${file}.new`, JSON.stringify({ ...next, admin }));
    renameSync(`${file}.new`, file);
    this.#proxy.kill('SIGHUP');
    await eventually(async () => (await this.#reloads()) > before, DEADLINE_MS);
  }

  async #reloads(): Promise<number> {
    const text = await this.#proxy.admin('/stats?filter=config_reload_success');
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
  }

  async #push(kind: Exclude<Change, 'file'>): Promise<void> {
    const resources = resourcesOf(this.#upstreamPort, this.#turn)[kind];
    const accepted = `${TYPE_URLS[kind]} ${this.#plane.set(kind, resources)}`;
    await eventually(
      () => this.#plane.accepted.at(-1) === accepted || this.#plane.refusals.length > 0,
      DEADLINE_MS,
    );
  }
}

function offer(plane: SnapshotPlane, upstreamPort: number, turn: number): void {
  const all = resourcesOf(upstreamPort, turn);
  for (const kind of ['cluster', 'listener', 'route'] as const) plane.set(kind, all[kind]);
}

function resourcesOf(
  upstreamPort: number,
  turn: number,
): Readonly<Record<'cluster' | 'listener' | 'route', readonly Message[]>> {
  const rds = { config_source: ADS, route_config_name: 'routes' };
  // Names come and go, too.
  const spare = `spare-${turn}`;
  const manager = { route_config: undefined, rds, stat_prefix: `in-${turn}` };
  return {
    cluster: [timedCluster('dynamic', upstreamPort, turn), staticCluster(spare, upstreamPort)],
    listener: [httpListener('in', {}, { manager })],
    route: [{ name: 'routes', ...routesTo('dynamic', turn) }],
  };
}

function bootstrap(serverPort: number, upstreamPort: number, turn: number): Message {
  const server = { envoy_grpc: { cluster_name: 'xds' } };
  return {
    node: { id: 'test', cluster: 'test' },
    dynamic_resources: {
      ads_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [server] },
      cds_config: ADS,
      lds_config: ADS,
    },
    static_resources: {
      listeners: [httpListener('file', routesTo('static', turn))],
      clusters: [
        { ...staticCluster('xds', serverPort), ...HTTP2 },
        timedCluster('static', upstreamPort, turn),
      ],
    },
  };
}

function routesTo(cluster: string, turn: number): Message {
  const route = { match: { prefix: '/' }, route: { cluster } };
  const header = { key: 'x-turn', value: String(turn) };
  return {
    virtual_hosts: [virtualHost(['*'], [route])],
    response_headers_to_add: [{ header }],
  };
}

/** Another one in each turn. */
function timedCluster(name: string, port: number, turn: number): Message {
  return {
    ...staticCluster(name, port),
    connect_timeout: `5.${String(turn % 1000).padStart(3, '0')}s`,
  };
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
