// Everything is down: a retry budget keeps attempts few.
import { setTimeout as delay } from 'node:timers/promises';
import { spawnServer } from '../support/spawn-server.ts';
import { chaosBootstrap, RETRYING, staticCluster } from './chaos-bootstrap.ts';
import { Load } from './client.ts';
import { SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const CLIENTS = 100;
const PAUSE_MS = 100;
const OUTAGE_MS = 3000;
const MAX_ATTEMPTS = 1.2;
const BUDGET = { budget_percent: { value: 20 }, min_retry_concurrency: 3 };

/** Three upstreams that answer 503 to everybody. */
export async function outage(workers: number): Promise<readonly Verdict[]> {
  const upstreams = await Promise.all([1, 2, 3].map(() => SickUpstream.start()));
  const ports = upstreams.map(({ port }) => port);
  const breakers = { circuit_breakers: { thresholds: [{ retry_budget: BUDGET }] } };
  const cluster = staticCluster(ports, breakers);
  const server = await spawnServer(() => chaosBootstrap([cluster], { route: RETRYING }), {
    flags: ['--concurrency', String(workers)],
  });
  try {
    for (const upstream of upstreams) await upstream.fail('unavailable');
    const port = Number((await server.listener('main')).split(':').at(-1));
    const load = new Load(port, { clients: CLIENTS, pauseMs: PAUSE_MS });
    await delay(OUTAGE_MS);
    const requests = (await load.stop()).length;
    const counts = await Promise.all(upstreams.map((upstream) => upstream.requests()));
    const attempts = counts.reduce((sum, count) => sum + count, 0);
    const perRequest = attempts / requests;
    return [
      {
        what: '3 of 3 answer 503, retry budget 20 %',
        goal: `at most ${MAX_ATTEMPTS} attempts per request`,
        measured: `${perRequest.toFixed(2)} (${attempts} for ${requests})`,
        passed: requests > CLIENTS && perRequest <= MAX_ATTEMPTS,
      },
    ];
  } finally {
    server.kill('SIGKILL');
    await server.exited;
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  }
}
