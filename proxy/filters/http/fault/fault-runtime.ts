// What the fault filters of a connection manager share: statistics, and how many faults there are.
import type { SharedCounter } from '../../../base/cells/shared-counter.ts';
import type { Counter, Gauge, StatsScope } from '../../../stats/metrics.ts';
import type { HttpFilterServices } from '../../http-filter.ts';

/** Names come from clients: those beyond are not counted apart. */
const MAX_CLUSTER_COUNTERS = 2000;

/** One for each connection manager that has a fault filter. */
export class FaultRuntime {
  readonly responseRlInjected: Counter;
  readonly faultsOverflow: Counter;
  readonly #activeFaults: Gauge;
  /** The same over all workers. */
  readonly #active: SharedCounter;
  readonly #delaysInjected: Counter;
  readonly #abortsInjected: Counter;
  readonly #scope: StatsScope;
  /** `http.<stat_prefix>.fault.<cluster>.*` */
  readonly #byCluster = new Map<string, Counter>();

  constructor({ scope, cells }: HttpFilterServices) {
    this.#scope = scope.scope('fault');
    this.#delaysInjected = this.#scope.counter('delays_injected');
    this.#abortsInjected = this.#scope.counter('aborts_injected');
    this.responseRlInjected = this.#scope.counter('response_rl_injected');
    this.faultsOverflow = this.#scope.counter('faults_overflow');
    this.#activeFaults = this.#scope.gauge('active_faults');
    this.#active = cells.counter(this.#activeFaults.name);
  }

  /** False: `limit` faults are active in the process. */
  tryBegin(limit: number): boolean {
    if (!this.#active.tryAcquire(limit)) {
      this.faultsOverflow.inc();
      return false;
    }
    this.#activeFaults.inc();
    return true;
  }

  /** One that began is over. */
  end(): void {
    this.#active.release();
    this.#activeFaults.dec();
  }

  /** `cluster` is where the request says it comes from; '' for nowhere. */
  countDelay(cluster: string): void {
    this.#delaysInjected.inc();
    this.#counterOf(cluster, 'delays_injected')?.inc();
  }

  countAbort(cluster: string): void {
    this.#abortsInjected.inc();
    this.#counterOf(cluster, 'aborts_injected')?.inc();
  }

  #counterOf(cluster: string, name: string): Counter | null {
    if (cluster === '') return null;
    const full = `${cluster}.${name}`;
    const known = this.#byCluster.get(full);
    if (known !== undefined) return known;
    if (this.#byCluster.size >= MAX_CLUSTER_COUNTERS) return null;
    const counter = this.#scope.counter(full);
    this.#byCluster.set(full, counter);
    return counter;
  }
}
