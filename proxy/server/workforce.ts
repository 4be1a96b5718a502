// The workers as one: what they all have been told, so that a new one can be told the same.
import type { ListenerStatus } from '../admin/status.ts';
import type { CellRequest } from '../base/cells/cell-registry.ts';
import type { Logger, LogLevel } from '../base/log.ts';
import type { EndpointPolicy } from '../model/cluster.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource, ResourceUpdate } from '../model/resource.ts';
import type { AddressFlags } from '../upstream/host-flags.ts';
import type { Streak } from '../upstream/outlier/host-counts.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { CellDesk } from './cell-desk.ts';
import { CrashBlame } from './crash-blame.ts';
import { DrainedListeners, type ListenerDrain } from './drained-listeners.ts';
import { EndpointsOutbox, endpointMessages } from './endpoints-outbox.ts';
import type { DrainManner, ToldEndpoints, ToWorker, WorkerSettings } from './link.ts';
import { type RefusedByWorkers, refusedByWorkers } from './refused-by-workers.ts';
import { type OpenedSocket, SocketKeeper, socketKey } from './socket-keeper.ts';
import { systemNowMs } from './system-clock.ts';
import type { WorkerPeer } from './worker-peer.ts';
import { type SpawnWorker, WorkerPool, type WorkerPoolHandler } from './worker-pool.ts';

/** A message is a copy on its way: of so many resources, not of all that there are. */
const REPLAYED_AT_ONCE = 100;

/** What the workforce reads of the rest of the primary when a worker is made. */
export interface WorkforceSource {
  settings(index: number): Omit<WorkerSettings, 'cells'>;
  /** In the order in which a worker must learn them. */
  resources(): readonly Resource[];
  /** Hosts found so far, by cluster. */
  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]>;
  /** What is said about endpoints as a whole, by cluster. */
  endpointPolicies(): ReadonlyMap<string, EndpointPolicy>;
  /** What was found out about the health of hosts, by cluster. */
  allHostFlags(): Iterable<readonly [cluster: string, flags: readonly AddressFlags[]]>;
  /** Clusters with health checks that may be used. */
  warmClusters(): readonly string[];
  isHealthFailed(): boolean;
  onWorkerDied(peer: WorkerPeer): void;
  /** It took the place of another one, and serves. */
  onWorkerReplaced(peer: WorkerPeer): void;
  /** These ended workers again and again: `resources` is not to answer them any more. */
  onBlamed(blamed: readonly Resource[]): void;
  /** It is in use, and there is a version to return to. */
  hasPrevious(resource: Resource): boolean;
  onWorkerRetired(peer: WorkerPeer): void;
  /** A worker saw a host fail too often in a row. */
  onStreak(cluster: string, address: string, streak: Streak): void;
  /** What workers tell health checks. */
  onClusterTraffic(cluster: string): void;
  onHostFailed(cluster: string, address: string): void;
}

/** Options of a workforce. */
export interface WorkforceOptions {
  readonly count: number;
  readonly spawn: SpawnWorker;
  readonly source: WorkforceSource;
  readonly cells: CellDesk;
  readonly log: Logger;
}

/** Starts, tells, drains and ends all workers. */
export class Workforce implements WorkerPoolHandler {
  readonly #source: WorkforceSource;
  readonly #pool: WorkerPool;
  readonly #count: number;
  readonly #cells: CellDesk;
  /** What workers are told of the hosts of clusters. */
  readonly endpoints = new EndpointsOutbox((message) => this.#pool.broadcast(message));
  /** The listening sockets: what the next version of the program takes over. */
  readonly sockets: SocketKeeper;
  readonly #blame = new CrashBlame();
  readonly #drained = new DrainedListeners(systemNowMs);
  readonly #startedOnce = new Set<number>();
  /** Listeners by name as some worker bound them: all bind the same. */
  #listeners: readonly ListenerStatus[] = [];
  #logLevels: Readonly<Record<string, LogLevel>> | null = null;
  #whenStarted: (() => void) | null = null;
  #whenDrained: (() => void) | null = null;
  #whenGone: (() => void) | null = null;

  constructor(options: WorkforceOptions) {
    this.#source = options.source;
    this.#count = options.count;
    this.#cells = options.cells;
    // The only worker lives in this process: it listens on the very handles.
    this.sockets = new SocketKeeper(options.count === 1);
    const { count, spawn, log } = options;
    this.#pool = new WorkerPool({ count, spawn, log, handler: this });
  }

  /** Bound listeners, as the last worker that started said. */
  get listeners(): readonly ListenerStatus[] {
    return this.#listeners;
  }

  living(): readonly WorkerPeer[] {
    return this.#pool.living();
  }

  /** Makes all workers; resolves when each has bound its listeners or failed to. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenStarted = resolve;
      this.#pool.start();
    });
  }

  /**
   * Tells every worker of resources that changed; resolves when all have swapped them in, with what
   * was refused by any of them (an address that cannot be bound), each resource once.
   */
  async update(update: ResourceUpdate): Promise<readonly RefusedByWorkers[]> {
    this.endpoints.flush();
    const peers = this.#pool.living();
    const outcomes = await Promise.all(peers.map((peer) => peer.update(update)));
    const refusals = outcomes.map((outcome) => outcome?.rejected ?? []);
    const isOfListeners = [...update.upserted, ...update.removed].some(
      ({ kind }) => kind === 'listener',
    );
    if (isOfListeners) this.#listeners = (await peers[0]?.ask('listeners')) ?? this.#listeners;
    return refusedByWorkers(refusals);
  }

  /** All whose statistics count: those that live, and those that retire. */
  counting(): readonly WorkerPeer[] {
    return this.#pool.counting();
  }

  /** Replaces every worker, one after the other, without losing a request. */
  replaceAll(deadlineMs: number): Promise<void> {
    return this.#pool.replaceAll(deadlineMs);
  }

  broadcast(message: ToWorker): void {
    this.endpoints.flush();
    this.#pool.broadcast(message);
  }

  /** `/drain_listeners` */
  drainListeners(drain: ListenerDrain): void {
    this.#pool.broadcast(this.#drained.ask(drain));
  }

  setLogLevels(levels: Readonly<Record<string, LogLevel>>): void {
    this.#logLevels = { ...this.#logLevels, ...levels };
    this.#pool.broadcast({ kind: 'set-log-levels', levels });
  }

  /** Lets go of every listening socket but those of these listeners: workers have closed theirs. */
  keepSockets(listeners: readonly ListenerConfig[]): void {
    const keys = listeners.flatMap(({ name, addresses }) =>
      addresses.map(({ ip, port }) => socketKey(name, ip, port)),
    );
    this.sockets.retain(new Set(keys));
  }

  /** Ends connections politely; resolves when no worker has one left. Nobody is replaced. */
  drain(deadlineMs: number, manner: DrainManner): Promise<void> {
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
      this.#pool.beginStop();
      this.sockets.close();
      // Those that were replaced may be in the midst of long streams.
      for (const peer of this.#pool.counting()) peer.send({ kind: 'drain', deadlineMs, manner });
      this.#pool.checkDrained();
    });
  }

