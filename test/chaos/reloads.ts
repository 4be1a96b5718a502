// The configuration changes ten thousand times under load: by its file, and by a server's listeners,
// clusters and routes.
import { runReloads } from '../support/reload-run.ts';
import type { Verdict } from './verdict.ts';

const REQUESTS_PER_SECOND = 1000;
/** Code is compiled, and caches are filled, in the first of them. */
const WARM_UP = 400;
/** As a share of what was there before. */
const HEAP_GOAL = 1.05;

/** All lines. */
export async function reloads(workers: number, count: number): Promise<readonly Verdict[]> {
  const warmUp = WARM_UP;
  const requestsPerSecond = REQUESTS_PER_SECOND;
  const settings = { reloads: count, warmUp, workers, requestsPerSecond, isExact: true };
  const report = await runReloads(settings);
  const { requests, failures, mishaps, tookMs, heapGrowth, descriptorGrowth, detail } = report;
  process.stderr.write(`${detail}\n`);
  const seconds = tookMs / 1000;
  const what = `${count} reloads in ${seconds.toFixed(0)} s`;
  return [
    {
      what,
      goal: 'no failed request, no reset connection',
      measured: `${failures.length} of ${requests} ${failures[0] ?? ''}`,
      passed: failures.length === 0 && requests > count,
    },
    {
      what,
      goal: 'nothing is refused, no worker dies',
      measured: mishaps.length === 0 ? 'nothing' : mishaps.slice(0, 3).join('; '),
      passed: mishaps.length === 0,
    },
    {
      what,
      goal: 'the heap is within 5 % of before, in every process',
      measured: percent(heapGrowth),
      passed: heapGrowth <= HEAP_GOAL,
    },
    {
      what,
      goal: 'no descriptors are left open',
      measured: percent(descriptorGrowth),
      passed: descriptorGrowth <= HEAP_GOAL,
    },
  ];
}

function percent(growth: number): string {
  return `${((growth - 1) * 100).toFixed(1)} % more`;
}
