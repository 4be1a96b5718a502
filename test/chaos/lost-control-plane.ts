// The management server is gone, for long or again and again: what it said before goes on serving.
import { setTimeout as delay } from 'node:timers/promises';
import { adsBootstrap, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import { spawnServer } from '../support/spawn-server.ts';
import { staticCluster } from '../support/static-bootstrap.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { Load, type Outcome } from './client.ts';
import { SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const LOAD = { clients: 8, strangers: 2, pauseMs: 5 };
/** Between two flaps at most: shorter than a reconnect takes, and longer. */
const MAX_FLAP_MS = 400;
/** Back-off after many failures is 30 s. */
const RETURN_DEADLINE_MS = 60_000;

/** How much of it. */
export interface Loss {
  readonly outageMs: number;
  readonly flaps: number;
}

/** A killed server, and one that flaps; each with a change that comes when it is back. */
export async function lostControlPlane(workers: number, loss: Loss): Promise<readonly Verdict[]> {
  const upstream = await SickUpstream.start();
  const plane = await SnapshotPlane.listen();
  const relay = await TcpRelay.listen(plane.plane.port);
  const routes = (path: string) => routeTable('routes', { [path]: 'up', '/': 'up' });
  plane.set('cluster', [staticCluster('up', upstream.port)]);
  plane.set('listener', [rdsListener('main')]);
  plane.set('route', [routes('/0')]);
  const server = await spawnServer(() => adsBootstrap(relay.port), {
    flags: ['--concurrency', String(workers)],
  });
  /** What is offered while it is away is taken when it is back. */
  const isBack = async (path: string) => {
    const version = plane.set('route', [routes(path)]);
    await eventually(
      () => plane.accepted.some((accepted) => accepted.endsWith(` ${version}`)),
      RETURN_DEADLINE_MS,
    );
  };
  try {
    const port = Number((await server.listener('main')).split(':').at(-1));
    const lost = await underLoad(port, async () => {
      const place = await relay.down();
      await delay(loss.outageMs);
      await relay.up(place);
      await isBack('/1');
    });
    const flapping = await underLoad(port, async () => {
      for (let flap = 0; flap < loss.flaps; flap += 1) {
        const place = await relay.down();
        await delay((flap * 37) % MAX_FLAP_MS);
        await relay.up(place);
        await delay((flap * 53) % MAX_FLAP_MS);
      }
      await isBack('/2');
    });
    return [
      verdictOf(`management server killed for ${loss.outageMs / 1000} s`, lost),
      verdictOf(`management server flaps ${loss.flaps} times`, flapping),
    ];
  } finally {
    server.kill('SIGKILL');
    await server.exited;
    relay.close();
    plane.close();
    await upstream.stop();
  }
}

async function underLoad(port: number, act: () => Promise<void>): Promise<readonly Outcome[]> {
  const load = new Load(port, LOAD);
  await act();
  return load.stop();
}

function verdictOf(what: string, outcomes: readonly Outcome[]): Verdict {
  const failed = outcomes.filter(({ status }) => status !== 200).length;
  return {
    ...{ what, goal: '0 failed, and its changes come when it is back' },
    measured: `${failed} of ${outcomes.length} failed`,
    passed: failed === 0 && outcomes.length > 0,
  };
}
