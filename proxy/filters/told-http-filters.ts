// HTTP filters of a connection manager that are told what to do while it runs. Streams keep the
// versions that they began with; a version lets go of what it took when the last of them is over.

import { misfitOf } from '../model/discovered-filter.ts';
import type { ExtensionInstance, FilterDiscovery, ToldFilter } from '../model/extension.ts';
import type { DiscoveredSlot } from './discovered-configs.ts';
import { MISSING_CONFIG } from './http/missing-config.ts';
import type { HttpFilterDefinition, HttpFilterFactory, HttpFilterServices } from './http-filter.ts';
import { Lease } from './lease.ts';
import type { WorkerServices } from './network-filter.ts';
import { ServicesLoan } from './services-loan.ts';

/** What a filter was told. */
export interface FilterVersion {
  /** null: nothing, and there is no default. */
  readonly filter: ToldFilter | null;
  /** null: told so, it does nothing. */
  readonly factory: HttpFilterFactory | null;
  readonly lease: Lease;
}

/** By place in the chain; null: what stands there is written. */
export type FilterVersions = readonly (FilterVersion | null)[];

/** What versions are made with. */
export interface ToldFiltersParts {
  readonly instances: readonly ExtensionInstance[];
  readonly services: WorkerServices;
  /** The same as filters see it. */
  filterServices(services: WorkerServices): HttpFilterServices;
  /** `versions` are others now. */
  onChange(): void;
}

/** A place in the chain whose filter is told what to do. */
interface ToldPlace {
  readonly name: string;
  readonly discovery: FilterDiscovery;
  readonly slot: DiscoveredSlot<ToldFilter>;
}

/** One per connection manager that has such filters. */
export class ToldHttpFilters {
  versions: FilterVersions;
  readonly #parts: ToldFiltersParts;
  readonly #places: readonly (ToldPlace | null)[];

  constructor(parts: ToldFiltersParts) {
    this.#parts = parts;
    this.#places = parts.instances.map((instance, index) => this.#open(instance, index));
    this.versions = this.#places.map((place) => (place === null ? null : this.#make(place)));
  }

  #open({ name, discovery }: ExtensionInstance, index: number): ToldPlace | null {
    if (discovery === undefined) return null;
    const onChange = () => this.#onTold(index);
    return { name, discovery, slot: this.#parts.services.discovered.open(discovery.ref, onChange) };
  }

  #onTold(index: number): void {
    const place = this.#places[index] ?? null;
    const before = this.versions[index] ?? null;
    if (place === null || before === null || filterAt(place) === before.filter) return;
    const made = this.#make(place);
    this.versions = this.versions.map((version, at) => (at === index ? made : version));
    this.#parts.onChange();
    before.lease.letGo();
  }

  #make(place: ToldPlace): FilterVersion {
    const filter = filterAt(place);
    const loan = new ServicesLoan(this.#parts.services);
    const services = this.#parts.filterServices(loan.services);
    const lease = new Lease(loan);
    lease.hold();
    return { filter, factory: factoryOf(filter, services, place.name), lease };
  }
}

/** What does not fit here is as good as nothing. */
function filterAt({ discovery: { ref, fallback }, slot }: ToldPlace): ToldFilter | null {
  const told = slot.value;
  return told !== null && misfitOf(told, ref) === '' ? told : fallback;
}

function factoryOf(
  filter: ToldFilter | null,
  services: HttpFilterServices,
  name: string,
): HttpFilterFactory | null {
  if (filter === null) return MISSING_CONFIG;
  return (filter.definition as HttpFilterDefinition).factory(filter.config, services, name);
}
