// A whole proxy between raw clients and a scripted upstream. When a test is over, everything that
// the proxy counts as open must be closed, and the process must end well.
import fs from 'node:fs';
import path from 'node:path';
import { eventually } from './eventually.ts';
import { H2Peer, type H2PeerOptions } from './h2-peer.ts';
import type { RawMessage } from './raw-message.ts';
import { type RawPeer, rawConnect } from './raw-peer.ts';
import {
  type RigCluster,
  type RigConfig,
  type RigListener,
  rigBootstrap,
} from './rig-bootstrap.ts';
import { type Echo, ScriptedUpstream } from './scripted-upstream.ts';
import { onEnvoy, type SpawnedServer, type SpawnOptions, spawnServer } from './spawn-server.ts';

/** Gauges that count what is open. */
const OPEN = /(cx_active|rq_active|pending_active|upgrades_active)$/;
const HOST = 'host: test.example\r\n';

/** A line of the access log. */
export interface LogLine {
  readonly target: string | null;
  readonly code: number;
  readonly flags: string | null;
  readonly details: string | null;
  readonly received: number;
  readonly sent: number;
  readonly transportFailure: string | null;
  readonly termination: string | null;
  readonly client: string | null;
}

/** What a rig is made of; the listener and the cluster `main` are always there. */
export interface RigOptions extends RigListener, SpawnOptions {
  /** More listeners. */
  readonly listeners?: RigConfig['listeners'];
  /** Of the cluster `main`. */
  readonly cluster?: RigCluster['cluster'];
  readonly http?: RigCluster['http'];
  /** More clusters, made with the scripted upstream's port. */
  readonly clusters?: (port: number) => RigConfig['clusters'];
  readonly bootstrap?: RigConfig['bootstrap'];
  /** What it writes to standard error is no failure. */
  readonly mayComplain?: boolean;
}

/** What a test works with. */
export class Rig {
  readonly upstream: ScriptedUpstream;
  readonly server: SpawnedServer;
  readonly #clients: RawPeer[] = [];
  readonly #logPath: string;
  readonly #addresses = new Map<string, string>();

  constructor(upstream: ScriptedUpstream, server: SpawnedServer, logPath: string) {
    this.upstream = upstream;
    this.server = server;
    this.#logPath = logPath;
  }

  /** Opens a connection to a listener. */
  async client(listener = 'main'): Promise<RawPeer> {
    const client = await rawConnect(await this.address(listener));
    this.#clients.push(client);
    return client;
  }

  /** Opens a connection that speaks HTTP/2. */
  async http2(listener = 'main', options: H2PeerOptions = {}): Promise<H2Peer> {
    return new H2Peer(await this.client(listener), 'client', options);
  }

  /** `ip:port` of a listener. */
  async address(listener = 'main'): Promise<string> {
    const address = this.#addresses.get(listener) ?? (await this.server.listener(listener));
    this.#addresses.set(listener, address);
    return address;
  }

  /** One GET on a connection of its own; `fields` are whole lines with CRLF. */
  async get(target: string, fields = '', listener = 'main'): Promise<RawMessage> {
    const client = await this.client(listener);
    client.write(`GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`);
    const response = await client.response();
    client.close();
    return response;
  }

  /** The same, for what the upstream saw. */
  async echo(target: string, fields = '', listener = 'main'): Promise<Echo> {
    return parseEcho(await this.get(target, fields, listener));
  }

  /** Sends a request with a nonce: its answer must be its own. */
  async probe(listener = 'main'): Promise<void> {
    const nonce = `/nonce-${process.hrtime.bigint()}`;
    const { target } = await this.echo(nonce, '', listener);
    if (target !== nonce) throw new Error(`asked for ${nonce}, got the answer to ${target}`);
  }

  /** The access log's line for a request target. */
  async logged(target: string): Promise<LogLine> {
    let line: LogLine | undefined;
    await eventually(() => {
      line = this.log().find((candidate) => candidate.target === target);
      return line !== undefined;
    });
    return line as LogLine;
  }

