// `npm run bench`: CPU µs per request, latency and memory of Outrigger beside other proxies, in one
// run, as ratios. Proxy on the first core, load and back end on the second.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTENDERS, type Contender, OUTRIGGER } from './contenders.ts';
import { hasCommand } from './load.ts';
import { measure, type Row, summary } from './measure.ts';
import { freePort, stop, whenListening } from './process.ts';
import type { Scenario } from './scenario.ts';
import { readSettings, type Settings } from './settings.ts';
import { startUpstream } from './upstream.ts';

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printTable(scenario: Scenario, rows: readonly Row[]): void {
  const cpuOf = (name: string): number | null =>
    rows.find((row) => row.name === name)?.cpuMicros ?? null;
  const ratio = (row: Row, base: number | null): string =>
    base === null ? '-' : (row.cpuMicros / base).toFixed(2);
  say('');
  say(
    `${scenario.name.padEnd(20)}CPU µs/req  × nginx  × envoy   p50 ms   p99 ms    req/s  RSS MB  errors`,
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
function sayMissing(scenarios: readonly Scenario[]): void {
  for (const contender of CONTENDERS.filter((it) => !it.isPresent())) {
    say(`without ${contender.name}: ${contender.install}`);
  }
  const clients = new Set(scenarios.map(({ downstream }) => downstream));
  if (clients.has('HTTP/1.1') && !hasCommand('wrk')) {
    say('without wrk: autocannon loads, at fewer requests a second (apt-get install wrk)');
  }
  if (!hasCommand('taskset')) {
    say(
      'without taskset: nothing is pinned to a core, so numbers vary (apt-get install util-linux)',
    );
  }
}

/** Who takes part, in the order of the table; says why others do not. */
function participants(scenario: Scenario, settings: Settings): readonly Contender[] {
  return CONTENDERS.filter((contender) => {
    const isWanted = settings.only === null || settings.only.includes(contender.name);
    if (!contender.isPresent() || (!isWanted && contender !== OUTRIGGER)) return false;
    const reason = contender.cannot(scenario);
    if (reason !== null) say(`${scenario.name} without ${contender.name}: ${reason}`);
    return reason === null;
  });
}

async function compare(scenario: Scenario, settings: Settings, folder: string): Promise<void> {
  const upstreamPort = await freePort();
  const upstream = startUpstream(scenario, folder, upstreamPort);
  const results = new Map<string, Row[]>();
  const present = participants(scenario, settings);
  try {
    await whenListening(upstreamPort);
    // Interleaved, so that a machine that changes its speed does so for all.
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const contender of present) {
        say(`${scenario.name}, round ${round} of ${settings.rounds}: ${contender.name}`);
        const ports = { port: await freePort(), meshPort: await freePort(), upstreamPort };
        const site = { folder, scenario, ...ports };
        try {
          const row = await measure(contender, site, settings);
          results.set(contender.name, [...(results.get(contender.name) ?? []), row]);
        } catch (error) {
          // One contender that does not run must not cost the others' numbers.
          say(`  ${contender.name}: ${(error as Error).message}`);
        }
      }
    }
  } finally {
    await stop(upstream);
  }
  printTable(scenario, [...results.values()].map(summary));
}

async function main(): Promise<void> {
  const settings = readSettings(CONTENDERS.map(({ name }) => name));
  if (typeof settings === 'string') {
    process.stderr.write(`${settings}\n`);
    process.exitCode = 64;
    return;
  }
  const { scenarios } = settings;
  sayMissing(scenarios);
  if (scenarios.some(({ downstream }) => downstream === 'HTTP/2') && !hasCommand('h2load')) {
    process.stderr.write('HTTP/2 is loaded by h2load (apt-get install nghttp2-client)\n');
    process.exitCode = 1;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  try {
    for (const scenario of scenarios) await compare(scenario, settings, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
