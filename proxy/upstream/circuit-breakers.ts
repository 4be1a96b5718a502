// The limits of one cluster over all workers: how many connections, waiting requests, requests,
// retries and pools it may have at once, by the priority of the route. A place is taken and given
// back in one step each, so that of all workers together exactly as many have one as the limit says.
import type { SharedCells } from '../base/cells/shared-cells.ts';
import { SharedCounter } from '../base/cells/shared-counter.ts';
import type { ClusterConfig, ClusterLimitsConfig } from '../model/cluster.ts';
import type { Gauge, StatsScope } from '../stats/metrics.ts';
import { type BreakerGauges, RecentRequests, RetryBreaker } from './retry-breaker.ts';

/** Which of a cluster's limits count a request or connection (RouteAction.priority). */
export type RoutingPriority = 'default' | 'high';

/** From here on a limit is none: it is not worth counting together. Istio's default is 2^32 - 1. */
const UNLIMITED = 2 ** 31 - 1;

/** A limit's name. */
type LimitName = 'maxConnections' | 'maxPendingRequests' | 'maxRequests' | 'maxConnectionPools';

/** Where a limit stands. */
interface LimitPlace {
  readonly limits: ClusterLimitsConfig;
  readonly name: LimitName;
}

/** What counts for a breaker. */
interface BreakerCounter {
  readonly counter: SharedCounter;
  /** Finds the one of all workers; null: `counter` is it. */
  readonly share: (() => SharedCounter) | null;
  /** Who is told of everything taken, too. */
  readonly recent: RecentRequests | null;
}

/** One counted thing with its limit. The breaker is open while nothing more may be taken. */
export class Breaker {
  readonly #limits: ClusterLimitsConfig;
  readonly #name: LimitName;
  #counter: SharedCounter;
  /** Finds the counter of all workers, while nobody is limited; null: it counts there already. */
  #share: (() => SharedCounter) | null;
  readonly #gauges: BreakerGauges;
  readonly #recent: RecentRequests | null;
  /** Envoy writes the gauges when something is taken or given back, not before. */
  #isTouched = false;

  constructor(of: LimitPlace, own: BreakerCounter, gauges: BreakerGauges) {
    this.#limits = of.limits;
    this.#name = of.name;
    this.#recent = own.recent;
    this.#counter = own.counter;
    this.#share = own.share;
    this.#gauges = gauges;
    gauges.remaining?.set(this.limit);
  }

  /** Read at each use: runtime may change it. */
  get limit(): number {
    return this.#limits[this.#name];
  }

  /** False: nobody is ever refused. */
  get isLimited(): boolean {
    return this.limit < UNLIMITED;
  }

  /** How many are taken now, by all workers; may exceed the limit where a taker had good reason. */
  get taken(): number {
    return this.#counter.taken;
  }

  /** True when one more may be taken; by the time of taking it that may have changed. */
  canAcquire(): boolean {
    return this.#counter.taken < this.limit;
  }