  /** `code flags details` of a request. */
  async verdict(target: string): Promise<string> {
    const { code, flags, details } = await this.logged(target);
    return `${code} ${flags ?? '-'} ${details ?? '-'}`;
  }

  /** Every complete line of the access log. */
  log(): readonly LogLine[] {
    if (!fs.existsSync(this.#logPath)) return [];
    const lines = fs.readFileSync(this.#logPath, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  /** A counter or gauge. */
  async stat(name: string): Promise<number> {
    const value = (await this.stats(name)).get(name);
    if (value === undefined) throw new Error(`there is no statistic ${name}`);
    return value;
  }

  /** Counters and gauges whose names contain `part`. */
  async stats(part: string): Promise<ReadonlyMap<string, number>> {
    const filter = encodeURIComponent(part.replaceAll('.', '\\.'));
    const text = await this.server.admin(`/stats?filter=${filter}`);
    // Histograms have no single value.
    const lines = text.matchAll(/^(.*): (\d+)$/gm);
    return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]));
  }

  /** Waits until a counter or gauge has a value. */
  async reaches(name: string, value: number, deadlineMs?: number): Promise<void> {
    let last = Number.NaN;
    try {
      await eventually(async () => {
        last = await this.stat(name);
        return last === value;
      }, deadlineMs);
    } catch (error) {
      throw new Error(`${name} is ${last} and not ${value}`, { cause: error });
    }
  }

  /** Closes both sides; then nothing may be open any more. */
  async settle(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.upstream.close();
    let open: string[] = [];
    const isSettled = async () => {
      open = [];
      for (const part of ['cx_active', 'rq_active', 'pending_active', 'upgrades_active']) {
        for (const [name, value] of await this.stats(part)) {
          const isOpen = OPEN.test(name) && !/admin|^server/.test(name) && value !== 0;
          if (isOpen) open.push(`${name}: ${value}`);
        }
      }
      return open.length === 0;
    };
    try {
      await eventually(isSettled);
    } catch (error) {
      throw new Error(`still open: ${open.join(', ')}`, { cause: error });
    }
    const { problems } = this.upstream;
    if (problems.length > 0) throw new Error(`the upstream saw: ${problems.join('; ')}`);
  }
}

/** Starts a proxy, runs `use`, sees that everything is closed, ends the proxy. */
export async function withRig(
  options: RigOptions,
  use: (rig: Rig) => Promise<void>,
): Promise<void> {
  const upstream = new ScriptedUpstream();
  const port = await upstream.listen();
  try {
    let logPath = '';
    const server = await spawnServer((directory) => {
      logPath = path.join(directory, 'access.log');
      return rigBootstrap(configOf(options, port), logPath);
    }, options);
    const rig = new Rig(upstream, server, logPath);
    await useServer(rig, use, options.mayComplain === true || onEnvoy);
  } finally {
    await upstream.close();
  }
}

async function useServer(
  rig: Rig,
  use: (rig: Rig) => Promise<void>,
  mayComplain: boolean,
): Promise<void> {
  const { server } = rig;
  try {
    await use(rig);
    await rig.settle();
    server.kill('SIGTERM');
    const status = await server.exited;
    if (status !== 0) throw new Error(`exit status ${status}`);
    if (server.stderr() !== '' && !mayComplain) throw new Error('it complained');
  } catch (error) {
    process.stderr.write(server.stderr());
    throw error;
  } finally {
    server.kill('SIGKILL');
    await server.exited;
  }
}

/** What the upstream saw, out of its echo. */
export function parseEcho({ head, body }: RawMessage): Echo {
  if (head.status !== 200) throw new Error(`${head.startLine}: ${body}`);
  return JSON.parse(body) as Echo;
}

function configOf(options: RigOptions, port: number): RigConfig {
  const { listeners, cluster, http, clusters, bootstrap } = options;
  return {
    listeners: { main: options, ...listeners },
    clusters: {
      main: { port, ...(cluster && { cluster }), ...(http && { http }) },
      ...clusters?.(port),
    },
    ...(bootstrap && { bootstrap }),
  };
}
