// How many retries may be under way at once: a fixed number, or a share of the requests that there
// are or were of late (circuit_breakers.thresholds.retry_budget).
import type { SharedCells } from '../base/cells/shared-cells.ts';
import type { SharedCounter } from '../base/cells/shared-counter.ts';
import type { SharedWindow } from '../base/cells/shared-window.ts';
import type { ClusterLimitsConfig } from '../model/cluster.ts';
import type { Gauge } from '../stats/metrics.ts';

/** The gauges of one breaker: each is made when it is first written. */
export interface BreakerGauges {
  readonly open: Gauge;
  /** null: not asked for (track_remaining). */
  readonly remaining: Gauge | null;
}

/** Requests of all workers that began in the last interval of a retry budget, retries included. */
export class RecentRequests {
  readonly #cells: SharedCells;
  readonly #window: SharedWindow;
  readonly #intervalMs: number;

  constructor(cells: SharedCells, key: string, intervalMs: number) {
    this.#cells = cells;
    this.#window = cells.window(key);
    this.#intervalMs = intervalMs;
  }

  /** One begins. */
  add(): void {
    this.#window.add(this.#cells.nowMs(), this.#intervalMs);
  }

  /** How many there were, to a tenth of the interval. */
  count(): number {
    return this.#window.count(this.#cells.nowMs(), this.#intervalMs);
  }
}

/** What a retry budget is a share of; `taken` are those of all workers now. */
interface CountedRequests {
  readonly requests: { readonly taken: number };
  readonly pendingRequests: { readonly taken: number };
  /** null: the budget has no interval. */
  readonly recentRequests: RecentRequests | null;
}

/** Retries at once: up to max_retries, or a share of the requests there are (retry_budget). */
export class RetryBreaker {
  readonly #limits: ClusterLimitsConfig;
  readonly #counter: SharedCounter;
  readonly #gauges: BreakerGauges;
  readonly #others: CountedRequests;
  #isTouched = false;

  constructor(
    limits: ClusterLimitsConfig,
    own: { readonly counter: SharedCounter; readonly gauges: BreakerGauges },
    others: CountedRequests,
  ) {
    this.#limits = limits;
    this.#counter = own.counter;
    this.#gauges = own.gauges;
    this.#others = others;
    own.gauges.remaining?.set(limits.maxRetries);
  }

  /** How many are under way, of all workers. */
  get taken(): number {
    return this.#counter.taken;
  }

  /** True when one more retry may begin; by the time of taking it that may have changed. */
  canAcquire(): boolean {
    this.#isTouched = true;
    return this.#counter.taken < this.#limit();
  }

  /** Counts a retry if it may begin; paired with `release` when it is over. */
  tryAcquire(): boolean {
    this.#isTouched = true;
    return this.#counter.tryAcquire(this.#limit());
  }

  /** The retry is over. */
  release(): void {
    this.#counter.release();
  }

  /**
   * As Envoy: with a budget the gauge compares with max_retries all the same, and nobody says how
   * many remain, which changes with every request.
   */
  refreshGauges(): void {
    const { taken } = this;
    this.#isTouched ||= taken > 0;
    if (!this.#isTouched) return;
    const { maxRetries, retryBudget } = this.#limits;
    this.#gauges.open.set(taken < maxRetries ? 0 : 1);
    this.#gauges.remaining?.set(retryBudget === null ? Math.max(0, maxRetries - taken) : 0);
  }

  #limit(): number {
    const { retryBudget, maxRetries } = this.#limits;
    if (retryBudget === null) return maxRetries;
    const { requests, pendingRequests, recentRequests } = this.#others;
    const counted = recentRequests?.count() ?? requests.taken + pendingRequests.taken;
    const share = Math.floor((retryBudget.percent / 100) * counted);
    return Math.max(share, retryBudget.minConcurrency);
  }
}
