// The limits of one cluster in one worker: how many connections, waiting requests and requests it
// may have at once. Counted when taken and given back; whoever takes asks first.
import type { ClusterLimitsConfig } from '../model/cluster.ts';
import type { Gauge, StatsScope } from '../stats/metrics.ts';

/** One counted thing with its limit. The breaker is open while nothing more may be taken. */
export class Breaker {
  readonly #limit: number;
  readonly #open: Gauge;
  #taken = 0;

  /** `open` shows 1 while the breaker is open. */
  constructor(limit: number, open: Gauge) {
    this.#limit = limit;
    this.#open = open;
    if (limit === 0) open.set(1);
  }

  /** How many are taken now; may exceed the limit where the taker had good reason. */
  get taken(): number {
    return this.#taken;
  }

  /** True when one more may be taken. */
  canAcquire(): boolean {
    return this.#taken < this.#limit;
  }

  /** Takes one, allowed or not. */
  acquire(): void {
    this.#taken += 1;
    if (this.#taken === this.#limit) this.#open.set(1);
  }

  /** Gives one back. */
  release(): void {
    if (this.#taken === this.#limit) this.#open.set(0);
    this.#taken -= 1;
  }
}

/** The breakers of priority DEFAULT (Envoy circuit_breakers.thresholds). */
export class CircuitBreakers {
  readonly connections: Breaker;
  readonly pendingRequests: Breaker;
  readonly requests: Breaker;

  /** `scope` is `cluster.<name>.` */
  constructor(limits: ClusterLimitsConfig, scope: StatsScope) {
    const gauges = breakerGauges(scope, 'default');
    breakerGauges(scope, 'high');
    this.connections = new Breaker(limits.maxConnections, gauges.connections);
    this.pendingRequests = new Breaker(limits.maxPendingRequests, gauges.pendingRequests);
    this.requests = new Breaker(limits.maxRequests, gauges.requests);
  }
}

function breakerGauges(
  scope: StatsScope,
  priority: 'default' | 'high',
): { connections: Gauge; pendingRequests: Gauge; requests: Gauge } {
  const prefix = `circuit_breakers.${priority}`;
  // Nothing takes retries or pools yet: those breakers stay closed.
  scope.gauge(`${prefix}.cx_pool_open`);
  scope.gauge(`${prefix}.rq_retry_open`);
  return {
    connections: scope.gauge(`${prefix}.cx_open`),
    pendingRequests: scope.gauge(`${prefix}.rq_pending_open`),
    requests: scope.gauge(`${prefix}.rq_open`),
  };
}
