// How many hosts a cluster has, and how many of them are well.
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';
import type { HostSet } from './host-set.ts';

/** `cluster.<name>.membership_*` and `max_host_weight`: what every cluster has from its start. */
export class MembershipStats {
  readonly #change: Counter;
  readonly #total: Gauge;
  readonly #healthy: Gauge;
  readonly #degraded: Gauge;
  readonly #excluded: Gauge;
  readonly #maxHostWeight: Gauge;

  /** `scope` is `cluster.<observability name>.` */
  constructor(scope: StatsScope) {
    this.#change = scope.counter('membership_change');
    this.#total = scope.gauge('membership_total');
    this.#healthy = scope.gauge('membership_healthy');
    this.#degraded = scope.gauge('membership_degraded');
    this.#excluded = scope.gauge('membership_excluded');
    this.#maxHostWeight = scope.gauge('max_host_weight');
  }

  /** What the gauges say now. */
  get counts(): Readonly<Record<'total' | 'healthy' | 'degraded', number>> {
    return {
      total: this.#total.value,
      healthy: this.#healthy.value,
      degraded: this.#degraded.value,
    };
  }

  /** They were told anew; `isOther`: some came or went. */
  countMembers(hostSet: HostSet, isOther: boolean): void {
    if (isOther) this.#change.inc();
    this.#total.set(hostSet.hosts.length);
    this.countHealth(hostSet);
  }

  /** How many of them are healthy, after that changed. */
  countHealth({ hosts, priorities }: HostSet): void {
    this.#healthy.set(priorities.reduce((sum, { healthy }) => sum + healthy.length, 0));
    this.#degraded.set(priorities.reduce((sum, { degraded }) => sum + degraded.length, 0));
    const counted = priorities.reduce((sum, each) => sum + each.counted.length, 0);
    this.#excluded.set(hosts.length - counted);
  }

  /** The hosts of an ORIGINAL_DST cluster, which are all healthy. */
  countDestinations(total: number): void {
    this.#change.inc();
    this.#total.set(total);
    this.#healthy.set(total);
  }

  /** As in Envoy, only of clusters that are told their hosts again and again. */
  countMaxWeight({ hosts }: HostSet): void {
    this.#maxHostWeight.set(
      hosts.reduce((most, { endpoint }) => Math.max(most, endpoint.weight), 1),
    );
  }
}