  /** Takes one if it may be taken. */
  tryAcquire(): boolean {
    const { limit } = this;
    if (this.#share !== null && limit < UNLIMITED) this.#countTogether(this.#share);
    if (!this.#counter.tryAcquire(limit)) return false;
    this.#recent?.add();
    this.#isTouched = true;
    return true;
  }

  /** Takes one, allowed or not. */
  acquire(): void {
    this.#counter.acquire();
    this.#isTouched = true;
  }

  /** Gives one back. */
  release(): void {
    this.#counter.release();
  }

  /** Runtime has set a limit where there was none: what is held here counts there from now on. */
  #countTogether(share: () => SharedCounter): void {
    const counter = share();
    for (let held = this.#counter.own; held > 0; held -= 1) counter.acquire();
    this.#counter = counter;
    this.#share = null;
  }

  /** Brings its gauges up to date: what other workers took counts, too. */
  refreshGauges(): void {
    const { taken, limit } = this;
    const { open, remaining } = this.#gauges;
    this.#isTouched ||= taken > 0;
    if (!this.#isTouched) return;
    open.set(taken < limit ? 0 : 1);
    remaining?.set(Math.max(0, limit - taken));
  }
}

/** The breakers of one priority (Envoy circuit_breakers.thresholds). */
export class PriorityBreakers {
  readonly connections: Breaker;
  readonly pendingRequests: Breaker;
  readonly requests: Breaker;
  readonly retries: RetryBreaker;
  readonly pools: Breaker;
  /** For a retry budget with an interval; null: there is none. */
  readonly recentRequests: RecentRequests | null;
  /** circuit_breakers.per_host_thresholds.max_connections; null: unlimited. */
  readonly maxConnectionsPerHost: number | null;

  constructor(limits: ClusterLimitsConfig, made: BreakerParts) {
    this.maxConnectionsPerHost = limits.maxConnectionsPerHost;
    this.connections = made.breaker('connections', 'maxConnections');
    this.pendingRequests = made.breaker('pending', 'maxPendingRequests');
    this.recentRequests = made.recentRequests();
    this.requests = made.breaker('requests', 'maxRequests', this.recentRequests);
    this.pools = made.breaker('pools', 'maxConnectionPools');
    const { counter } = made.counter('retries', limits.maxRetries);
    const gauges = made.gauges('retries');
    this.retries = new RetryBreaker(limits, { counter, gauges }, this);
  }

  /** Before statistics are read. */
  refreshGauges(): void {
    this.connections.refreshGauges();
    this.pendingRequests.refreshGauges();
    this.requests.refreshGauges();
    this.retries.refreshGauges();
    this.pools.refreshGauges();
  }
}

/** Gauges by what they are about: `<first>` and `remaining_<second>`. */
const GAUGES = {
  connections: ['cx_open', 'cx'],
  pending: ['rq_pending_open', 'pending'],
  requests: ['rq_open', 'rq'],
  pools: ['cx_pool_open', 'cx_pools'],
  retries: ['rq_retry_open', 'retries'],
} as const;

/** Makes the gauges that every cluster has. */
export function declareBreakerGauges(scope: StatsScope): void {
  for (const priority of ['default', 'high']) {
    const below = scope.scope(`circuit_breakers.${priority}`);
    for (const [open] of Object.values(GAUGES)) below.gauge(open);
  }
}

class LazyGauges implements BreakerGauges {
  readonly #scope: StatsScope;
  readonly #kind: keyof typeof GAUGES;
  readonly #isTracked: boolean;
  #open: Gauge | null = null;
  #remaining: Gauge | null = null;

  constructor(scope: StatsScope, kind: keyof typeof GAUGES, isTracked: boolean) {
    this.#scope = scope;
    this.#kind = kind;
    this.#isTracked = isTracked;
  }

  get open(): Gauge {
    this.#open ??= this.#scope.gauge(GAUGES[this.#kind][0]);
    return this.#open;
  }

  get remaining(): Gauge | null {
    if (!this.#isTracked) return null;
    this.#remaining ??= this.#scope.gauge(`remaining_${GAUGES[this.#kind][1]}`);
    return this.#remaining;
  }
}

/** Finds what breakers of one priority are made of. */
class BreakerParts {
  readonly keys: string[] = [];
  readonly #limits: ClusterLimitsConfig;
  readonly #cells: SharedCells;
  readonly #keyPrefix: string;
  readonly #scope: StatsScope;

  constructor(limits: ClusterLimitsConfig, place: BreakersPlace, priority: RoutingPriority) {
    this.#limits = limits;
    this.#cells = place.cells;
    this.#keyPrefix = `cluster/${place.name}/${priority}/`;
    this.#scope = place.scope.scope(`circuit_breakers.${priority}`);
  }

  breaker(
    kind: keyof typeof GAUGES,
    name: LimitName,
    recent: RecentRequests | null = null,
  ): Breaker {
    const limits = this.#limits;
    const counter = { ...this.counter(kind, limits[name]), recent };
    return new Breaker({ limits, name }, counter, this.gauges(kind));
  }

  /** As in Envoy, runtime does not change the interval. */
  recentRequests(): RecentRequests | null {
    const intervalMs = this.#limits.retryBudget?.intervalMs ?? 0;
    if (intervalMs === 0) return null;
    const key = `${this.#keyPrefix}recent`;
    this.keys.push(key);
    return new RecentRequests(this.#cells, key, intervalMs);
  }

  /** Shared where somebody compares it with a limit or shows what is left. */
  counter(kind: keyof typeof GAUGES, limit: number): Omit<BreakerCounter, 'recent'> {
    const { tracksRemaining, retryBudget } = this.#limits;
    const share = (): SharedCounter => {
      const key = this.#keyPrefix + kind;
      this.keys.push(key);
      return this.#cells.counter(key);
    };
    if (limit < UNLIMITED || tracksRemaining || retryBudget !== null) {
      return { counter: share(), share: null };
    }
    return { counter: new SharedCounter(), share };
  }

  gauges(kind: keyof typeof GAUGES): BreakerGauges {
    return new LazyGauges(this.#scope, kind, this.#limits.tracksRemaining);
  }
}

/** Breakers of one priority that take no cells before somebody asks for them. */
class LazyBreakers {
  readonly #limits: ClusterLimitsConfig;
  readonly #parts: BreakerParts;
  #made: PriorityBreakers | null = null;

  constructor(limits: ClusterLimitsConfig, parts: BreakerParts) {
    this.#limits = limits;
    this.#parts = parts;
    // They are shown from the start.
    const { maxConnections, maxPendingRequests, maxRequests } = limits;
    if (!limits.tracksRemaining) return;
    parts.gauges('connections').remaining?.set(maxConnections);
    parts.gauges('pending').remaining?.set(maxPendingRequests);
    parts.gauges('requests').remaining?.set(maxRequests);
    parts.gauges('pools').remaining?.set(limits.maxConnectionPools);
    parts.gauges('retries').remaining?.set(limits.maxRetries);
  }

  get(): PriorityBreakers {
    this.#made ??= new PriorityBreakers(this.#limits, this.#parts);
    return this.#made;
  }

  refreshGauges(): void {
    this.#made?.refreshGauges();
  }
}

/** Where a cluster's breakers belong. */
export interface BreakersPlace {
  readonly name: string;
  /** `cluster.<observability name>.` */
  readonly scope: StatsScope;
  readonly cells: SharedCells;
}

/** All breakers of a cluster. Clusters of the same name, as one replaces the other, count together. */
export class CircuitBreakers {
  readonly default: PriorityBreakers;
  /** Few clusters have routes of that priority. */
  readonly #high: LazyBreakers;
  readonly #cells: SharedCells;
  readonly #parts: readonly BreakerParts[];

  constructor(
    { limits, highLimits }: Pick<ClusterConfig, 'limits' | 'highLimits'>,
    place: BreakersPlace,
  ) {
    const parts = new BreakerParts(limits, place, 'default');
    const highParts = new BreakerParts(highLimits, place, 'high');
    this.default = new PriorityBreakers(limits, parts);
    this.#high = new LazyBreakers(highLimits, highParts);
    this.#cells = place.cells;
    this.#parts = [parts, highParts];
  }

  /** Those that count requests of that priority. */
  of(priority: RoutingPriority): PriorityBreakers {
    return priority === 'high' ? this.#high.get() : this.default;
  }

  /** Before statistics are read. */
  refreshGauges(): void {
    this.default.refreshGauges();
    this.#high.refreshGauges();
  }

  /** Nothing of the cluster is left. */
  close(): void {
    for (const { keys } of this.#parts) for (const key of keys) this.#cells.release(key);
  }
}
