// Watches memory: a proxy that is about to be killed first gives up what costs its clients least.
import { getHeapStatistics } from 'node:v8';
import { NO_OVERLOAD, NO_SCALING, type OverloadState } from '../filters/network-filter.ts';

/** Share of the limit from which idle connections are closed and none is kept open. */
const SHED_AT = 0.92;
/** Share of the limit from which new connections and requests are refused. */
const REFUSE_AT = 0.95;
/** How often memory is looked at; a burst of this length may pass unseen. */
const REFRESH_MS = 1000;
const BYTES_OF_NO_LIMIT = 2 ** 50;

/**
 * How short of memory the process is: `shedding`: idle connections are closed and responses end
 * theirs; `refusing`: new connections and requests are refused as well.
 */
export type MemoryStage = 'none' | 'shedding' | 'refusing';

/** What each stage means. */
export const MEMORY_STAGES: Readonly<Record<MemoryStage, OverloadState>> = {
  none: NO_OVERLOAD,
  shedding: { ...NO_OVERLOAD, endsConnections: true },
  refusing: {
    ...{ endsConnections: true, refusesRequests: true, refusesConnections: true },
    timeouts: NO_SCALING,
  },
};

/** Octets that the heap of this process holds, with what it refers to outside. */
export function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** How much of its memory a process uses: 0 to 1, of the limit that is nearest. */
export function memoryPressure(): number {
  const heap = getHeapStatistics();
  const heapShare = heap.used_heap_size / heap.heap_size_limit;
  const limit = process.constrainedMemory() ?? 0;
  // Without a limit some systems give 0, others a number beyond all memory.
  if (limit <= 0 || limit >= BYTES_OF_NO_LIMIT) return heapShare;
  return Math.max(heapShare, process.memoryUsage.rss() / limit);
}

/** What the process does at this pressure. */
export function overloadAt(pressure: number): MemoryStage {
  if (pressure >= REFUSE_AT) return 'refusing';
  return pressure >= SHED_AT ? 'shedding' : 'none';
}

/** Looks once a second and tells about changes. */
export class OverloadMonitor {
  state: MemoryStage = 'none';
  readonly #timer: NodeJS.Timeout;
  readonly #onChange: (state: MemoryStage, pressure: number) => void;
  readonly #pressure: () => number;

  constructor(
    onChange: (state: MemoryStage, pressure: number) => void,
    pressure: () => number = memoryPressure,
  ) {
    this.#onChange = onChange;
    this.#pressure = pressure;
    this.#timer = setInterval(() => this.refresh(), REFRESH_MS);
    this.#timer.unref();
  }

  /** Looks now. */
  refresh(): void {
    const pressure = this.#pressure();
    const state = overloadAt(pressure);
    if (state === this.state) return;
    this.state = state;
    this.#onChange(state, pressure);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
