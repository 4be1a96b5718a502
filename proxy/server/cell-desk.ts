// The primary's side of the shared region: gives each worker its place and its cells, and takes back
// what a dead one held.
import { CellRegistry, type CellRequest, NO_ROOM } from '../base/cells/cell-registry.ts';
import { privateCells, SharedCells } from '../base/cells/shared-cells.ts';
import type { Logger } from '../base/log.ts';
import { workerMemory } from './forked-worker.ts';
import type { CellSettings } from './link.ts';
import { mapRegion, ownRegion } from './region-memory.ts';
import { systemNowMs } from './system-clock.ts';
import type { WorkerPeer } from './worker-peer.ts';

/** While workers are in the midst of changes, a total that is in doubt is looked at this often. */
const REPAIR_INTERVAL_MS = 5;

/** The book of a proxy's region; null, which is logged, when its workers cannot share one. */
export function openRegistry(workers: number, log: Logger): CellRegistry | null {
  if (workers === 1) return new CellRegistry(ownRegion(workers));
  const region = mapRegion(workerMemory(workers));
  if (typeof region !== 'string') return new CellRegistry(region);
  log.log('warning', `limits hold for each worker alone, there is no shared memory: ${region}`);
  return null;
}

/** One per primary. */
export class CellDesk {
  /** The primary's own view: what it writes, all workers see. */
  readonly cells: SharedCells;
  /** null: no region could be made; every worker counts for itself. */
  readonly #registry: CellRegistry | null;
  readonly #log: Logger;
  readonly #slots = new Map<WorkerPeer, number>();
  /** What was said already. */
  readonly #warnings = new Set<'place' | 'room'>();
  #repairTimer: NodeJS.Timeout | null = null;

  constructor(registry: CellRegistry | null, log: Logger) {
    this.#registry = registry;
    this.#log = log;
    this.cells = registry === null ? privateCells(systemNowMs) : cellsOf(registry);
  }

  /** What a new worker is told; null: it counts for itself. */
  admit(peer: WorkerPeer): CellSettings | null {
    const registry = this.#registry;
    if (registry === null) return null;
    const slot = registry.join();
    if (slot === NO_ROOM) {
      this.#warn('place', `worker ${peer.index} counts for itself: too many workers retire`);
      return null;
    }
    this.#slots.set(peer, slot);
    return { layout: registry.region.layout, slot };
  }

  /** A worker asks for cells. */
  want(peer: WorkerPeer, requests: readonly CellRequest[]): void {
    const slot = this.#slots.get(peer);
    const registry = this.#registry;
    if (slot === undefined || registry === null) return;
    const places = requests.map((request) => [request.key, registry.want(slot, request)] as const);
    if (registry.isFull) {
      this.#warn('room', 'the shared region is full: further limits hold for each worker alone');
    }
    peer.send({ kind: 'cells', places });
  }

  /** A worker does not use cells any more. */
  giveUp(peer: WorkerPeer, keys: readonly string[]): void {
    const slot = this.#slots.get(peer);
    if (slot === undefined) return;
    for (const key of keys) this.#registry?.giveUp(slot, key);
  }

  /** A worker is gone, whatever the reason. */
  dismiss(peer: WorkerPeer): void {
    const slot = this.#slots.get(peer);
    if (slot === undefined || this.#registry === null) return;
    this.#slots.delete(peer);
    this.#registry.leave(slot);
    this.#repair();
  }

  /** Stops its timer. */
  close(): void {
    if (this.#repairTimer !== null) clearTimeout(this.#repairTimer);
    this.#repairTimer = null;
  }

  #repair(): void {
    if (this.#repairTimer !== null || this.#registry?.repair() !== false) return;
    this.#repairTimer = setTimeout(() => {
      this.#repairTimer = null;
      this.#repair();
    }, REPAIR_INTERVAL_MS).unref();
  }

  /** Once for each reason. */
  #warn(reason: 'place' | 'room', text: string): void {
    if (this.#warnings.has(reason)) return;
    this.#warnings.add(reason);
    this.#log.log('warning', text);
  }
}

function cellsOf(registry: CellRegistry): SharedCells {
  const slot = registry.join();
  return new SharedCells({
    region: registry.region,
    slot,
    source: {
      want: (request) => registry.want(slot, request),
      giveUp: (key) => registry.giveUp(slot, key),
    },
    nowMs: systemNowMs,
  });
}
