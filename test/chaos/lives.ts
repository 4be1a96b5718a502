// The processes of a proxy under load: workers that are killed and replaced, configurations that are
// read again, a program that another one replaces. Connections that are kept and new ones.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import { chaosBootstrap, PLAIN, staticCluster } from './chaos-bootstrap.ts';
import { Load, type Outcome } from './client.ts';
import { SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const LOAD = { clients: 16, strangers: 4, pauseMs: 5 };
const AROUND_MS = 500;
const KILLS = 5;
const RELOADS = 20;
const DEADLINE_MS = 60_000;
const CLI = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));

interface Site {
  readonly server: SpawnedServer;
  readonly port: number;
  readonly workers: number;
}

/** All lines, of one proxy. */
export async function lives(workers: number): Promise<readonly Verdict[]> {
  const upstream = await SickUpstream.start();
  const cluster = staticCluster([upstream.port]);
  const flags = ['--concurrency', String(Math.max(2, workers)), '--drain-time-s', '2'];
  const server = await spawnServer(() => chaosBootstrap([cluster], { route: PLAIN }), { flags });
  try {
    const port = Number((await server.listener('main')).split(':').at(-1));
    const site = { server, port, workers: Math.max(2, workers) };
    return [
      await underLoad(`a worker killed, ${KILLS} times`, site, LOAD.clients * KILLS, killWorkers),
      await underLoad('every worker replaced (SIGUSR2)', site, 0, replaceWorkers),
      await underLoad(`configuration read again (SIGHUP), ${RELOADS} times`, site, 0, reload),
      await underLoad('the program replaced (outrigger upgrade)', site, 0, upgrade),
      await underLoad('the program replaced once more', site, 0, upgrade),
    ];
  } finally {
    server.kill('SIGTERM');
    await server.exited;
    await upstream.stop();
  }
}

async function underLoad(
  what: string,
  site: Site,
  mayFail: number,
  act: (site: Site) => Promise<void>,
): Promise<Verdict> {
  const load = new Load(site.port, LOAD);
  await eventually(() => load.outcomes.length > 100, DEADLINE_MS);
  await delay(AROUND_MS);
  await act(site);
  await delay(AROUND_MS);
  return verdictOf(what, mayFail, await load.stop());
}

function verdictOf(what: string, mayFail: number, outcomes: readonly Outcome[]): Verdict {
  const good = outcomes.filter(({ status, isComplete }) => status === 200 && isComplete);
  const resets = outcomes.filter(({ isComplete }) => !isComplete).length;
  const failures = outcomes.length - good.length;
  const ends = good.map(({ endedMs }) => endedMs).sort((left, right) => left - right);
  const gaps = ends.slice(1).map((endedMs, index) => endedMs - (ends[index] as number));
  const longest = gaps.reduce((most, gap) => Math.max(most, gap), 0);
  return {
    what,
    goal: mayFail === 0 ? '0 failed' : `at most ${mayFail} failed: those in flight there`,
    measured: `${failures} of ${outcomes.length} failed, ${resets} reset; longest gap ${longest.toFixed(0)} ms`,
    passed: failures <= mayFail && good.length > 0,
  };
}

function workersOf({ pid }: SpawnedServer): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

async function killWorkers({ server, workers }: Site): Promise<void> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = workersOf(server);
    const victim = before[kill % before.length] as number;
    process.kill(victim, 'SIGKILL');
    const isReplaced = () => {
      const now = workersOf(server);
      return now.length === workers && !now.includes(victim);
    };
    await eventually(isReplaced, DEADLINE_MS);
    await delay(AROUND_MS);
  }
}

async function replaceWorkers({ server, workers }: Site): Promise<void> {
  const before = workersOf(server);
  server.kill('SIGUSR2');
  await eventually(() => {
    const now = workersOf(server);
    return now.length === workers && now.every((pid) => !before.includes(pid));
  }, DEADLINE_MS);
}

/** Each time another header of responses, and another listener altogether every second time. */
async function reload({ server }: Site): Promise<void> {
  const file = join(server.directory, 'bootstrap.json');
  const bootstrap = JSON.parse(readFileSync(file, 'utf8'));
  const [listener] = bootstrap.static_resources.listeners;
  const [{ typed_config: manager }] = listener.filter_chains[0].filters;
  for (let round = 1; round <= RELOADS; round += 1) {
    manager.via = `round-${round}`;
    listener.tcp_backlog_size = 1000 + Math.floor(round / 2);
    writeFileSync(file, JSON.stringify(bootstrap));
    server.kill('SIGHUP');
    await eventually(async () => {
      const answer = await fetch(`http://${await server.listener('main')}/`);
      await answer.text();
      return answer.headers.get('via') === manager.via;
    }, DEADLINE_MS);
  }
}

async function upgrade({ server }: Site): Promise<void> {
  await promisify(execFile)(process.execPath, [CLI, 'upgrade', server.adminAddress]);
  // What the old process has left ends at its drain time.
  const connections = async () =>
    Number(/parent_connections: (\d+)/.exec(await server.admin('/stats?filter=parent_conn'))?.[1]);
  await eventually(async () => (await connections()) === 0, DEADLINE_MS);
}
