// The statistics of the whole proxy: the primary's, those of every living worker, and what dead
// workers had counted when they were last heard.
import { AlikeCounts } from '../stats/alike-counts.ts';
import {
  foldEndedProcess,
  foldEndedWorker,
  lastingPart,
  mergeProcesses,
  mergeSnapshots,
  resetBase,
  TOTAL_CONNECTIONS,
} from '../stats/merge.ts';
import { EMPTY_SNAPSHOT, type StatsSnapshot } from '../stats/snapshot.ts';
import type { WorkerPeer } from './worker-peer.ts';

/** What of a worker counts here. */
export type CountingPeer = Pick<WorkerPeer, 'ask' | 'isGone' | 'lastStats'>;

/** Sums over processes. */
export class StatsCollector {
  /** Of workers that ended. */
  #ended: StatsSnapshot = EMPTY_SNAPSHOT;
  /** Of processes that served before this one and have ended. */
  #former: StatsSnapshot = EMPTY_SNAPSHOT;
  /** Of processes that served before this one and are ending, by epoch. */
  readonly #elders = new Map<number, StatsSnapshot>();
  readonly #alike = new AlikeCounts<CountingPeer>();
  /** After `/reset_counters` what elders count is not told apart any more. */
  #heedsElders = true;

  /** A worker that took another one's place serves. */
  onReplaced(peer: CountingPeer): void {
    this.#alike.onLate(peer);
  }

  /** Keeps what a worker that ended had counted, if it was ever heard. */
  retire(peer: CountingPeer): void {
    const last = peer.lastStats;
    if (last === null) return;
    this.#ended = foldEndedWorker(this.#ended, last);
    this.#alike.retire(peer, last);
  }

  /** What a process that served before this one has counted since it began; `isFinal`: it ends. */
  hearElder(epoch: number, snapshot: StatsSnapshot, isFinal: boolean): void {
    if (!this.#heedsElders) return;
    if (isFinal) {
      this.#elders.delete(epoch);
      this.#former = foldEndedProcess(this.#former, snapshot);
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
  async ofThisProcess(own: StatsSnapshot, peers: readonly CountingPeer[]): Promise<StatsSnapshot> {
    return mergeProcesses([await this.#ofWorkers(own, peers), this.#former]);
  }

  /** Everything, summed; a living worker that does not answer in time counts as last heard. */
  async collect(own: StatsSnapshot, peers: readonly CountingPeer[]): Promise<StatsSnapshot> {
    const workers = await this.#ofWorkers(own, peers);
    return mergeProcesses([workers, this.#former, ...this.#elders.values()]);
  }

  /** The counters of the dead go back to 0 with those of the living. */
  resetCounters(peers: readonly CountingPeer[]): void {
    this.#ended = resetBase(this.#ended);
    this.#former = resetBase(this.#former);
    this.#alike.reset(peers);
    this.#heedsElders = false;
    this.#elders.clear();
  }

  async #ofWorkers(own: StatsSnapshot, peers: readonly CountingPeer[]): Promise<StatsSnapshot> {
    const heard = await Promise.all(peers.map((peer) => peer.ask('stats')));
    const answers: [CountingPeer, StatsSnapshot][] = [];
    for (const [index, peer] of peers.entries()) {
      const answer = heard[index] ?? peer.lastStats;
      // One that ended meanwhile was retired, whether it had answered or not: it must not count twice.
      if (answer !== null && !peer.isGone) answers.push([peer, answer]);
    }
    const madeUp = this.#alike.makeUp(answers);
    const snapshots = answers.map(([, snapshot]) => snapshot);
    return mergeSnapshots([own, this.#ended, madeUp, ...snapshots]);
  }
}
