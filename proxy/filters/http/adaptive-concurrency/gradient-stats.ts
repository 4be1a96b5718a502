// `http.<stat_prefix>.adaptive_concurrency.gradient_controller.*`
import type { SharedInts } from '../../../base/cells/shared-ints.ts';
import type { Counter, Gauge, StatsScope } from '../../../stats/metrics.ts';
import { CELL } from './gradient-cells.ts';

const US_PER_MS = 1000;

/** One per controller; every worker shows the same gauges. */
export class GradientStats {
  readonly rqBlocked: Counter;
  readonly #cells: SharedInts;
  readonly #concurrencyLimit: Gauge;
  readonly #gradient: Gauge;
  readonly #burstQueueSize: Gauge;
  readonly #isMeasuring: Gauge;
  readonly #minRttMs: Gauge;
  readonly #sampleRttMs: Gauge;

  constructor(http: StatsScope, cells: SharedInts) {
    const scope = http.scope('adaptive_concurrency').scope('gradient_controller');
    this.#cells = cells;
    this.rqBlocked = scope.counter('rq_blocked');
    this.#concurrencyLimit = scope.gauge('concurrency_limit');
    this.#gradient = scope.gauge('gradient');
    this.#burstQueueSize = scope.gauge('burst_queue_size');
    this.#isMeasuring = scope.gauge('min_rtt_calculation_active');
    this.#minRttMs = scope.gauge('min_rtt_msecs');
    this.#sampleRttMs = scope.gauge('sample_rtt_msecs');
  }

  /** Shows what the cells hold now. */
  publish(): void {
    const cells = this.#cells;
    this.#concurrencyLimit.set(cells.get(CELL.limit));
    this.#isMeasuring.set(cells.get(CELL.deferredLimit) === 0 ? 0 : 1);
    show(this.#gradient, cells.get(CELL.gradient));
    show(this.#burstQueueSize, cells.get(CELL.burst));
    show(this.#minRttMs, Math.floor(cells.get(CELL.minRttUs) / US_PER_MS));
    show(this.#sampleRttMs, Math.floor(cells.get(CELL.sampleRttUs) / US_PER_MS));
  }
}

/** A gauge is used once there was something to show. */
function show(gauge: Gauge, value: number): void {
  if (gauge.value !== value) gauge.set(value);
}
