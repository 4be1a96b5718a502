// What a cluster counts about the responses of its hosts: all of them, those to requests from inside
// and outside, and those of canaries.
import type { StatsScope } from '../stats/metrics.ts';
import { ResponseStats } from '../stats/response-stats.ts';

/** `cluster.<name>.`, and below it `internal.`, `external.`, `canary.` and `retry.` */
export class ClusterResponseStats {
  readonly #all: ResponseStats;
  readonly #internal: ResponseStats;
  readonly #external: ResponseStats;
  readonly #canary: ResponseStats;
  readonly #retried: ResponseStats;

  constructor(scope: StatsScope) {
    // The one that Envoy shows before its first use.
    scope.counter('upstream_rq_completed');
    this.#all = new ResponseStats(scope, '');
    this.#internal = new ResponseStats(scope, 'internal.');
    this.#external = new ResponseStats(scope, 'external.');
    this.#canary = new ResponseStats(scope, 'canary.');
    this.#retried = new ResponseStats(scope, 'retry.');
  }

  /** Counts one response. */
  charge(status: number, isInternal: boolean, isCanary: boolean): void {
    this.#all.charge(status);
    (isInternal ? this.#internal : this.#external).charge(status);
    if (isCanary) this.#canary.charge(status);
  }

  /** Counts a response that a retry took the place of, here only. */
  chargeRetried(status: number): void {
    this.#retried.charge(status);
  }

  /** Records what one complete response took, in ms. */
  recordTime(ms: number, isInternal: boolean, isCanary: boolean): void {
    this.#all.recordTime(ms);
    (isInternal ? this.#internal : this.#external).recordTime(ms);
    if (isCanary) this.#canary.recordTime(ms);
  }
}
