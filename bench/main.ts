// `npm run bench`: CPU µs per request, latency and memory of Outrigger beside other proxies, in one
// run, as ratios. Proxy on the first core, load and back end on the second.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTENDERS, type Contender, OUTRIGGER, type Site, start } from './contenders.ts';
import { cpuMicros, residentMb } from './cpu.ts';
import { hasCommand, load, pinnedTo } from './load.ts';
import { readSettings, type Settings } from './settings.ts';

interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rps: number;
  readonly rssMb: number;
  readonly errors: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function startUpstream(folder: string, port: number): ChildProcess {
  const pin = pinnedTo(1);
  if (hasCommand('nginx')) {
    const config = join(folder, 'upstream.conf');
    writeFileSync(
      config,
      `daemon off; worker_processes 1; error_log /dev/null; pid ${folder}/upstream.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { return 200 '${'x'.repeat(90)}'; } }
}`,
    );
    return spawnQuiet([...pin, 'nginx', '-c', config]);
  }
  const script = fileURLToPath(new URL('./baselines/upstream.js', import.meta.url));
  return spawnQuiet([...pin, process.execPath, script, String(port)]);
}

function spawnQuiet([command, ...rest]: readonly string[]): ChildProcess {
  return spawn(command as string, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A port that nothing uses now. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function whenListening(port: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  // Not SIGKILL at once: a killed nginx would leave its worker behind, on the port.
  child.kill('SIGTERM');
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(tooLong);
}

async function measure(contender: Contender, site: Site, settings: Settings): Promise<Row> {
  const proxy = start(contender, site);
  const pid = proxy.pid as number;
  try {
    await whenListening(site.port);
    const target = {
      url: `http://127.0.0.1:${site.port}/`,
      connections: settings.connections,
      headers: settings.headers,
    };
    await load({ ...target, seconds: 1 });
    const before = cpuMicros(pid);
    const result = await load({ ...target, seconds: settings.seconds });
    const used = cpuMicros(pid) - before;
    return {
      name: contender.name,
      cpuMicros: used / result.requests,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      rps: result.requests / settings.seconds,
      rssMb: residentMb(pid),
      errors: result.errors,
    };
  } finally {
    await stop(proxy);
  }
}

/** One contender that does not run must not cost the others' numbers. */
async function measureOrSay(
  contender: Contender,
  site: Site,
  settings: Settings,
): Promise<Row | null> {
  try {
    return await measure(contender, site, settings);
  } catch (error) {
    say(`  ${contender.name}: ${(error as Error).message}`);
    return null;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function summary(rows: readonly Row[]): Row {
  const of = (pick: (row: Row) => number): number => median(rows.map(pick));
  return {
    name: rows[0]?.name ?? '',
    cpuMicros: of((row) => row.cpuMicros),
    p50Ms: of((row) => row.p50Ms),
    p99Ms: of((row) => row.p99Ms),
    rps: of((row) => row.rps),
    rssMb: of((row) => row.rssMb),
    errors: rows.reduce((sum, row) => sum + row.errors, 0),
  };
}

function printTable(rows: readonly Row[]): void {
  const cpuOf = (name: string): number | null =>
    rows.find((row) => row.name === name)?.cpuMicros ?? null;
  const ratio = (row: Row, base: number | null): string =>
    base === null ? '-' : (row.cpuMicros / base).toFixed(2);
  say('');
  say(
    'proxy               CPU µs/req  × nginx  × envoy   p50 ms   p99 ms    req/s  RSS MB  errors',
  );
  for (const row of rows) {
    const cells = [
      row.cpuMicros.toFixed(1).padStart(10),
      ratio(row, cpuOf('nginx')).padStart(8),
      ratio(row, cpuOf('envoy')).padStart(8),
      row.p50Ms.toFixed(2).padStart(8),
      row.p99Ms.toFixed(2).padStart(8),
      row.rps.toFixed(0).padStart(8),
      row.rssMb.toFixed(0).padStart(7),
      String(row.errors).padStart(7),
    ];
    say(`${row.name.padEnd(20)}${cells.join(' ')}`);
  }
}

/** What is missing, and how to get it. */
function sayMissing(): void {
  for (const contender of CONTENDERS.filter((it) => !it.isPresent())) {
    say(`without ${contender.name}: ${contender.install}`);
  }
  if (!hasCommand('wrk')) {
    say('without wrk: autocannon loads, at fewer requests a second (apt-get install wrk)');
  }
  if (!hasCommand('taskset')) {
    say(
      'without taskset: nothing is pinned to a core, so numbers vary (apt-get install util-linux)',
    );
  }
}

async function main(): Promise<void> {
  const settings = readSettings(CONTENDERS.map(({ name }) => name));
  if (typeof settings === 'string') {
    process.stderr.write(`${settings}\n`);
    process.exitCode = 64;
    return;
  }
  sayMissing();
  const wanted = (contender: Contender): boolean =>
    settings.only === null || settings.only.includes(contender.name) || contender === OUTRIGGER;
  const present = CONTENDERS.filter((contender) => contender.isPresent() && wanted(contender));
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  const upstreamPort = await freePort();
  const upstream = startUpstream(folder, upstreamPort);
  const results = new Map<string, Row[]>();
  try {
    await whenListening(upstreamPort);
    // Interleaved, so that a machine that changes its speed does so for all.
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const contender of present) {
        say(`round ${round} of ${settings.rounds}: ${contender.name}`);
        const site = { folder, port: await freePort(), upstreamPort };
        const row = await measureOrSay(contender, site, settings);
        if (row === null) continue;
        results.set(contender.name, [...(results.get(contender.name) ?? []), row]);
      }
    }
  } finally {
    await stop(upstream);
    rmSync(folder, { recursive: true });
  }
  printTable([...results.values()].map(summary));
}

await main();
