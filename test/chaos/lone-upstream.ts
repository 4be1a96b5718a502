// The only upstream fails and nothing is retried: what the client hears, how soon, and how often the
// upstream was asked.
import { setTimeout as delay } from 'node:timers/promises';
import { spawnServer } from '../support/spawn-server.ts';
import {
  CONNECT_TIMEOUT_MS,
  chaosBootstrap,
  PLAIN,
  RETRYING,
  ROUTE_TIMEOUT_MS,
  staticCluster,
} from './chaos-bootstrap.ts';
import { ask, type Outcome } from './client.ts';
import { type Failure, SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const ROUNDS = 10;
/** A failed upstream is told of within this time. */
const AT_ONCE_MS = 50;
const CONNECT_TOLERANCE = 0.1;
const ROUTE_TOLERANCE_MS = 100;
/** Until a request has reached its upstream. */
const IN_FLIGHT_MS = 300;

interface Lone {
  readonly upstream: SickUpstream;
  readonly port: number;
  /** Requests that reached it while it was well. */
  readonly before: number;
}

/** All lines. */
export async function loneUpstream(): Promise<readonly Verdict[]> {
  return [
    await atOnce('refuses connections', 'refusing', 'UF'),
    await atOnce('resets connections', 'reset', 'UC'),
    await killedInFlight(),
    await connectTimeout(),
    await routeTimeout(),
    await notRetried(),
    await notRepeated(),
  ];
}

async function atOnce(text: string, failure: Failure, flag: string): Promise<Verdict> {
  return withLone(PLAIN, async ({ upstream, port }) => {
    await upstream.fail(failure);
    const outcomes = await inTurn(port);
    return answered(`only one ${text}`, outcomes, { status: 503, flag, most: AT_ONCE_MS });
  });
}

/** Timed from the kill, not from the request. */
async function killedInFlight(): Promise<Verdict> {
  return withLone(PLAIN, async ({ upstream, port }) => {
    await upstream.fail('silent');
    const asked = Array.from({ length: ROUNDS }, () => ask({ port }));
    await delay(IN_FLIGHT_MS);
    const killedMs = performance.now();
    await upstream.fail('killed');
    const outcomes = await Promise.all(
      asked.map(async (each) => ({ ...(await each), ms: performance.now() - killedMs })),
    );
    const limits = { status: 503, flag: 'UC', most: AT_ONCE_MS };
    return answered(`only one killed with ${ROUNDS} in flight`, outcomes, limits);
  });
}

async function connectTimeout(): Promise<Verdict> {
  const slack = CONNECT_TIMEOUT_MS * CONNECT_TOLERANCE;
  return withLone({ timeout: '5s' }, async ({ upstream, port }) => {
    await upstream.fail('blackholed');
    const outcomes = await atOneTime(port);
    const least = CONNECT_TIMEOUT_MS - slack;
    const limits = { status: 503, flag: 'UF', least, most: CONNECT_TIMEOUT_MS + slack };
    return answered('only one drops SYNs', outcomes, limits);
  });
}

async function routeTimeout(): Promise<Verdict> {
  return withLone(PLAIN, async ({ upstream, port }) => {
    await upstream.fail('silent');
    const outcomes = await atOneTime(port);
    const least = ROUTE_TIMEOUT_MS - ROUTE_TOLERANCE_MS;
    const limits = { status: 504, flag: 'UT', least, most: ROUTE_TIMEOUT_MS + ROUTE_TOLERANCE_MS };
    return answered('only one silent after connect', outcomes, limits);
  });
}

async function notRetried(): Promise<Verdict> {
  return withLone(PLAIN, async ({ upstream, port, before }) => {
    await upstream.fail('reset');
    await inTurn(port, 'POST');
    return counted('POSTs reset, no retry policy', (await upstream.requests()) - before);
  });
}

async function notRepeated(): Promise<Verdict> {
  return withLone(RETRYING, async ({ upstream, port, before }) => {
    await upstream.fail('half-answer');
    const outcomes = await inTurn(port);
    const verdict = counted(
      'reset within a response, with retries',
      (await upstream.requests()) - before,
    );
    const areCut = outcomes.every(({ status, isComplete }) => status === 200 && !isComplete);
    return areCut ? verdict : { ...verdict, passed: false, measured: 'not cut off' };
  });
}

async function withLone(
  route: Readonly<Record<string, unknown>>,
  use: (lone: Lone) => Promise<Verdict>,
): Promise<Verdict> {
  const upstream = await SickUpstream.start();
  const server = await spawnServer(() =>
    chaosBootstrap([staticCluster([upstream.port])], { route }),
  );
  try {
    const port = Number((await server.listener('main')).split(':').at(-1));
    // Code that runs for the first time is compiled then: that is not what is measured.
    for (let round = 0; round < ROUNDS; round += 1) await ask({ port });
    const before = await upstream.requests();
    return await use({ upstream, port, before });
  } finally {
    server.kill('SIGKILL');
    await server.exited;
    await upstream.stop();
  }
}

async function inTurn(port: number, method = 'GET'): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < ROUNDS; round += 1) outcomes.push(await ask({ port, method }));
  return outcomes;
}

function atOneTime(port: number): Promise<readonly Outcome[]> {
  return Promise.all(Array.from({ length: ROUNDS }, () => ask({ port })));
}

function answered(
  what: string,
  outcomes: readonly Outcome[],
  limits: {
    readonly status: number;
    readonly flag: string;
    readonly least?: number;
    readonly most: number;
  },
): Verdict {
  const { status, flag, least = 0, most } = limits;
  const times = outcomes.map(({ ms }) => ms);
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
  const told = [...new Set(outcomes.map((each) => `${each.status} ${each.flags}`))];
  const isTold = told.length === 1 && told[0] === `${status} ${flag}`;
  return {
    what,
    goal: `${status} ${flag} in ${least === 0 ? '<' : `${least}–`}${most} ms`,
    measured: `${told.join(', ')} in ${fastest.toFixed(0)}–${slowest.toFixed(0)} ms`,
    passed: isTold && fastest >= least && slowest <= most,
  };
}

function counted(what: string, requests: number): Verdict {
  return {
    what,
    goal: `${ROUNDS} attempts for ${ROUNDS} requests`,
    measured: `${requests} attempts`,
    passed: requests === ROUNDS,
  };
}
