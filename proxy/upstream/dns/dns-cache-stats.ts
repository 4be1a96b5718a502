// `dns_cache.<name>.*`: what a cache of names does.
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';

/** Cells of one cache. */
export class DnsCacheStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  readonly timeout: Counter;
  readonly addressChanged: Counter;
  readonly hostAdded: Counter;
  readonly hostRemoved: Counter;
  readonly hostOverflow: Counter;
  readonly pendingOverflow: Counter;
  readonly hosts: Gauge;
  readonly pendingOpen: Gauge;
  readonly pendingRemaining: Gauge;

  /** `scope` is `dns_cache.<name>.` */
  constructor(scope: StatsScope) {
    this.attempt = scope.counter('dns_query_attempt');
    this.success = scope.counter('dns_query_success');
    this.failure = scope.counter('dns_query_failure');
    this.timeout = scope.counter('dns_query_timeout');
    this.addressChanged = scope.counter('host_address_changed');
    this.hostAdded = scope.counter('host_added');
    this.hostRemoved = scope.counter('host_removed');
    this.hostOverflow = scope.counter('host_overflow');
    this.pendingOverflow = scope.counter('dns_rq_pending_overflow');
    this.hosts = scope.gauge('num_hosts');
    const breakers = scope.scope('circuit_breakers');
    this.pendingOpen = breakers.gauge('rq_pending_open');
    this.pendingRemaining = breakers.gauge('rq_pending_remaining');
    // Nothing is kept beyond the process, nor filtered: these stay at 0.
    scope.counter('cache_load');
    scope.counter('dns_address_filter_out');
  }
}
