// How a worker comes to its cells of the shared region: it asks the primary, in one message for all
// that came up in a turn, and is told.
import type { CellRegistry, CellRequest } from '../base/cells/cell-registry.ts';
import type { SharedRegion } from '../base/cells/region.ts';
import { type CellSource, PENDING, privateCells, SharedCells } from '../base/cells/shared-cells.ts';
import type { Logger } from '../base/log.ts';
import type { CellSettings, FromWorker, LinkEnd, ToWorker } from './link.ts';
import { mapRegion, WORKER_MEMORY_FD } from './region-memory.ts';
import { systemNowMs } from './system-clock.ts';

/** A worker's cells. */
export interface WorkerCells {
  readonly cells: SharedCells;
  /** Resolves when everything that was asked for has its place. */
  settled(): Promise<void>;
  /** The primary answers. */
  onPlaces(places: readonly (readonly [string, number])[]): void;
}

/** Cells of the only worker, which lives beside the primary's registry. */
export function directCells(registry: CellRegistry, slot: number): WorkerCells {
  const source: CellSource = {
    want: (request) => registry.want(slot, request),
    giveUp: (key) => registry.giveUp(slot, key),
  };
  // Nobody else counts: no share is kept.
  const place = { region: registry.region, slot: -1, source, nowMs: systemNowMs };
  return {
    cells: new SharedCells(place),
    settled: () => Promise.resolve(),
    onPlaces: () => undefined,
  };
}

/** Cells of a worker that shares with nobody. */
export function unsharedCells(): WorkerCells {
  return {
    cells: privateCells(systemNowMs),
    settled: () => Promise.resolve(),
    onPlaces: () => undefined,
  };
}

/** Cells of a forked worker; without the memory they are its own, which is logged. */
export function inheritedCells(
  { layout, slot }: CellSettings,
  link: LinkEnd<FromWorker, ToWorker>,
  log: Logger,
): WorkerCells {
  const region = mapRegion({ layout, fd: WORKER_MEMORY_FD });
  if (typeof region !== 'string') return new AskedCells(link, { region, slot });
  log.log('warning', `limits hold for this worker alone: ${region}`);
  return unsharedCells();
}

/** Asks over the link. */
export class AskedCells implements CellSource, WorkerCells {
  readonly cells: SharedCells;
  readonly #link: LinkEnd<FromWorker, ToWorker>;
  #wanted: CellRequest[] = [];
  /** Answers that are on their way, by key: only the last one for a key counts. */
  readonly #pending = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(
    link: LinkEnd<FromWorker, ToWorker>,
    place: { readonly region: SharedRegion; readonly slot: number },
  ) {
    this.#link = link;
    this.cells = new SharedCells({ ...place, source: this, nowMs: systemNowMs });
  }

  want(request: CellRequest): number {
    if (this.#wanted.length === 0) queueMicrotask(() => this.#ask());
    this.#wanted.push(request);
    this.#pending.set(request.key, (this.#pending.get(request.key) ?? 0) + 1);
    return PENDING;
  }

  giveUp(key: string): void {
    this.#ask();
    this.#link.send({ kind: 'give-up-cells', keys: [key] });
  }

  settled(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  onPlaces(places: readonly (readonly [string, number])[]): void {
    for (const [key, first] of places) {
      const left = (this.#pending.get(key) ?? 1) - 1;
      if (left > 0) {
        this.#pending.set(key, left);
        continue;
      }
      this.#pending.delete(key);
      this.cells.bind(key, first);
    }
    if (this.#pending.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #ask(): void {
    if (this.#wanted.length === 0) return;
    const requests = this.#wanted;
    this.#wanted = [];
    this.#link.send({ kind: 'want-cells', requests });
  }
}
