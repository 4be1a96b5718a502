// The statistics of the whole proxy: the primary's, those of every living worker, and what dead
// workers had counted when they were last heard.
import {
  foldEndedProcess,
  foldEndedWorker,
  lastingPart,
  mergeSnapshots,
  resetBase,
  TOTAL_CONNECTIONS,
} from '../stats/merge.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../stats/snapshot.ts';
import type { WorkerPeer } from './worker-peer.ts';

/** Sums over processes. */
export class StatsCollector {
  #ended: StatsSnapshot = EMPTY_SNAPSHOT;
  /** Of processes that served before this one and are ending, by epoch. */
  readonly #elders = new Map<number, StatsSnapshot>();
  /** After `/reset_counters` what elders count is not told apart any more. */
  #heedsElders = true;

  /** Keeps what a worker that died had counted; null: it was never heard. */
  retire(last: StatsSnapshot | null): void {
    if (last !== null) this.#ended = foldEndedWorker(this.#ended, last);
  }

  /** What a process that served before this one has counted since it began; `isFinal`: it ends. */
  hearElder(epoch: number, snapshot: StatsSnapshot, isFinal: boolean): void {
    if (!this.#heedsElders) return;
    if (isFinal) {
      this.#elders.delete(epoch);
      this.#ended = foldEndedProcess(this.#ended, snapshot);
    } else {
      this.#elders.set(epoch, lastingPart(snapshot));
    }
  }

  /** Connections of processes that served before this one. */
  elderConnections(): number {
    let count = 0;
    for (const { gauges } of this.#elders.values()) count += gauges[TOTAL_CONNECTIONS] ?? 0;
    return count;
  }

  /** What a next process goes on counting from: without elders, who tell it themselves. */
  async ofThisProcess(own: StatsSnapshot, peers: readonly WorkerPeer[]): Promise<StatsSnapshot> {
    const answers = await Promise.all(peers.map(askForStats));
    return mergeSnapshots([own, this.#ended, ...answers.filter((answer) => answer !== null)]);
  }

  /** Everything, summed; a living worker that does not answer in time counts as last heard. */
  async collect(own: StatsSnapshot, peers: readonly WorkerPeer[]): Promise<StatsSnapshot> {
    return mergeSnapshots([await this.ofThisProcess(own, peers), ...this.#elders.values()]);
  }

  /** The counters of the dead go back to 0 with those of the living. */
  resetCounters(): void {
    this.#ended = resetBase(this.#ended);
    this.#heedsElders = false;
    this.#elders.clear();
  }
}

async function askForStats(peer: WorkerPeer): Promise<StatsSnapshot | null> {
  const answer = await peer.ask('stats');
  // One that died meanwhile was retired: it must not count twice.
  return answer ?? (peer.isGone ? null : peer.lastStats);
}
