// One worker as the primary sees it: sends it messages and ties answers to questions.
import type { ClusterStatus, ListenerStatus } from '../admin/status.ts';
import type { CellRequest } from '../base/cells/cell-registry.ts';
import type { Resource, ResourceUpdate, UpdateOutcome } from '../model/resource.ts';
import type { StatsSnapshot } from '../stats/snapshot.ts';
import type { ClusterLoad } from '../upstream/load-counts.ts';
import type { Streak } from '../upstream/outlier/host-counts.ts';
import { type Held, PROVEN_MS, UpdatesInHand } from './crash-blame.ts';
import type { FromWorker, LinkEnd, MemoryUsage, Question, ToWorker } from './link.ts';
import type { OpenedSocket } from './socket-keeper.ts';

/** A worker just made, in this process or another. */
export interface SpawnedWorker {
  readonly link: LinkEnd<ToWorker, FromWorker>;
  /** 0 when it lives in this process. */
  readonly pid: number;
  /** Ends it at once. */
  kill(): void;
}

/** What a worker tells unasked. */
export interface WorkerPeerHandler {
  onStarted(peer: WorkerPeer, listeners: readonly ListenerStatus[]): void;
  onDrained(peer: WorkerPeer): void;
  /** It asks for a listening socket. */
  openSocket(owner: string, ip: string, port: number): OpenedSocket;
  /** It asks for cells of the shared region, or gives them up. */
  onWantCells(peer: WorkerPeer, requests: readonly CellRequest[]): void;
  onGiveUpCells(peer: WorkerPeer, keys: readonly string[]): void;
  /** A host failed too often in a row. */
  onStreak(cluster: string, address: string, streak: Streak): void;
  /** A cluster with health checks is used; one of its hosts said that it fails them. */
  onClusterTraffic(cluster: string): void;
  onHostFailed(cluster: string, address: string): void;
  /** It took these over, and lives on. */
  onProven(resources: readonly Resource[]): void;
  onGone(peer: WorkerPeer): void;
}

/** What a worker answers, by question. */
export interface Answers {
  readonly stats: StatsSnapshot;
  readonly clusters: readonly ClusterStatus[];
  readonly listeners: readonly ListenerStatus[];
  readonly memory: MemoryUsage;
}

/** A worker that is alive but busy answers later than this only when its loop is blocked. */
const ANSWER_TIMEOUT_MS = 1_000;
/** Compiling thousands of resources takes a while; nobody waits for a dead worker longer. */
const UPDATE_TIMEOUT_MS = 30_000;
/** A report does not wait for a worker that is busy: its part is in the next one. */
const LOADS_TIMEOUT_MS = 1_000;

interface Pending {
  readonly resolve: (message: FromWorker | null) => void;
  readonly timeout: NodeJS.Timeout;
}

/** The primary's handle on one worker. */
export class WorkerPeer {
  readonly index: number;
  readonly pid: number;
  readonly #spawned: SpawnedWorker;
  readonly #handler: WorkerPeerHandler;
  readonly #pending = new Map<number, Pending>();
  readonly #hands = new UpdatesInHand();
  #lastId = 0;
  #isGone = false;
  #hasDrained = false;
  /** The newest statistics it sent: what is counted for it once it is dead. */
  #lastStats: StatsSnapshot | null = null;
  #lastLoads: readonly ClusterLoad[] = [];
  /** What came when nobody waited for it any more. */
  readonly #lateLoads: ClusterLoad[] = [];

