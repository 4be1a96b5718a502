import t from 'tap';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { directLink, type LinkPair } from '../../proxy/server/direct-link.ts';
import type { ToWorker } from '../../proxy/server/link.ts';
import { WorkerPool, type WorkerPoolHandler } from '../../proxy/server/worker-pool.ts';
import { eventually } from '../support/eventually.ts';

/** Workers that only note what they hear. */
class FakeWorkers {
  readonly pairs: LinkPair[] = [];
  readonly heard: ToWorker['kind'][][] = [];
  readonly indexes: number[] = [];

  readonly spawn = (index: number) => {
    const pair = directLink();
    const heard: ToWorker['kind'][] = [];
    pair.worker.onMessage = (message) => heard.push(message.kind);
    this.pairs.push(pair);
    this.heard.push(heard);
    this.indexes.push(index);
    return { link: pair.primary, pid: this.pairs.length, kill: () => pair.close() };
  };
}

function makePool(workers: FakeWorkers, count: number, notes: string[] = []): WorkerPool {
  const handler: WorkerPoolHandler = {
    replay: () => [{ kind: 'start' }],
    onStarted: (peer) => notes.push(`started ${peer.index}`),
    onAllDrained: () => notes.push('all drained'),
    onAllGone: () => notes.push('all gone'),
    openSocket: () => ({ handle: null }),
    onWantCells: (peer) => notes.push(`cells for ${peer.index}`),
    onGiveUpCells: (peer) => notes.push(`cells of ${peer.index}`),
    onStreak: (_cluster, address, streak) => notes.push(`${streak} of ${address}`),
    onClusterTraffic: (cluster) => notes.push(`traffic to ${cluster}`),
    onHostFailed: (cluster, address) => notes.push(`${address} of ${cluster} fails`),
    onRetired: (peer) => notes.push(`retired ${peer.index}`),
    onProven: () => undefined,
    onDied: (peer) => notes.push(`died ${peer.index}`),
  };
  const log = SILENT_LOG.logger('main');
  return new WorkerPool({ count, spawn: workers.spawn, log, handler });
}

t.test('replaces a worker that dies under its number and tells it everything again', async (t) => {
  const workers = new FakeWorkers();
  const pool = makePool(workers, 2);
  pool.start();
  workers.pairs[1]?.close();
  await eventually(() => workers.pairs.length === 3);
  t.same(workers.indexes, [0, 1, 1]);
  await eventually(() => workers.heard[2]?.includes('start') === true);
  t.equal(pool.living().length, 2);
  pool.kill();
});

t.test('waits longer each time for a worker that keeps dying', async (t) => {
  const workers = new FakeWorkers();
  const pool = makePool(workers, 1);
  const begin = performance.now();
  pool.start();
  for (let deaths = 1; deaths <= 3; deaths += 1) {
    workers.pairs.at(-1)?.close();
    await eventually(() => workers.pairs.length === deaths + 1);
  }
  t.ok(performance.now() - begin >= 150, 'pauses of 0, 50 and 100 ms');
  pool.kill();
});

t.test('replaces nobody once it stops, and tells when all have drained and gone', async (t) => {
  const workers = new FakeWorkers();
  const notes: string[] = [];
  const pool = makePool(workers, 2, notes);
  pool.start();
  pool.beginStop();
  workers.pairs[0]?.worker.send({ kind: 'drained' });
  await eventually(() => workers.heard[0]?.length === 1);
  t.notOk(notes.includes('all drained'));
  workers.pairs[1]?.close();
  await eventually(() => notes.includes('all drained'));
  pool.stop();
  workers.pairs[0]?.close();
  await eventually(() => notes.includes('all gone'));
  t.equal(workers.pairs.length, 2);
});

t.test('answers a question with null when the worker dies before it answers', async (t) => {
  const workers = new FakeWorkers();
  const pool = makePool(workers, 1);
  pool.start();
  const asked = pool.living()[0]?.ask('stats');
  workers.pairs[0]?.close();
  t.equal(await asked, null);
  pool.kill();
});

t.test('keeps the old worker when its successor cannot start', async (t) => {
  const workers = new FakeWorkers();
  const notes: string[] = [];
  const pool = makePool(workers, 1, notes);
  pool.start();
  const old = pool.living()[0];
  const replaced = pool.replaceAll(1_000);
  workers.pairs[1]?.close();
  await replaced;
  t.equal(pool.living()[0], old);
  t.notOk(workers.heard[0]?.includes('drain'));
  t.same(notes, ['died 0']);
  pool.kill();
});

t.test('drains a worker only when its successor accepts', async (t) => {
  const workers = new FakeWorkers();
  const notes: string[] = [];
  const pool = makePool(workers, 1, notes);
  pool.start();
  const replaced = pool.replaceAll(1_000);
  await eventually(() => workers.heard[1]?.includes('start') === true);
  t.notOk(workers.heard[0]?.includes('drain'));
  pool.broadcast({ kind: 'reopen-logs' });
  t.equal(pool.counting().length, 2, 'who still serves still counts');
  await eventually(() => workers.heard[0]?.includes('reopen-logs') === true);
  workers.pairs[1]?.worker.send({ kind: 'started', listeners: [] });
  await replaced;
  await eventually(() => workers.heard[0]?.includes('drain') === true);
  workers.pairs[0]?.worker.send({ kind: 'drained' });
  await eventually(() => workers.heard[0]?.includes('stop') === true);
  workers.pairs[0]?.close();
  await eventually(() => notes.includes('retired 0'));
  t.equal(pool.living().length, 1);
  pool.kill();
});

t.test('ends all when it stops while one is being replaced', async (t) => {
  const workers = new FakeWorkers();
  const notes: string[] = [];
  const pool = makePool(workers, 1, notes);
  pool.start();
  const replaced = pool.replaceAll(1_000);
  await eventually(() => workers.heard[1]?.includes('start') === true);
  pool.stop();
  await eventually(() => workers.heard.every((heard) => heard.includes('stop')));
  workers.pairs[1]?.worker.send({ kind: 'started', listeners: [] });
  await replaced;
  t.notOk(workers.heard[0]?.includes('drain'), 'no other time than that of all');
  for (const pair of workers.pairs) pair.close();
  await eventually(() => notes.includes('all gone'));
});

t.test('waits for workers that were replaced, too, when it stops', async (t) => {
  const workers = new FakeWorkers();
  const notes: string[] = [];
  const pool = makePool(workers, 1, notes);
  pool.start();
  const replaced = pool.replaceAll(1_000);
  await eventually(() => workers.heard[1]?.includes('start') === true);
  workers.pairs[1]?.worker.send({ kind: 'started', listeners: [] });
  await replaced;
  pool.beginStop();
  workers.pairs[1]?.worker.send({ kind: 'drained' });
  await eventually(() => pool.living()[0]?.hasDrained === true);
  t.notOk(notes.includes('all drained'));
  workers.pairs[0]?.worker.send({ kind: 'drained' });
  await eventually(() => workers.heard[0]?.includes('stop') === true);
  workers.pairs[0]?.close();
  await eventually(() => notes.includes('all drained'));
  pool.kill();
});
