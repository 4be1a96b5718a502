// One round of one proxy: CPU µs per request, latency, memory.
import { checkAnswer } from './answer-check.ts';
import { type Contender, start } from './contenders.ts';
import { cpuMicros, residentMb } from './cpu.ts';
import { load } from './load.ts';
import { stop, whenListening } from './process.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';

/** Of one round, or the medians of several. */
export interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rps: number;
  readonly rssMb: number;
  readonly errors: number;
}

/** Starts a proxy, sees that it answers rightly, loads it, ends it. */
export async function measure(contender: Contender, site: Site, settings: Settings): Promise<Row> {
  const proxy = start(contender, site);
  const pid = proxy.pid as number;
  try {
    await whenListening(site.port);
    await checkAnswer(site.scenario, site.port);
    const target = { ...settings, site };
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

/** The medians, and all errors. */
export function summary(rows: readonly Row[]): Row {
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
