// The ring or table of a list of hosts through its changes: a large one is made in slices while the
// one before serves.
import type { HashingConfig, MaglevConfig, RingHashConfig } from '../../../model/load-balancing.ts';
import type { Host } from '../../host.ts';
import type { HostPicker, PickerServices, PickRequest } from '../load-balancer.ts';
import type { LoadBalancerStats } from '../load-balancer-stats.ts';
import { BoundedLoadPicker, type HashedPicker } from './bounded-load.ts';
import type { HashedHost } from './hashed-hosts.ts';
import { type MaglevTable, MaglevWork } from './maglev.ts';
import { type HashRing, RingWork } from './ring-hash.ts';
import { finish, finishInSlices, type Later, type SlicedWork } from './sliced-work.ts';

/** Larger tables are made in slices: so many points of a ring take some 40 ms of a slow core. */
const MOST_AT_ONCE = 70_000;
/** Sizes of what serves until the first large one is made. */
const SMALL_RING = 16_384;
const SMALL_TABLE = 65_537;

/** What a table is made of. */
interface TableOrder {
  readonly hosts: readonly HashedHost[];
  readonly config: HashingConfig;
  readonly services: PickerServices;
}

/** See the file's head. */
export class RenewedTable implements HostPicker {
  /** null: there are no hosts. */
  #current: HostPicker | null = null;
  /** A table is being made. */
  #isWorking = false;
  /** A large one that is wanted; if it is not the one that is being made, it is the next. */
  #wanted: TableOrder | null = null;

  get hasHosts(): boolean {
    return this.#current !== null;
  }

  pick(request: PickRequest): Host | null {
    return this.#current === null ? null : this.#current.pick(request);
  }

  /** From now on, or soon, these hosts. */
  renew(order: TableOrder): void {
    const { hosts, config, services } = order;
    const later = services.later ?? null;
    this.#wanted = null;
    if (hosts.length === 0) {
      this.#current = null;
      declareGauges(config, services.stats);
    } else if (later === null || sizeOf(order) <= MOST_AT_ONCE) {
      this.#current = picker(order, finish(workOf(order)));
    } else {
      this.#wanted = order;
      this.#current ??= picker(order, finish(workOf({ ...order, config: smaller(config) })));
      if (!this.#isWorking) this.#begin(order, later);
    }
  }

  /** Nobody asks it any more. */
  drop(): void {
    this.#wanted = null;
  }

  /** One at a time, to its end: updates that come faster than tables are made do not starve them. */
  #begin(order: TableOrder, later: Later): void {
    this.#isWorking = true;
    finishInSlices<HashRing | MaglevTable>(workOf(order), later, {
      isWanted: () => {
        if (this.#wanted === null) this.#isWorking = false;
        return this.#isWorking;
      },
      onMade: (made) => {
        this.#isWorking = false;
        const wanted = this.#wanted as TableOrder;
        this.#current = picker(order, made);
        if (wanted !== order) this.#begin(wanted, later);
      },
    });
  }
}

/** As in Envoy, the gauges are there without hosts. */
function declareGauges(config: HashingConfig, stats: LoadBalancerStats): void {
  if (config.kind === 'ring-hash') stats.ringGauges();
  else stats.tableGauges();
}

/** Of the ring at least. */
function sizeOf({ hosts, config }: TableOrder): number {
  if (config.kind === 'maglev') return config.tableSize;
  return Math.min(config.maximumRingSize, Math.max(config.minimumRingSize, hosts.length));
}

function workOf({ hosts, config }: TableOrder): SlicedWork<HashRing | MaglevTable> {
  return config.kind === 'maglev'
    ? new MaglevWork(hosts, config.tableSize)
    : new RingWork(hosts, config);
}

/** Most of what it gives is what the large one will give. */
function smaller(config: HashingConfig): HashingConfig {
  if (config.kind === 'maglev') {
    return { ...config, tableSize: SMALL_TABLE } satisfies MaglevConfig;
  }
  const minimumRingSize = Math.min(config.minimumRingSize, SMALL_RING);
  return { ...config, minimumRingSize, maximumRingSize: SMALL_RING } satisfies RingHashConfig;
}

function picker({ hosts, config, services }: TableOrder, made: HashRing | MaglevTable): HostPicker {
  setGauges(made.facts, services.stats);
  return bounded(made, hosts, config);
}

function setGauges(
  facts: HashRing['facts'] | MaglevTable['facts'],
  stats: LoadBalancerStats,
): void {
  if ('size' in facts) {
    const gauges = stats.ringGauges();
    gauges.size.set(facts.size);
    gauges.minHashesPerHost.set(facts.minHashesPerHost);
    gauges.maxHashesPerHost.set(facts.maxHashesPerHost);
    return;
  }
  const gauges = stats.tableGauges();
  gauges.minEntriesPerHost.set(facts.minEntriesPerHost);
  gauges.maxEntriesPerHost.set(facts.maxEntriesPerHost);
}

function bounded(
  inner: HashedPicker,
  hosts: readonly HashedHost[],
  { consistent: { balanceFactorPercent } }: HashingConfig,
): HostPicker {
  if (balanceFactorPercent === 0) return inner;
  return new BoundedLoadPicker(inner, hosts, balanceFactorPercent);
}
