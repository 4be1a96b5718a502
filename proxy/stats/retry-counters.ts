// What became of the retries of a cluster, a virtual cluster or a route.
import type { Counter, StatsScope } from './metrics.ts';

/** `<prefix>upstream_rq_retry*` */
export class RetryCounters {
  /** Retries that were begun. */
  readonly begun: Counter;
  /** Requests that a retry saved. */
  readonly success: Counter;
  /** Wanted beyond num_retries. */
  readonly limitExceeded: Counter;
  /** Wanted beyond what the cluster's circuit breaker lets be. */
  readonly overflow: Counter;

  /** `prefix`: '' or dotted, with its final dot. */
  constructor(scope: StatsScope, prefix: string) {
    this.begun = scope.counter(`${prefix}upstream_rq_retry`);
    this.success = scope.counter(`${prefix}upstream_rq_retry_success`);
    this.limitExceeded = scope.counter(`${prefix}upstream_rq_retry_limit_exceeded`);
    this.overflow = scope.counter(`${prefix}upstream_rq_retry_overflow`);
  }
}
