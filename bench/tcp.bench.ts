// `node dist/bench/tcp.bench.js`: the TCP proxy beside HAProxy and Envoy: octets per second and CPU
// seconds per GiB, for transfers of 64 KiB and a stream of 1 GiB. Medians of interleaved rounds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { envoyBinary } from './contenders.ts';
import { cpuMicros } from './cpu.ts';
import { hasCommand, pinnedTo } from './load.ts';
import { freePort, spawnQuiet, stop, whenListening } from './process.ts';
import { Transfer } from './tcp-transfer.ts';

const GIB = 2 ** 30;
const ROUNDS = 5;
const SMALL_BYTES = 64 * 1024;
const SMALL_COUNT = 4096;
const CONNECTIONS = 8;

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly serverPort: number;
}

interface TcpContender {
  readonly name: string;
  command(place: Place): readonly string[];
}

/** Of one way of transfer in one round. */
interface Cost {
  readonly gibPerSecond: number;
  readonly cpuSecondsPerGib: number;
}

const CONTENDERS: readonly TcpContender[] = [
  ...(hasCommand('haproxy') ? [{ name: 'haproxy', command: haproxy }] : []),
  ...(envoyBinary() === null ? [] : [{ name: 'envoy', command: envoy }]),
  { name: 'outrigger', command: outrigger },
];

function haproxy({ folder, port, serverPort }: Place): readonly string[] {
  const path = join(folder, 'tcp.cfg');
  writeFileSync(
    path,
    `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend bench
  bind 127.0.0.1:${port}
  default_backend app
backend app
  server app 127.0.0.1:${serverPort}
`,
  );
  return ['haproxy', '-db', '-q', '-f', path];
}

function envoy(place: Place): readonly string[] {
  const flags = ['--concurrency', '1', '-l', 'error', '--disable-hot-restart'];
  return [envoyBinary() ?? 'envoy', '-c', bootstrap(place), ...flags];
}

function outrigger(place: Place): readonly string[] {
  const main = fileURLToPath(new URL('../proxy/cli/main.js', import.meta.url));
  const flags = ['--concurrency', '1', '-l', 'error'];
  return [process.execPath, main, '-c', bootstrap(place), ...flags];
}

function bootstrap({ folder, port, serverPort }: Place): string {
  const address = (value: number): object => ({
    socket_address: { address: '127.0.0.1', port_value: value },
  });
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'bench',
    cluster: 'app',
  };
  const filters = [{ name: 'envoy.filters.network.tcp_proxy', typed_config }];
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(serverPort) } }] }];
  const load_assignment = { cluster_name: 'app', endpoints };
  const listeners = [{ name: 'bench', address: address(port), filter_chains: [{ filters }] }];
  const static_resources = { listeners, clusters: [{ name: 'app', load_assignment }] };
  const path = join(folder, 'tcp.json');
  writeFileSync(path, JSON.stringify({ static_resources }));
  return path;
}

async function costOf(pid: number, bytes: number, run: () => Promise<unknown>): Promise<Cost> {
  const before = cpuMicros(pid);
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  const gib = bytes / GIB;
  return {
    gibPerSecond: gib / seconds,
    cpuSecondsPerGib: (cpuMicros(pid) - before) / 1e6 / gib,
  };
}

async function small(connections: readonly Transfer[]): Promise<void> {
  const each = SMALL_COUNT / connections.length;
  const run = async (connection: Transfer): Promise<void> => {
    for (let count = 0; count < each; count += 1) await connection.fetch(SMALL_BYTES);
  };
  await Promise.all(connections.map(run));
}

/** One round of one proxy: small transfers, then the stream. */
async function measure(contender: TcpContender, place: Place): Promise<readonly Cost[]> {
  const proxy = spawnQuiet([...pinnedTo(0), ...contender.command(place)]);
  const pid = proxy.pid as number;
  const connections: Transfer[] = [];
  try {
    await whenListening(place.port);
    for (let count = 0; count < CONNECTIONS; count += 1) {
      connections.push(await Transfer.open(place.port));
    }
    await small(connections);
    const smallBytes = SMALL_BYTES * SMALL_COUNT;
    return [
      await costOf(pid, smallBytes, () => small(connections)),
      await costOf(pid, GIB, async () => connections[0]?.fetch(GIB)),
    ];
  } finally {
    for (const connection of connections) connection.close();
    await stop(proxy);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(results: ReadonlyMap<string, readonly (readonly Cost[])[]>): void {
  const rates = (rounds: readonly (readonly Cost[])[], way: number): string => {
    const costs = rounds.map((round) => round[way] as Cost);
    const speed = median(costs.map(({ gibPerSecond }) => gibPerSecond)).toFixed(2);
    const cpu = median(costs.map(({ cpuSecondsPerGib }) => cpuSecondsPerGib)).toFixed(2);
    return `${speed.padStart(8)}${cpu.padStart(12)}`;
  };
  process.stdout.write('tcp           64 KiB: GiB/s  CPU s/GiB   1 GiB: GiB/s  CPU s/GiB\n');
  for (const [name, rounds] of results) {
    process.stdout.write(`${name.padEnd(19)}${rates(rounds, 0)}       ${rates(rounds, 1)}\n`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'outrigger-tcp-'));
const serverPort = await freePort();
const script = fileURLToPath(new URL('./baselines/tcp-server.js', import.meta.url));
const server = spawnQuiet([...pinnedTo(1), process.execPath, script, String(serverPort)]);
try {
  await whenListening(serverPort);
  const results = new Map<string, (readonly Cost[])[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of CONTENDERS) {
      const costs = await measure(contender, { folder, port: await freePort(), serverPort });
      results.set(contender.name, [...(results.get(contender.name) ?? []), costs]);
    }
  }
  print(results);
} finally {
  await stop(server);
  rmSync(folder, { recursive: true });
}
