// The listener filters of a listener: those that are written, and those that are told what to do while
// it serves, each as it is when a connection comes.
import type { DiscoveredSlot } from '../filters/discovered-configs.ts';
import {
  DONE,
  type ListenerFilter,
  type ListenerFilterFactory,
  REFUSE,
} from '../filters/listener-filter.ts';
import type { WorkerServices } from '../filters/network-filter.ts';
import { misfitOf } from '../model/discovered-filter.ts';
import type { FilterDiscovery, ToldFilter } from '../model/extension.ts';
import type { ListenerFilterInstance } from '../model/listener.ts';
import type { Counter, StatsScope } from '../stats/metrics.ts';
import { buildListenerFilter } from './conditional-filter.ts';

const ADMITS: ListenerFilter = Object.freeze({ inspect: () => DONE });
const REFUSES: ListenerFilter = Object.freeze({ inspect: () => REFUSE });

/** What makes the filters of a listener's connections, in order; `scope` is the listener's. */
export function buildListenerFilters(
  instances: readonly ListenerFilterInstance[],
  services: WorkerServices,
  scope: StatsScope,
): readonly ListenerFilterFactory[] {
  const told: ToldListenerFilter[] = [];
  const factories = instances.map((instance) => {
    if (instance.discovery === undefined) return buildListenerFilter(instance, services, scope);
    const { discovery } = instance;
    const filter = new ToldListenerFilter({ instance, discovery, services, scope });
    told.push(filter);
    return filter;
  });
  if (told.length === 0) return factories;
  const first = new MissingConfigCheck(told, scope.counter('extension_config_missing'));
  return [first, ...factories];
}

interface ToldParts {
  readonly instance: ListenerFilterInstance;
  readonly discovery: FilterDiscovery;
  readonly services: WorkerServices;
  readonly scope: StatsScope;
}

class ToldListenerFilter implements ListenerFilterFactory {
  /** null: it was never told what to do. */
  factory: ListenerFilterFactory | null = null;
  readonly #parts: ToldParts;
  readonly #slot: DiscoveredSlot<ToldFilter>;
  #filter: ToldFilter | null = null;
  #scope: StatsScope | null = null;

  constructor(parts: ToldParts) {
    this.#parts = parts;
    this.#slot = parts.services.discovered.open(parts.discovery.ref, () => this.#onTold());
    this.#onTold();
  }

  create(): ListenerFilter {
    return this.factory?.create() ?? REFUSES;
  }

  #onTold(): void {
    const { instance, discovery, services, scope } = this.#parts;
    const told = this.#slot.value;
    const fits = told !== null && misfitOf(told, discovery.ref) === '';
    const filter = fits ? told : discovery.fallback;
    if (filter === this.#filter) return;
    const before = this.#scope;
    this.#filter = filter;
    this.#scope = filter === null ? null : scope.scope('');
    this.factory =
      this.#scope === null || filter === null
        ? null
        : buildListenerFilter({ ...instance, ...filter }, services, this.#scope);
    before?.release();
  }
}

/** As Envoy: one that was never told what to do keeps everybody out, before any other looks. */
class MissingConfigCheck implements ListenerFilterFactory {
  readonly #told: readonly ToldListenerFilter[];
  readonly #missing: Counter;

  constructor(told: readonly ToldListenerFilter[], missing: Counter) {
    this.#told = told;
    this.#missing = missing;
  }

  create(): ListenerFilter {
    if (this.#told.every(({ factory }) => factory !== null)) return ADMITS;
    this.#missing.inc();
    return REFUSES;
  }
}
