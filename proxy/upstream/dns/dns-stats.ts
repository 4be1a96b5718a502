// `cluster.<name>.update_*`: how often the hosts of a cluster were asked for, and what came of it.
import type { Counter, StatsScope } from '../../stats/metrics.ts';

/** Counters of one cluster, in the process that resolves names. */
export class DnsStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  /** Answers that changed nothing. */
  readonly noRebuild: Counter;

  /** `scope` is `cluster.<name>.` */
  constructor(scope: StatsScope) {
    this.attempt = scope.counter('update_attempt');
    this.success = scope.counter('update_success');
    this.failure = scope.counter('update_failure');
    this.noRebuild = scope.counter('update_no_rebuild');
    // Counts empty EDS answers only.
    scope.counter('update_empty');
  }
}
