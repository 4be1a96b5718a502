// `cluster.<name>.health_check.*`, counted where checks are made.
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';

/** The cells of one cluster, with Envoy's names in camel case. */
export class CheckStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  /** Hosts that said x-envoy-immediate-health-check-fail to ordinary requests. */
  readonly passiveFailure: Counter;
  readonly networkFailure: Counter;
  /** Successes whose service name was looked at. */
  readonly verifyCluster: Counter;
  readonly healthy: Gauge;
  readonly degraded: Gauge;

  /** `cluster` is `cluster.<name>.`; `name` is that of the check, '' for none. */
  constructor(cluster: StatsScope, name: string) {
    const scope = cluster.scope(name === '' ? 'health_check' : `health_check.name.${name}`);
    this.attempt = scope.counter('attempt');
    this.success = scope.counter('success');
    this.failure = scope.counter('failure');
    this.passiveFailure = scope.counter('passive_failure');
    this.networkFailure = scope.counter('network_failure');
    this.verifyCluster = scope.counter('verify_cluster');
    this.healthy = scope.gauge('healthy');
    this.degraded = scope.gauge('degraded');
  }
}
