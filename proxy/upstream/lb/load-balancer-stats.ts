// What balancers count: `cluster.<name>.lb_*`, and gauges of rings and tables where there are any.
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';

/** Gauges of rings. */
export interface RingGauges {
  readonly size: Gauge;
  readonly minHashesPerHost: Gauge;
  readonly maxHashesPerHost: Gauge;
}

/** Gauges of Maglev's tables. */
export interface TableGauges {
  readonly minEntriesPerHost: Gauge;
  readonly maxEntriesPerHost: Gauge;
}

/** Cells that every balancer has; in few clusters anything is counted in them. */
class BalancerCells {
  readonly healthyPanic: Counter;
  readonly localClusterNotOk: Counter;
  readonly recalculateZoneStructures: Counter;
  readonly zoneClusterTooSmall: Counter;
  readonly zoneNoCapacityLeft: Counter;
  readonly zoneRoutingAllDirectly: Counter;
  readonly zoneRoutingCrossZone: Counter;
  readonly zoneRoutingSampled: Counter;
  readonly subsetsActive: Gauge;
  readonly subsetsCreated: Counter;
  readonly subsetsRemoved: Counter;
  readonly subsetsSelected: Counter;
  readonly subsetsFallback: Counter;
  readonly subsetsFallbackPanic: Counter;

  constructor(scope: StatsScope) {
    this.healthyPanic = scope.counter('lb_healthy_panic');
    this.localClusterNotOk = scope.counter('lb_local_cluster_not_ok');
    this.recalculateZoneStructures = scope.counter('lb_recalculate_zone_structures');
    this.zoneClusterTooSmall = scope.counter('lb_zone_cluster_too_small');
    this.zoneNoCapacityLeft = scope.counter('lb_zone_no_capacity_left');
    this.zoneRoutingAllDirectly = scope.counter('lb_zone_routing_all_directly');
    this.zoneRoutingCrossZone = scope.counter('lb_zone_routing_cross_zone');
    this.zoneRoutingSampled = scope.counter('lb_zone_routing_sampled');
    this.subsetsActive = scope.gauge('lb_subsets_active');
    this.subsetsCreated = scope.counter('lb_subsets_created');
    this.subsetsRemoved = scope.counter('lb_subsets_removed');
    this.subsetsSelected = scope.counter('lb_subsets_selected');
    this.subsetsFallback = scope.counter('lb_subsets_fallback');
    this.subsetsFallbackPanic = scope.counter('lb_subsets_fallback_panic');
  }
}

/** With Envoy's names in camel case, without `lb_`; cells are made when one is first asked for. */
export class LoadBalancerStats {
  readonly #scope: StatsScope;
  #cells: BalancerCells | null = null;

  /** `scope` is `cluster.<observability name>.` */
  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  /** Makes those that every balancer has. */
  make(): BalancerCells {
    this.#cells ??= new BalancerCells(this.#scope);
    return this.#cells;
  }

  get healthyPanic(): Counter {
    return this.make().healthyPanic;
  }

  get localClusterNotOk(): Counter {
    return this.make().localClusterNotOk;
  }

  get recalculateZoneStructures(): Counter {
    return this.make().recalculateZoneStructures;
  }

  get zoneClusterTooSmall(): Counter {
    return this.make().zoneClusterTooSmall;
  }

  get zoneNoCapacityLeft(): Counter {
    return this.make().zoneNoCapacityLeft;
  }

  get zoneRoutingAllDirectly(): Counter {
    return this.make().zoneRoutingAllDirectly;
  }

  get zoneRoutingCrossZone(): Counter {
    return this.make().zoneRoutingCrossZone;
  }

  get zoneRoutingSampled(): Counter {
    return this.make().zoneRoutingSampled;
  }

  get subsetsActive(): Gauge {
    return this.make().subsetsActive;
  }

  get subsetsCreated(): Counter {
    return this.make().subsetsCreated;
  }

  get subsetsRemoved(): Counter {
    return this.make().subsetsRemoved;
  }

  get subsetsSelected(): Counter {
    return this.make().subsetsSelected;
  }

  get subsetsFallback(): Counter {
    return this.make().subsetsFallback;
  }

  get subsetsFallbackPanic(): Counter {
    return this.make().subsetsFallbackPanic;
  }

  /** `ring_hash_lb.*` */
  ringGauges(): RingGauges {
    return {
      size: this.#scope.gauge('ring_hash_lb.size'),
      minHashesPerHost: this.#scope.gauge('ring_hash_lb.min_hashes_per_host'),
      maxHashesPerHost: this.#scope.gauge('ring_hash_lb.max_hashes_per_host'),
    };
  }

  /** `maglev_lb.*` */
  tableGauges(): TableGauges {
    return {
      minEntriesPerHost: this.#scope.gauge('maglev_lb.min_entries_per_host'),
      maxEntriesPerHost: this.#scope.gauge('maglev_lb.max_entries_per_host'),
    };
  }

  /** `lb_subsets_single_host_per_subset_duplicate` */
  singleHostDuplicates(): Gauge {
    return this.#scope.gauge('lb_subsets_single_host_per_subset_duplicate');
  }
}
