// One cluster under outlier detection, in the primary: its detector with its interval, the cells in
// which workers count, and its statistics.
import type { SharedCells } from '../../base/cells/shared-cells.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../../base/timer-wheel.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { OutlierConfig } from '../../model/outlier.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { HostFlags } from '../host-flags.ts';
import type { EjectableHost } from './ejectable-host.ts';
import type { HostCounts } from './host-counts.ts';
import { OutlierDetector, type OutlierEvent, type OutlierObserver } from './outlier-detector.ts';
import { OutlierStats } from './outlier-stats.ts';
import { HOST_COUNT_CELLS, hostCountsKey, SharedHostCounts } from './shared-host-counts.ts';

/** Takes every ejection and return, enforced or not. */
export interface OutlierEventSink {
  onOutlierEvent(cluster: string, event: OutlierEvent): void;
}

/** What the primary gives. */
export interface OutlierServices {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  /** The root scope. */
  readonly stats: StatsScope;
  /** Cells that it shares with all workers. */
  readonly cells: SharedCells;
  readonly flags: HostFlags;
  readonly events: OutlierEventSink;
}

/** See the file's head. */
export class WatchedCluster implements OutlierObserver, TimerTarget {
  config: ClusterConfig;
  readonly detector: OutlierDetector;
  readonly #services: OutlierServices;
  readonly #scope: StatsScope;
  readonly #timer: Timer;

  constructor(config: ClusterConfig, outlier: OutlierConfig, services: OutlierServices) {
    this.config = config;
    this.#services = services;
    this.#scope = services.stats.scope('cluster').scope(config.observabilityName);
    const stats = new OutlierStats(this.#scope);
    this.detector = new OutlierDetector(outlier, {
      stats,
      random: services.random,
      observer: this,
    });
    this.#timer = new Timer(this);
    this.#arm();
  }

  /** From now on it is configured like this. */
  configure(config: ClusterConfig, outlier: OutlierConfig): void {
    const isRearmed = outlier.intervalMs !== this.detector.config.intervalMs;
    this.config = config;
    this.detector.config = outlier;
    if (isRearmed) this.#arm();
  }

  /** Nobody is ejected any more, and nothing is counted. */
  close(): void {
    this.#services.timers.cancel(this.#timer);
    this.detector.setHosts([]);
    this.#scope.release();
  }

  onTimer(): void {
    this.detector.onInterval(this.#services.clock.nowMs());
    this.#arm();
  }

  onFlags(host: EjectableHost): void {
    const { name: cluster } = this.config;
    const { flags } = this.#services;
    flags.set('outlier-detection', { cluster, address: host.address }, host.flags());
  }

  onEvent(event: OutlierEvent): void {
    this.#services.events.onOutlierEvent(this.config.name, event);
  }

  openCounts(address: string): HostCounts {
    const key = hostCountsKey(this.config.name, address);
    return new SharedHostCounts(this.#services.cells.ints(key, HOST_COUNT_CELLS));
  }

  onLeft({ address }: EjectableHost): void {
    const { name: cluster } = this.config;
    this.#services.flags.forget('outlier-detection', { cluster, address });
    this.#services.cells.release(hostCountsKey(cluster, address));
  }

  #arm(): void {
    const { timers, clock } = this.#services;
    timers.arm(this.#timer, clock.nowMs(), this.detector.config.intervalMs);
  }
}
