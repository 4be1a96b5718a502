// The overload manager of a worker: looks at the memory of all workers together, and says which of
// its actions are on.
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { SharedInts } from '../base/cells/shared-ints.ts';
import { HEAP_MONITOR } from '../config/compile/overload.ts';
import type { OverloadState } from '../filters/network-filter.ts';
import type {
  OverloadActionConfig,
  OverloadActionName,
  OverloadConfig,
  OverloadTriggerConfig,
} from '../model/overload.ts';
import type { Gauge, StatsScope } from '../stats/metrics.ts';

const BYTES_PER_KIB = 1024;
const PERCENT = 100;

/** Where it looks. */
export interface OverloadPlace {
  readonly cells: CellUser;
  /** This worker's number; the first one's statistics tell about all. */
  readonly index: number;
  readonly workerCount: number;
  readonly stats: StatsScope;
  /** Octets that this process's heap holds now. */
  readonly heapBytes: () => number;
}

interface ActionGauges {
  readonly active: Gauge;
  readonly scalePercent: Gauge;
}

/** See the file's head. */
export class OverloadActions {
  state: Pick<OverloadState, 'endsConnections' | 'refusesConnections' | 'refusesRequests'>;
  readonly #config: OverloadConfig;
  readonly #place: OverloadPlace;
  /** KiB by worker. */
  readonly #heaps: SharedInts;
  /** By action; empty but in the first worker. */
  readonly #gauges = new Map<OverloadActionName, ActionGauges>();
  readonly #pressure: Gauge | null;
  readonly #timer: NodeJS.Timeout;

  constructor(config: OverloadConfig, place: OverloadPlace) {
    this.#config = config;
    this.#place = place;
    this.#heaps = place.cells.ints('overload/heap', place.workerCount);
    this.#pressure = this.#declare();
    this.state = stateOf(new Set());
    this.#timer = setInterval(() => this.refresh(), config.refreshIntervalMs);
    this.#timer.unref();
  }

  /** Looks now. */
  refresh(): void {
    const { index, heapBytes } = this.#place;
    this.#heaps.set(index, Math.ceil(heapBytes() / BYTES_PER_KIB));
    const pressure = this.#heapPressure();
    this.#pressure?.set(Math.floor(pressure * PERCENT));
    const saturated = new Set<OverloadActionName>();
    for (const action of this.#config.actions) {
      const scale = scaleOf(action, pressure);
      if (scale >= 1) saturated.add(action.name);
      this.#gauges.get(action.name)?.active.set(scale >= 1 ? 1 : 0);
      this.#gauges.get(action.name)?.scalePercent.set(Math.floor(scale * PERCENT));
    }
    this.state = stateOf(saturated);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#heaps.set(this.#place.index, 0);
  }

  #heapPressure(): number {
    const { maxHeapBytes } = this.#config;
    if (maxHeapBytes === null) return 0;
    let kib = 0;
    for (let index = 0; index < this.#heaps.size; index += 1) kib += this.#heaps.get(index);
    return (kib * BYTES_PER_KIB) / maxHeapBytes;
  }

  #declare(): Gauge | null {
    const { index, stats } = this.#place;
    if (index !== 0) return null;
    const scope = stats.scope('overload');
    for (const { name } of this.#config.actions) {
      const own = scope.scope(`envoy.overload_actions.${name}`);
      this.#gauges.set(name, {
        active: own.gauge('active'),
        scalePercent: own.gauge('scale_percent'),
      });
    }
    if (this.#config.maxHeapBytes === null) return null;
    const heap = scope.scope(HEAP_MONITOR);
    heap.counter('failed_updates');
    heap.counter('skipped_updates');
    return heap.gauge('pressure');
  }
}

/** How far an action is: 0 to 1. Only the heap is watched from time to time. */
function scaleOf({ triggers }: OverloadActionConfig, heapPressure: number): number {
  const scales = triggers.map((trigger) =>
    trigger.resource === HEAP_MONITOR ? scaleAt(trigger, heapPressure) : 0,
  );
  return Math.max(0, ...scales);
}

function scaleAt({ from, to }: OverloadTriggerConfig, pressure: number): number {
  if (pressure >= to) return 1;
  return pressure <= from ? 0 : (pressure - from) / (to - from);
}

function stateOf(saturated: ReadonlySet<OverloadActionName>): OverloadState {
  return {
    endsConnections: saturated.has('disable_http_keepalive'),
    refusesRequests: saturated.has('stop_accepting_requests'),
    refusesConnections:
      saturated.has('stop_accepting_connections') || saturated.has('reject_incoming_connections'),
  };
}