  /** Resolves when no worker lives. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenGone = resolve;
      this.#pool.stop();
    });
  }

  /** Ends every worker now, without asking it. */
  kill(): void {
    this.sockets.close();
    this.#cells.close();
    this.#pool.kill();
  }

  *#knownEndpoints(): Generator<ToldEndpoints> {
    const policies = this.#source.endpointPolicies();
    for (const [cluster, endpoints] of this.#source.endpoints()) {
      yield { cluster, policy: policies.get(cluster) ?? null, endpoints };
    }
  }

  replay(peer: WorkerPeer): readonly ToWorker[] {
    const settings = { ...this.#source.settings(peer.index), cells: this.#cells.admit(peer) };
    const messages: ToWorker[] = [{ kind: 'init', settings }];
    if (this.#logLevels !== null) {
      messages.push({ kind: 'set-log-levels', levels: this.#logLevels });
    }
    const { together, alone } = this.#blame.plan(this.#source.resources());
    const portions = [...inPortions(together), ...alone.map((one) => [one])];
    for (const [before, upserted] of portions.entries()) {
      // Nobody waits for the answer: no question has such a number.
      messages.push({ kind: 'update', id: -before, update: { upserted, removed: [] } });
    }
    messages.push(...endpointMessages(this.#knownEndpoints()));
    for (const [cluster, flags] of this.#source.allHostFlags()) {
      messages.push({ kind: 'host-flags', cluster, flags });
    }
    for (const cluster of this.#source.warmClusters()) {
      messages.push({ kind: 'cluster-warm', cluster });
    }
    if (this.#source.isHealthFailed()) messages.push({ kind: 'fail-health-check', failed: true });
    messages.push(...this.#drained.replay(), { kind: 'start' });
    return messages;
  }

  onStarted(peer: WorkerPeer, listeners: readonly ListenerStatus[]): void {
    this.#listeners = listeners;
    if (this.#startedOnce.has(peer.index)) this.#source.onWorkerReplaced(peer);
    this.#startedOnce.add(peer.index);
    if (this.#startedOnce.size < this.#count) return;
    this.#whenStarted?.();
    this.#whenStarted = null;
  }

  onAllDrained(): void {
    this.#whenDrained?.();
    this.#whenDrained = null;
  }

  onAllGone(): void {
    this.#whenGone?.();
    this.#whenGone = null;
  }

  openSocket(owner: string, ip: string, port: number): OpenedSocket {
    return this.sockets.open(owner, ip, port);
  }

  onWantCells(peer: WorkerPeer, requests: readonly CellRequest[]): void {
    this.#cells.want(peer, requests);
  }

  onGiveUpCells(peer: WorkerPeer, keys: readonly string[]): void {
    this.#cells.giveUp(peer, keys);
  }

  onStreak(cluster: string, address: string, streak: Streak): void {
    this.#source.onStreak(cluster, address, streak);
  }

  onClusterTraffic(cluster: string): void {
    this.#source.onClusterTraffic(cluster);
  }

  onHostFailed(cluster: string, address: string): void {
    this.#source.onHostFailed(cluster, address);
  }

  /** Some worker has lived with it. */
  isProven(resource: Resource): boolean {
    return this.#blame.isProven(resource);
  }

  onProven(resources: readonly Resource[]): void {
    this.#blame.prove(resources);
  }

  onDied(peer: WorkerPeer): void {
    this.#cells.dismiss(peer);
    const held = peer.held();
    // Who dies a moment later may die of anything: what nothing could replace stays.
    const resources = held.isApplying
      ? held.resources
      : held.resources.filter((one) => this.#source.hasPrevious(one));
    const blamed = this.#blame.onDeath({ ...held, resources });
    // Before its successor is told what there is.
    if (blamed.length > 0) this.#source.onBlamed(blamed);
    this.#source.onWorkerDied(peer);
  }

  onRetired(peer: WorkerPeer): void {
    this.#cells.dismiss(peer);
    this.#source.onWorkerRetired(peer);
  }
}

function* inPortions(resources: readonly Resource[]): Generator<readonly Resource[]> {
  for (let first = 0; first < resources.length; first += REPLAYED_AT_ONCE) {
    yield resources.slice(first, first + REPLAYED_AT_ONCE);
  }
}