  constructor(index: number, spawned: SpawnedWorker, handler: WorkerPeerHandler) {
    this.index = index;
    this.pid = spawned.pid;
    this.#spawned = spawned;
    this.#handler = handler;
    spawned.link.onMessage = (message) => this.#onMessage(message);
    spawned.link.onClosed = () => this.#onGone();
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** True once it has no connection left after a `drain`, or is gone. */
  get hasDrained(): boolean {
    return this.#hasDrained || this.#isGone;
  }

  /** What it had counted for load reports when it ended by itself. */
  get lastLoads(): readonly ClusterLoad[] {
    return [...this.#lateLoads, ...this.#lastLoads];
  }

  get lastStats(): StatsSnapshot | null {
    return this.#lastStats;
  }

  /** What it was taking over when it died, or had taken over a moment before. */
  held(): Held {
    return this.#hands.held(performance.now());
  }

  send(message: ToWorker): void {
    if (message.kind === 'update') this.#hands.begin(message.id, message.update);
    this.#spawned.link.send(message);
  }

  /** Ends the worker without asking it. */
  kill(): void {
    this.#spawned.kill();
  }

  /** null: it died or does not answer in time. */
  async ask<Q extends Question>(what: Q): Promise<Answers[Q] | null> {
    const answer = await this.#exchange((id) => ({ kind: 'ask', id, what }), ANSWER_TIMEOUT_MS);
    if (answer?.kind !== 'answer') return null;
    return answer[what] as Answers[Q] | null;
  }

  /** What clusters did since they were last asked; what does not come in time comes the next time. */
  async askLoads(clusters: readonly string[]): Promise<readonly ClusterLoad[]> {
    const make = (id: number): ToWorker => ({ kind: 'ask-loads', id, clusters });
    const answer = await this.#exchange(make, LOADS_TIMEOUT_MS);
    const late = this.#lateLoads.splice(0);
    return answer?.kind === 'loads' ? [...late, ...answer.loads] : late;
  }

  /** null: it died or does not answer in time. */
  async update(update: ResourceUpdate): Promise<UpdateOutcome | null> {
    const answer = await this.#exchange(
      (id) => ({ kind: 'update', id, update }),
      UPDATE_TIMEOUT_MS,
    );
    return answer?.kind === 'outcome' ? answer.outcome : null;
  }

  #exchange(make: (id: number) => ToWorker, timeoutMs: number): Promise<FromWorker | null> {
    if (this.#isGone) return Promise.resolve(null);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const timeout = setTimeout(() => this.#settle(id, null), timeoutMs).unref();
      this.#pending.set(id, { resolve, timeout });
      this.send(make(id));
    });
  }

  #settle(id: number, message: FromWorker | null): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timeout);
    pending.resolve(message);
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case 'hello':
        return;
      case 'answer':
        if (message.stats !== null) this.#lastStats = message.stats;
        this.#settle(message.id, message);
        return;
      case 'outcome':
        this.#onTaken(message.id);
        this.#settle(message.id, message);
        return;
      case 'loads':
        if (this.#pending.has(message.id)) this.#settle(message.id, message);
        else this.#lateLoads.push(...message.loads.map(withoutActive));
        return;
      case 'last-stats':
        this.#lastStats = message.stats;
        this.#lastLoads = message.loads;
        return;
      case 'started':
        this.#handler.onStarted(this, message.listeners);
        return;
      case 'want-socket':
        this.#giveSocket(message);
        return;
      case 'want-cells':
        this.#handler.onWantCells(this, message.requests);
        return;
      case 'give-up-cells':
        this.#handler.onGiveUpCells(this, message.keys);
        return;
      case 'streak':
        this.#handler.onStreak(message.cluster, message.address, message.streak);
        return;
      case 'cluster-traffic':
        this.#handler.onClusterTraffic(message.cluster);
        return;
      case 'host-failed':
        this.#handler.onHostFailed(message.cluster, message.address);
        return;
      case 'drained':
        this.#hasDrained = true;
        this.#handler.onDrained(this);
        return;
    }
  }

  #onTaken(id: number): void {
    const resources = this.#hands.end(id, performance.now());
    if (resources.length === 0) return;
    const prove = () => {
      if (!this.#isGone) this.#handler.onProven(resources);
    };
    setTimeout(prove, PROVEN_MS).unref();
  }

  #giveSocket({ id, owner, ip, port }: Extract<FromWorker, { kind: 'want-socket' }>): void {
    const opened = this.#handler.openSocket(owner, ip, port);
    if ('error' in opened) this.send({ kind: 'socket', id, error: opened.error });
    else this.#spawned.link.send({ kind: 'socket', id, error: '' }, opened.handle);
  }

  #onGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const id of [...this.#pending.keys()]) this.#settle(id, null);
    this.#handler.onGone(this);
  }
}

/** Requests that were under way then are counted anew. */
function withoutActive(load: ClusterLoad): ClusterLoad {
  return { ...load, endpoints: load.endpoints.map((endpoint) => ({ ...endpoint, active: 0 })) };
}
