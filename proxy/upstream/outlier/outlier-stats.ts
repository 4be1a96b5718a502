// `cluster.<name>.outlier_detection.*`
import type { OutlierType } from '../../model/outlier.ts';
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';

const NAMES: Readonly<Record<OutlierType, string>> = {
  CONSECUTIVE_5XX: 'consecutive_5xx',
  CONSECUTIVE_GATEWAY_FAILURE: 'consecutive_gateway_failure',
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 'consecutive_local_origin_failure',
  SUCCESS_RATE: 'success_rate',
  SUCCESS_RATE_LOCAL_ORIGIN: 'local_origin_success_rate',
  FAILURE_PERCENTAGE: 'failure_percentage',
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: 'local_origin_failure_percentage',
};

/** Cells of one cluster, in the primary. */
export class OutlierStats {
  readonly active: Gauge;
  readonly overflow: Counter;
  readonly detectedDegradation: Counter;
  readonly #enforcedTotal: Counter;
  readonly #detected: ReadonlyMap<OutlierType, Counter>;
  readonly #enforced: ReadonlyMap<OutlierType, Counter>;
  /** Older names, with their own rules. */
  readonly #total: Counter;
  readonly #consecutive5xx: Counter;
  readonly #successRate: Counter;

  /** `cluster` is `cluster.<name>.` */
  constructor(cluster: StatsScope) {
    const scope = cluster.scope('outlier_detection');
    const each = (prefix: string): Map<OutlierType, Counter> =>
      new Map(
        Object.entries(NAMES).map(([type, name]) => [
          type as OutlierType,
          scope.counter(`${prefix}_${name}`),
        ]),
      );
    this.active = scope.gauge('ejections_active');
    this.overflow = scope.counter('ejections_overflow');
    this.detectedDegradation = scope.counter('ejections_detected_degradation');
    this.#enforcedTotal = scope.counter('ejections_enforced_total');
    this.#detected = each('ejections_detected');
    this.#enforced = each('ejections_enforced');
    this.#total = scope.counter('ejections_total');
    this.#consecutive5xx = scope.counter('ejections_consecutive_5xx');
    this.#successRate = scope.counter('ejections_success_rate');
  }

  countDetected(type: OutlierType): void {
    this.#detected.get(type)?.inc();
    // The older counters of both kinds count what was found, not what came of it.
    if (type === 'CONSECUTIVE_5XX') this.#consecutive5xx.inc();
    if (type === 'SUCCESS_RATE' || type === 'SUCCESS_RATE_LOCAL_ORIGIN') this.#successRate.inc();
  }

  /** A host was ejected. */
  countEjection(type: OutlierType): void {
    this.#enforcedTotal.inc();
    this.#enforced.get(type)?.inc();
    this.active.inc();
  }

  /** A host was to be ejected, whether chance let it be or not. */
  countAttempt(type: OutlierType): void {
    if (type === 'CONSECUTIVE_5XX' || type === 'SUCCESS_RATE') this.#total.inc();
  }
}
