// Changes of the runtime, whoever makes them: operators, files or servers. They are counted, and told to all
// workers.
import type { Logger } from '../base/log.ts';
import type { RuntimeEntry } from '../model/runtime.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { DiskLayerWatch } from './disk-layer.ts';
import { RuntimeStats } from './runtime-stats.ts';
import type { RuntimeSettings, RuntimeStore } from './runtime-store.ts';

/** Who it works with. */
export interface RuntimeDeskPlace {
  readonly runtime: RuntimeStore;
  readonly stats: StatsScope;
  readonly log: Logger;
  /** Tells every worker. */
  readonly tell: (values: RuntimeSettings['values']) => void;
}

/** One per process that has a primary. */
export class RuntimeDesk {
  readonly #place: RuntimeDeskPlace;
  readonly #stats: RuntimeStats;
  readonly #watches: readonly DiskLayerWatch[];

  constructor(place: RuntimeDeskPlace) {
    const { runtime, stats, log } = place;
    this.#place = place;
    this.#stats = new RuntimeStats(stats);
    this.#count();
    this.#watches = runtime.watch(log, () => {
      runtime.reload();
      this.#publish();
    });
  }

  /** False: there is no layer for what operators change. */
  modify(changes: readonly (readonly [key: string, text: string])[]): boolean {
    if (!this.#place.runtime.modify(changes)) return false;
    this.#publish();
    return true;
  }

  /** A server says all that its layer has. */
  setDiscovered(layer: string, entries: ReadonlyMap<string, RuntimeEntry>): void {
    this.#place.runtime.setDiscovered(layer, entries);
    this.#publish();
  }

  /** Files are watched no more. */
  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  #publish(): void {
    this.#count();
    this.#place.tell(this.#place.runtime.settings().values);
  }

  #count(): void {
    const { runtime, log } = this.#place;
    this.#stats.onLoad(runtime);
    for (const failure of runtime.failures) log.log('warning', failure);
  }
}
