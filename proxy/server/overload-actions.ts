// The overload manager of a worker: looks at what is watched, at the memory of all workers together,
// and says how far each of its actions is.
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { SharedInts } from '../base/cells/shared-ints.ts';
import type { Random } from '../base/random.ts';
import type {
  MonitorConfig,
  OverloadConfig,
  OverloadTriggerConfig,
  ShedPointName,
} from '../model/overload.ts';
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';
import { ScaledState } from './overload-scales.ts';
import { type ResourceReader, resourceReader } from './resource-readers.ts';

const BYTES_PER_KIB = 1024;
const PERCENT = 100;
const ACTIONS = 'envoy.overload_actions.';
const POINTS = 'envoy.load_shed_points.';

/** Where it looks. */
export interface OverloadPlace {
  readonly cells: CellUser;
  /** This worker's number; the first one's statistics tell about all. */
  readonly index: number;
  readonly workerCount: number;
  readonly stats: StatsScope;
  readonly random: Random;
  readonly nowMs: () => number;
  /** Octets that this process's heap holds now. */
  readonly heapBytes: () => number;
  /** Timeouts are scaled otherwise than before. */
  readonly onTimeoutsScaled: () => void;
}

/** A monitor with what was seen last. */
interface Watched {
  readonly config: MonitorConfig;
  /** null: the heap. */
  readonly reader: ResourceReader | null;
  readonly gauge: Gauge | null;
  readonly failed: Counter | null;
  pressure: number;
}

/** An action or a point. */
interface Triggered<N> {
  readonly name: N;
  readonly triggers: readonly OverloadTriggerConfig[];
  readonly active: Gauge | null;
  readonly scalePercent: Gauge | null;
}

/** See the file's head. */
export class OverloadActions {
  state: ScaledState;
  readonly #config: OverloadConfig;
  readonly #place: OverloadPlace;
  /** KiB by worker. */
  readonly #heaps: SharedInts;
  readonly #scope: StatsScope;
  readonly #watched: readonly Watched[];
  readonly #actions: readonly Triggered<OverloadConfig['actions'][number]['name']>[];
  readonly #points: readonly Triggered<ShedPointName>[];
  readonly #shed = new Map<ShedPointName, Counter>();
  readonly #timer: NodeJS.Timeout;
  #timeoutScale = 0;

  constructor(config: OverloadConfig, place: OverloadPlace) {
    this.#config = config;
    this.#place = place;
    this.#scope = place.stats.scope('overload');
    this.#heaps = place.cells.ints('overload/heap', place.workerCount);
    this.#watched = config.monitors.map((monitor) => this.#watch(monitor));
    const tells = place.index === 0;
    this.#actions = config.actions.map(({ name, triggers }) => {
      const own = tells ? this.#scope.scope(ACTIONS + name) : null;
      const [active, scalePercent] = [own?.gauge('active'), own?.gauge('scale_percent')];
      return { name, triggers, active: active ?? null, scalePercent: scalePercent ?? null };
    });
    this.#points = config.shedPoints.map(({ name, triggers }) => {
      const own = this.#scope.scope(POINTS + name);
      this.#shed.set(name, own.counter('shed_load_count'));
      const scalePercent = tells ? own.gauge('scale_percent') : null;
      return { name, triggers, active: null, scalePercent };
    });
    this.state = this.#stateNow();
    this.#timer = setInterval(() => this.refresh(), config.refreshIntervalMs);
    this.#timer.unref();
  }

  /** Looks now. */
  refresh(): void {
    const { index, heapBytes, nowMs, onTimeoutsScaled } = this.#place;
    this.#heaps.set(index, Math.ceil(heapBytes() / BYTES_PER_KIB));
    for (const watched of this.#watched) this.#look(watched, nowMs());
    const scaleBefore = this.#timeoutScale;
    this.state = this.#stateNow();
    if (this.#timeoutScale !== scaleBefore) onTimeoutsScaled();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#heaps.set(this.#place.index, 0);
  }

  #watch(config: MonitorConfig): Watched {
    const reader = config.kind === 'heap' ? null : resourceReader(config);
    if (this.#place.index !== 0) return { config, reader, gauge: null, failed: null, pressure: 0 };
    const own = this.#scope.scope(config.name);
    own.counter('skipped_updates');
    const [gauge, failed] = [own.gauge('pressure'), own.counter('failed_updates')];
    return { config, reader, gauge, failed, pressure: 0 };
  }

  /** What cannot be read stays what it was. */
  #look(watched: Watched, nowMs: number): void {
    const { config, reader } = watched;
    const pressure =
      config.kind === 'heap' ? this.#heapPressure(config.maxBytes) : reader?.pressure(nowMs);
    if (pressure === null || pressure === undefined) {
      watched.failed?.inc();
      return;
    }
    watched.pressure = pressure;
    watched.gauge?.set(Math.floor(pressure * PERCENT));
  }

  #heapPressure(maxBytes: number): number {
    let kib = 0;
    for (let index = 0; index < this.#heaps.size; index += 1) kib += this.#heaps.get(index);
    return (kib * BYTES_PER_KIB) / maxBytes;
  }

  #stateNow(): ScaledState {
    const actions = new Map(this.#actions.map((action) => [action.name, this.#scaleOf(action)]));
    const points = new Map(this.#points.map((point) => [point.name, this.#scaleOf(point)]));
    this.#timeoutScale = actions.get('reduce_timeouts') ?? 0;
    const by = { random: this.#place.random, shed: this.#shed };
    return new ScaledState({ actions, points }, this.#config.timers, by);
  }

  /** 0 to 1; shown as well. */
  #scaleOf({ triggers, active, scalePercent }: Triggered<string>): number {
    const scales = triggers.map((trigger) => {
      const watched = this.#watched.find(({ config }) => config.name === trigger.resource);
      return watched === undefined ? 0 : scaleAt(trigger, watched.pressure);
    });
    const scale = Math.max(0, ...scales);
    active?.set(scale >= 1 ? 1 : 0);
    scalePercent?.set(Math.floor(scale * PERCENT));
    return scale;
  }
}

function scaleAt({ from, to }: OverloadTriggerConfig, pressure: number): number {
  if (pressure >= to) return 1;
  return pressure <= from ? 0 : (pressure - from) / (to - from);
}
