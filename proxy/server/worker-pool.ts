// Keeps the wanted number of workers alive: a worker that dies is replaced, at once the first time
// and ever later when it keeps dying.
import type { ListenerStatus } from '../admin/status.ts';
import type { CellRequest } from '../base/cells/cell-registry.ts';
import type { Logger } from '../base/log.ts';
import type { Resource } from '../model/resource.ts';
import type { Streak } from '../upstream/outlier/host-counts.ts';
import type { ToWorker } from './link.ts';
import type { OpenedSocket } from './socket-keeper.ts';
import { type SpawnedWorker, WorkerPeer, type WorkerPeerHandler } from './worker-peer.ts';

/** Makes workers: in this process, or forked. */
export type SpawnWorker = (index: number) => SpawnedWorker;

/** What the pool's owner is told and asked. */
export interface WorkerPoolHandler {
  /** Everything that a new worker needs to reach the present state, in order, `start` included. */
  replay(peer: WorkerPeer): readonly ToWorker[];
  onStarted(peer: WorkerPeer, listeners: readonly ListenerStatus[]): void;
  /** Every living worker has drained. */
  onAllDrained(): void;
  onDied(peer: WorkerPeer): void;
  /** A worker took these over, and lives on. */
  onProven(resources: readonly Resource[]): void;
  /** A worker asks for cells of the shared region, or gives them up. */
  onWantCells(peer: WorkerPeer, requests: readonly CellRequest[]): void;
  onGiveUpCells(peer: WorkerPeer, keys: readonly string[]): void;
  /** A worker saw a host fail too often in a row. */
  onStreak(cluster: string, address: string, streak: Streak): void;
  /** What a worker tells health checks. */
  onClusterTraffic(cluster: string): void;
  onHostFailed(cluster: string, address: string): void;
  /** A worker that was replaced on purpose has ended. */
  onRetired(peer: WorkerPeer): void;
  /** A worker asks for a listening socket. */
  openSocket(owner: string, ip: string, port: number): OpenedSocket;
  /** It stopped because it was told to, or died while the pool was stopping. */
  onAllGone(): void;
}

/** First pause before a worker that died young is replaced; doubled each time. */
const RESPAWN_BASE_MS = 50;
/** Longer, and a single crash-looping cause would leave a port half served for no reason. */
const RESPAWN_MAX_MS = 5_000;
/** A worker that lived this long counts as healthy: its death is replaced without a pause. */
const HEALTHY_LIFE_MS = 10_000;

/** Options of a pool. */
export interface WorkerPoolOptions {
  readonly count: number;
  readonly spawn: SpawnWorker;
  readonly log: Logger;
  readonly handler: WorkerPoolHandler;
}

interface Slot {
  peer: WorkerPeer | null;
  bornMs: number;
  deathsInARow: number;
  respawn: NodeJS.Timeout | null;
}

