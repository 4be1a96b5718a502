// What Envoy counts of a stream, `control_plane.*` below the scope of whoever owns it.
import type { Counter, Gauge, StatsScope, TextReadout } from '../stats/metrics.ts';

/** One per stream. */
export class ControlPlaneStats {
  readonly connectedState: Gauge;
  readonly pendingRequests: Gauge;
  readonly rateLimitEnforced: Counter;
  readonly identifier: TextReadout;

  /** `scope` is the root for aggregated streams, else the subscription's, `cluster_manager.cds.` */
  constructor(owner: StatsScope) {
    const scope = owner.scope('control_plane');
    this.connectedState = scope.gauge('connected_state');
    this.pendingRequests = scope.gauge('pending_requests');
    this.rateLimitEnforced = scope.counter('rate_limit_enforced');
    this.identifier = scope.textReadout('identifier');
    this.connectedState.set(0);
    this.pendingRequests.set(0);
  }
}
