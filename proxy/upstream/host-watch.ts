// The hosts of a worker's cluster as somebody looks after them: those that come learn what the
// primary knows of their health and, under outlier detection, get a monitor; those that go lose it.
import type { SharedCells } from '../base/cells/shared-cells.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { CheckReporter } from './check-reporter.ts';
import type { Host } from './host.ts';
import { CHECK_FLAGS } from './host-health.ts';
import { OutlierMonitor, type StreakSink } from './outlier/outlier-monitor.ts';
import { HOST_COUNT_CELLS, hostCountsKey, SharedHostCounts } from './outlier/shared-host-counts.ts';

/** What a watch is made with. */
export interface HostWatchParts {
  readonly config: ClusterConfig;
  readonly cells: SharedCells;
  readonly streaks: StreakSink;
  /** null: the cluster has no health checks. */
  readonly checks: CheckReporter | null;
  /** What the primary has said of the cluster's hosts so far, by `ip:port`. */
  readonly flags: () => ReadonlyMap<string, number>;
}

/** Of one cluster. */
export class HostWatch {
  readonly #parts: HostWatchParts;
  /** null: none has one, as where there is no outlier detection. */
  #monitors: Map<Host, OutlierMonitor> | null = null;

  constructor(parts: HostWatchParts) {
    this.#parts = parts;
  }

  /** These are the cluster's hosts now; call it before they are balanced over. */
  follow(hosts: readonly Host[], added: readonly Host[]): void {
    const { config, checks } = this.#parts;
    const flags = this.#parts.flags();
    for (const host of added) {
      const known = flags.get(host.address.text);
      if (known !== undefined) host.setPrimaryFlags(known & usableFlags(config));
      host.checks = checks;
    }
    if (config.outlier === null) return;
    for (const host of hosts) {
      const monitor = this.#monitors?.get(host);
      // A logical host moves as its name's answer changes: another server begins anew.
      if (monitor?.address === host.address.text) continue;
      if (monitor !== undefined) this.#release(monitor);
      host.monitor = this.#watch(host);
    }
  }

  /** It is no member any more; what its last requests come to counts nowhere. */
  forget(host: Host): void {
    const monitor = this.#monitors?.get(host);
    if (monitor === undefined) return;
    this.#monitors?.delete(host);
    host.monitor = null;
    this.#release(monitor);
  }

  #watch(host: Host): OutlierMonitor | null {
    const { config, cells, streaks: sink } = this.#parts;
    const { name: cluster, outlier } = config;
    if (outlier === null) return null;
    const address = host.address.text;
    const counts = new SharedHostCounts(
      cells.ints(hostCountsKey(cluster, address), HOST_COUNT_CELLS),
    );
    const { isShared } = cells;
    const monitor = new OutlierMonitor({
      ...{ cluster, address, config: outlier, counts, isShared, sink },
    });
    this.#monitors ??= new Map();
    this.#monitors.set(host, monitor);
    return monitor;
  }

  #release({ address }: OutlierMonitor): void {
    this.#parts.cells.release(hostCountsKey(this.#parts.config.name, address));
  }
}

/**
 * Flags that mean something to hosts of the cluster: an older configuration of it, with health
 * checks, may still be what the primary speaks of.
 */
export function usableFlags({ healthCheck }: ClusterConfig): number {
  return healthCheck === null ? ~CHECK_FLAGS : -1;
}