/** The workers of the process. */
export class WorkerPool implements WorkerPeerHandler {
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot[] = [];
  /** Workers whose successor is starting: until it has, they serve and are told like all others. */
  readonly #leaving = new Set<WorkerPeer>();
  /** Workers that have a successor already and end what they have begun. */
  readonly #retiring = new Set<WorkerPeer>();
  /** Workers whose start somebody waits for. */
  readonly #awaited = new Map<WorkerPeer, (hasStarted: boolean) => void>();
  #isStopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    for (let index = 0; index < options.count; index += 1) {
      this.#slots.push({ peer: null, bornMs: 0, deathsInARow: 0, respawn: null });
    }
  }

  /** Makes every worker. */
  start(): void {
    for (let index = 0; index < this.#slots.length; index += 1) this.#spawn(index);
  }

  /** The workers that live. */
  living(): readonly WorkerPeer[] {
    const peers: WorkerPeer[] = [];
    for (const slot of this.#slots) if (slot.peer !== null) peers.push(slot.peer);
    return [...peers, ...this.#leaving];
  }

  /** The workers that live and those that retire: all that still count. */
  counting(): readonly WorkerPeer[] {
    return [...this.living(), ...this.#retiring];
  }

  /**
   * Replaces every worker, one after the other: the new one accepts before the old one stops to,
   * and the old one has `deadlineMs` to finish. One that cannot start leaves the old one in place.
   */
  async replaceAll(deadlineMs: number): Promise<void> {
    for (const [index, slot] of this.#slots.entries()) {
      const old = slot.peer;
      if (old === null || this.#isStopping) continue;
      this.#leaving.add(old);
      this.#spawn(index);
      const next = slot.peer as WorkerPeer;
      const hasStarted = await new Promise<boolean>((resolve) => this.#awaited.set(next, resolve));
      this.#awaited.delete(next);
      this.#leaving.delete(old);
      if (old.isGone) continue;
      if (hasStarted) {
        this.#retiring.add(old);
        // Meanwhile all may have been told to end.
        if (!this.#isStopping) old.send({ kind: 'drain', deadlineMs, manner: 'now' });
      } else {
        this.#cancelRespawn(slot);
        slot.peer = old;
      }
    }
  }

  /** Sends a message to every worker that lives; later ones learn of it by `replay`. */
  broadcast(message: ToWorker): void {
    for (const peer of this.living()) peer.send(message);
  }

  /** Nobody is replaced any more, from now on. */
  beginStop(): void {
    this.#isStopping = true;
    for (const slot of this.#slots) this.#cancelRespawn(slot);
  }

  /** Asks every worker to stop; `onAllGone` follows. */
  stop(): void {
    this.beginStop();
    for (const peer of this.counting()) peer.send({ kind: 'stop' });
    this.#checkAllGone();
  }

  /** Ends every worker without asking. */
  kill(): void {
    this.beginStop();
    for (const peer of this.counting()) peer.kill();
  }

  onStarted(peer: WorkerPeer, listeners: readonly ListenerStatus[]): void {
    this.#awaited.get(peer)?.(true);
    this.#options.handler.onStarted(peer, listeners);
  }

  openSocket(owner: string, ip: string, port: number): OpenedSocket {
    return this.#options.handler.openSocket(owner, ip, port);
  }

  onWantCells(peer: WorkerPeer, requests: readonly CellRequest[]): void {
    this.#options.handler.onWantCells(peer, requests);
  }

  onGiveUpCells(peer: WorkerPeer, keys: readonly string[]): void {
    this.#options.handler.onGiveUpCells(peer, keys);
  }

  onStreak(cluster: string, address: string, streak: Streak): void {
    this.#options.handler.onStreak(cluster, address, streak);
  }

  onClusterTraffic(cluster: string): void {
    this.#options.handler.onClusterTraffic(cluster);
  }

  onHostFailed(cluster: string, address: string): void {
    this.#options.handler.onHostFailed(cluster, address);
  }

  onProven(resources: readonly Resource[]): void {
    this.#options.handler.onProven(resources);
  }

  onDrained(peer: WorkerPeer): void {
    if (this.#retiring.has(peer)) peer.send({ kind: 'stop' });
    this.checkDrained();
  }

  onGone(peer: WorkerPeer): void {
    const slot = this.#slots[peer.index] as Slot;
    if (this.#retiring.delete(peer)) {
      this.#options.handler.onRetired(peer);
      if (this.#isStopping) this.checkDrained();
      return;
    }
    this.#leaving.delete(peer);
    this.#options.handler.onDied(peer);
    // It died while its successor was starting.
    if (slot.peer !== peer) return;
    slot.peer = null;
    this.#awaited.get(peer)?.(false);
    if (this.#isStopping) {
      this.checkDrained();
      this.#checkAllGone();
      return;
    }
    this.#planRespawn(peer, slot);
  }

  #cancelRespawn(slot: Slot): void {
    if (slot.respawn !== null) clearTimeout(slot.respawn);
    slot.respawn = null;
  }

  #planRespawn(peer: WorkerPeer, slot: Slot): void {
    const livedMs = performance.now() - slot.bornMs;
    slot.deathsInARow = livedMs >= HEALTHY_LIFE_MS ? 1 : slot.deathsInARow + 1;
    const delayMs =
      slot.deathsInARow === 1
        ? 0
        : Math.min(RESPAWN_BASE_MS * 2 ** (slot.deathsInARow - 2), RESPAWN_MAX_MS);
    this.#options.log.log('error', 'worker died; it is being replaced', {
      worker: peer.index,
      pid: peer.pid,
      livedMs: Math.round(livedMs),
      replacedInMs: delayMs,
    });
    slot.respawn = setTimeout(() => {
      slot.respawn = null;
      this.#spawn(peer.index);
    }, delayMs);
  }

  #spawn(index: number): void {
    const slot = this.#slots[index] as Slot;
    const peer = new WorkerPeer(index, this.#options.spawn(index), this);
    slot.peer = peer;
    slot.bornMs = performance.now();
    for (const message of this.#options.handler.replay(peer)) peer.send(message);
  }

  /** Tells the owner if every worker has drained or is gone. */
  checkDrained(): void {
    const hasDrained = (peer: WorkerPeer): boolean => peer.hasDrained;
    if (this.counting().every(hasDrained)) this.#options.handler.onAllDrained();
  }

  #checkAllGone(): void {
    if (this.#slots.every((slot) => slot.peer === null)) this.#options.handler.onAllGone();
  }
}
