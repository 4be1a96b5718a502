// One of three upstreams fails under load, behind retries and outlier detection: no client notices.
import { setTimeout as delay } from 'node:timers/promises';
import { spawnServer } from '../support/spawn-server.ts';
import {
  chaosBootstrap,
  NO_BREAKERS,
  OUTLIERS,
  RETRYING,
  staticCluster,
} from './chaos-bootstrap.ts';
import { Load, quantile } from './client.ts';
import { type Failure, SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const CLIENTS = 20;
const PAUSE_MS = 20;
const BEFORE_MS = 700;
const AFTER_MS = 2300;

const CLUSTER = { circuit_breakers: NO_BREAKERS, outlier_detection: OUTLIERS };

const FAILURES: readonly (readonly [Failure, string])[] = [
  ['killed', 'killed'],
  ['reset', 'resets connections'],
  ['refusing', 'refuses connections'],
  ['blackholed', 'drops SYNs'],
  ['silent', 'accepts, then silent'],
  ['slow', 'answers after 1.5 s'],
  ['errors', 'answers 500'],
];

/** A line for each way to fail. */
export async function oneOfThree(workers: number): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [failure, text] of FAILURES) verdicts.push(await tryOne(failure, text, workers));
  return verdicts;
}

async function tryOne(failure: Failure, text: string, workers: number): Promise<Verdict> {
  const upstreams = await Promise.all([1, 2, 3].map(() => SickUpstream.start()));
  const ports = upstreams.map(({ port }) => port);
  const cluster = staticCluster(ports, CLUSTER);
  const server = await spawnServer(() => chaosBootstrap([cluster], { route: RETRYING }), {
    flags: ['--concurrency', String(workers)],
  });
  try {
    const port = Number((await server.listener('main')).split(':').at(-1));
    const load = new Load(port, { clients: CLIENTS, pauseMs: PAUSE_MS });
    await delay(BEFORE_MS);
    const before = load.outcomes.length;
    await upstreams[1]?.fail(failure);
    await delay(AFTER_MS);
    const outcomes = await load.stop();
    const failed = outcomes.filter(({ status, isComplete }) => status !== 200 || !isComplete);
    const times = outcomes.slice(before).map(({ ms }) => ms);
    const stats = await server.admin('/stats?filter=cluster.c.');
    const counted = (name: string): string =>
      new RegExp(`cluster\\.c\\.${name}: (\\d+)`).exec(stats)?.[1] ?? '0';
    const measured = [
      `${failed.length} of ${outcomes.length} failed`,
      ...[`p99 ${Math.round(quantile(times, 0.99))} ms`, `${counted('upstream_rq_retry')} retries`],
      `${counted('outlier_detection.ejections_active')} ejected`,
    ].join(', ');
    const what = `1 of 3: ${text}`;
    const passed = failed.length === 0 && outcomes.length > before;
    return { what, goal: '0 failed GETs', measured, passed };
  } finally {
    server.kill('SIGKILL');
    await server.exited;
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  }
}
