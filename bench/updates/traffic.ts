// A process beside the bench: the upstream of all endpoints, requests that go on all the time and
// say how long the longest took, and requests that wait until a change can be seen.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Probe } from './probe.ts';

/** From the bench. */
export type ToTraffic =
  | { readonly kind: 'listen'; readonly port: number }
  /** Requests go on to a proxy from now on, on so many connections. */
  | { readonly kind: 'begin'; readonly port: number; readonly connections: number }
  /** Until `field` of answers of `cluster` is `value` on each of the connections. */
  | {
      readonly kind: 'watch';
      readonly port: number;
      readonly cluster: string;
      readonly field: string;
      readonly value: string;
      readonly connections: number;
    }
  /** Forgets the latencies so far. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'collect' }
  | { readonly kind: 'end' };

/** To the bench; times are those of the machine's monotonic clock. */
export type FromTraffic =
  | { readonly kind: 'listening' }
  | { readonly kind: 'seen'; readonly nowMs: number }
  | {
      readonly kind: 'latencies';
      readonly worstMs: number;
      readonly p99Ms: number;
      readonly requests: number;
      readonly failed: number;
    };

/** Between two requests of the traffic. */
const EVERY_MS = 2;
/** Between two requests of one that waits. */
const LOOK_MS = 2;

let latencies: number[] = [];
let failed = 0;
let probes: Probe[] = [];
let timer: NodeJS.Timeout | null = null;

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('x-local', request.socket.localAddress ?? '');
  response.end();
}

async function once(probe: Probe): Promise<void> {
  const startMs = performance.now();
  const found = await probe.get('steady');
  if (found.status !== 200) failed += 1;
  latencies.push(performance.now() - startMs);
}

function begin(port: number, connections: number): void {
  probes = Array.from({ length: connections }, () => new Probe(port));
  let turn = 0;
  timer = setInterval(() => {
    const probe = probes[turn % probes.length] as Probe;
    turn += 1;
    // One that still waits goes on waiting: its time counts from when it was sent.
    if (!probe.isBusy) void once(probe);
  }, EVERY_MS);
}

function end(): void {
  if (timer !== null) clearInterval(timer);
  for (const probe of probes) probe.close();
  probes = [];
}

async function see(wanted: Extract<ToTraffic, { kind: 'watch' }>): Promise<void> {
  const probe = new Probe(wanted.port);
  for (;;) {
    const found = await probe.get(wanted.cluster);
    if (found.fields.get(wanted.field) === wanted.value) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  probe.close();
}

async function watch(wanted: Extract<ToTraffic, { kind: 'watch' }>): Promise<void> {
  await Promise.all(Array.from({ length: wanted.connections }, () => see(wanted)));
  say({ kind: 'seen', nowMs: monotonicMs() });
}

function collect(): void {
  const waiting = probes.flatMap(({ waitedMs }) => (waitedMs === null ? [] : [waitedMs]));
  const sorted = [...latencies, ...waiting].sort((left, right) => left - right);
  const worstMs = sorted.at(-1) ?? 0;
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  say({ kind: 'latencies', worstMs, p99Ms, requests: sorted.length, failed });
}

function say(message: FromTraffic): void {
  process.send?.(message);
}

/** The same in all processes of a machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function onMessage(message: ToTraffic): void {
  if (message.kind === 'listen') {
    createServer({ keepAliveTimeout: 0 }, answer).listen(message.port, '0.0.0.0', () =>
      say({ kind: 'listening' }),
    );
  }
  if (message.kind === 'begin') begin(message.port, message.connections);
  if (message.kind === 'watch') void watch(message);
  if (message.kind === 'collect') collect();
  if (message.kind === 'end') end();
  if (message.kind === 'mark') {
    latencies = [];
    failed = 0;
  }
}

if (process.send !== undefined) {
  process.on('message', onMessage);
  process.on('disconnect', () => process.exit());
}
