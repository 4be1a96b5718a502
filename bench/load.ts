// Load on a proxy: h2load in HTTP/2; in HTTP/1.1 wrk where it is installed, else autocannon in a
// process of its own.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { GRPC_FIELDS, GRPC_MESSAGE, pathOf, type Scenario } from './scenario.ts';

/** What a run of load found. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How to load. */
export interface LoadOptions {
  readonly site: {
    readonly folder: string;
    readonly port: number;
    readonly scenario: Scenario;
  };
  readonly seconds: number;
  readonly connections: number;
  readonly h2Connections: number;
  readonly streams: number;
  readonly headers: readonly string[];
}

/** True when a command is on the PATH. */
export function hasCommand(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** The command line prefix that pins to one core; empty where it cannot. */
export function pinnedTo(core: number): string[] {
  return hasCommand('taskset') ? ['taskset', '-c', String(core)] : [];
}

/** Runs a command to its end and gives its output. */
function run(command: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('exit', () => resolve(output));
  });
}

/** Loads a proxy from the second core. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return options.site.scenario.downstream === 'HTTP/2' ? loadHttp2(options) : loadHttp1(options);
}

async function loadHttp2(options: LoadOptions): Promise<LoadResult> {
  const { site, h2Connections, streams, seconds } = options;
  const times = join(site.folder, 'h2load.log');
  const flags = ['-t1', `-c${h2Connections}`, `-m${streams}`, `-D${seconds}`];
  const headers = [...options.headers];
  if (site.scenario.isGrpc) {
    const message = join(site.folder, 'message');
    writeFileSync(message, GRPC_MESSAGE);
    flags.push('-d', message);
    headers.push(...GRPC_FIELDS);
  }
  writeFileSync(times, '');
  const headerFlags = headers.flatMap((header) => ['-H', header]);
  const command = ['h2load', ...flags, ...headerFlags, '--log-file', times, urlOf(site)];
  return parseH2load(await run([...pinnedTo(1), ...command]), readFileSync(times, 'latin1'));
}

function urlOf({ port, scenario }: LoadOptions['site']): string {
  return `http://127.0.0.1:${port}${pathOf(scenario)}`;
}

/** `log` has a line for each request: its start, status, and µs. */
function parseH2load(output: string, log: string): LoadResult {
  const protocol = /^Application protocol: (.*)$/m.exec(output)?.[1];
  if (protocol !== 'h2c') throw new Error(`h2load speaks ${protocol ?? 'to nobody'}`);
  const count = (name: string): number =>
    Number(new RegExp(`^requests: .*?(\\d+) ${name}`, 'm').exec(output)?.[1] ?? 0);
  const ok = Number(/^status codes: (\d+) 2xx/m.exec(output)?.[1] ?? 0);
  const lines = log.split('\n').slice(0, -1);
  const micros = Float64Array.from(lines, (line) => Number(line.split('\t')[2])).sort();
  const quantile = (share: number): number =>
    (micros[Math.floor(micros.length * share)] ?? Number.NaN) / 1000;
  const requests = count('done');
  return {
    requests,
    errors: count('failed') + count('errored') + count('timeout') + Math.max(requests - ok, 0),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}

async function loadHttp1(options: LoadOptions): Promise<LoadResult> {
  const duration = String(options.seconds);
  const pin = pinnedTo(1);
  const headerFlags = options.headers.flatMap((header) => ['-H', header]);
  if (hasCommand('wrk')) {
    const connections = String(options.connections);
    const flags = ['-t1', '-c', connections, '-d', `${duration}s`, '--latency', ...headerFlags];
    return parseWrk(await run([...pin, 'wrk', ...flags, urlOf(options.site)]));
  }
  const flags = ['-c', String(options.connections), '-d', duration, '-j', ...headerFlags];
  const script = createRequire(import.meta.url).resolve('autocannon');
  const command = [...pin, process.execPath, script, ...flags, urlOf(options.site)];
  return parseAutocannon(await run(command));
}

function parseWrk(output: string): LoadResult {
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0);
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(
    output,
  );
  const errors = failed + (socket?.slice(1).reduce((sum, text) => sum + Number(text), 0) ?? 0);
  return {
    requests,
    errors,
    p50Ms: toMs(/50%\s+([\d.]+)(us|ms|s)/.exec(output)),
    p99Ms: toMs(/99%\s+([\d.]+)(us|ms|s)/.exec(output)),
  };
}

function toMs(match: RegExpExecArray | null): number {
  if (match === null) return Number.NaN;
  const factor = { us: 0.001, ms: 1, s: 1000 }[match[2] as 'us' | 'ms' | 's'];
  return Number(match[1]) * factor;
}

function parseAutocannon(output: string): LoadResult {
  const result = JSON.parse(output) as {
    readonly requests: { readonly total: number };
    readonly non2xx: number;
    readonly errors: number;
    readonly latency: { readonly p50: number; readonly p99: number };
  };
  return {
    requests: result.requests.total,
    errors: result.non2xx + result.errors,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
