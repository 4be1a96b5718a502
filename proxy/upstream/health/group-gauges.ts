// `cluster.<name>.health_check.healthy` and `degraded` of a cluster with several checks: hosts as all
// of them together find them.
import type { Gauge, StatsScope } from '../../stats/metrics.ts';
import { HEALTH_FLAG } from '../host-health.ts';

/** See the file's head. */
export class GroupGauges {
  readonly #cluster: StatsScope;
  readonly #healthy: Gauge;
  readonly #degraded: Gauge;
  /** Flags as they are counted, by address. */
  readonly #flags = new Map<string, number>();

  /** `cluster` is `cluster.<name>.`, and released at the end. */
  constructor(cluster: StatsScope) {
    this.#cluster = cluster;
    const scope = cluster.scope('health_check');
    this.#healthy = scope.gauge('healthy');
    this.#degraded = scope.gauge('degraded');
  }

  /** A host's flags are these now; null: it is not checked any more. */
  set(address: string, flags: number | null): void {
    const before = this.#flags.get(address) ?? null;
    if (before === flags) return;
    if (flags === null) this.#flags.delete(address);
    else this.#flags.set(address, flags);
    this.#healthy.add(isHealthy(flags) - isHealthy(before));
    this.#degraded.add(isDegraded(flags) - isDegraded(before));
  }

  /** Forgets all hosts. */
  stop(): void {
    for (const address of [...this.#flags.keys()]) this.set(address, null);
    this.#cluster.release();
  }
}

function isHealthy(flags: number | null): number {
  return flags !== null && (flags & HEALTH_FLAG.failedActiveCheck) === 0 ? 1 : 0;
}

function isDegraded(flags: number | null): number {
  return flags !== null && (flags & HEALTH_FLAG.degradedActiveCheck) !== 0 ? 1 : 0;
}
