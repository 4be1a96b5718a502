// The statistics of the whole proxy: the primary's, those of every living worker, and what dead
// workers had counted when they were last heard.
import { foldEndedWorker, mergeSnapshots, resetBase } from '../stats/merge.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../stats/snapshot.ts';
import type { WorkerPeer } from './worker-peer.ts';

/** Sums over processes. */
export class StatsCollector {
  #ended: StatsSnapshot = EMPTY_SNAPSHOT;

  /** Keeps what a worker that died had counted; null: it was never heard. */
  retire(last: StatsSnapshot | null): void {
    if (last !== null) this.#ended = foldEndedWorker(this.#ended, last);
  }

  /** Everything, summed; a living worker that does not answer in time counts as last heard. */
  async collect(own: StatsSnapshot, peers: readonly WorkerPeer[]): Promise<StatsSnapshot> {
    const answers = await Promise.all(peers.map(askForStats));
    const present = answers.filter((answer) => answer !== null);
    return mergeSnapshots([own, this.#ended, ...present]);
  }

  /** The counters of the dead go back to 0 with those of the living. */
  resetCounters(): void {
    this.#ended = resetBase(this.#ended);
  }
}

async function askForStats(peer: WorkerPeer): Promise<StatsSnapshot | null> {
  const answer = await peer.ask('stats');
  // One that died meanwhile was retired: it must not count twice.
  return answer ?? (peer.isGone ? null : peer.lastStats);
}
