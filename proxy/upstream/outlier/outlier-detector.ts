// Outlier detection of one cluster, in the primary: hears of hosts that failed too often in a row,
// judges success rates at each interval, ejects and lets back in. Its owner calls it with the time.
import { type Random, randomBelow } from '../../base/random.ts';
import type { OutlierConfig, OutlierType } from '../../model/outlier.ts';
import { EjectableHost } from './ejectable-host.ts';
import type { HostCounts, Origin, Streak } from './host-counts.ts';
import type { OutlierStats } from './outlier-stats.ts';
import { type HostBucket, judgeRates, type RateVerdict } from './success-rate.ts';

/** What happened to a host, for the event log. */
export interface OutlierEvent {
  readonly host: EjectableHost;
  readonly action: 'EJECT' | 'UNEJECT';
  /** Of an uneject: what it was ejected for is not known any more. */
  readonly type: OutlierType;
  /** False: chance (enforcing_*) let it go. */
  readonly enforced: boolean;
  /** Since its last ejection or return; null: there was none. */
  readonly msSinceLastAction: number | null;
  /** Of ejections by rate: the host's, and the cluster's mean and threshold, in percent. */
  readonly rates: {
    readonly host: number;
    readonly average: number;
    readonly threshold: number;
  } | null;
}

/** Who acts on what is found. */
export interface OutlierObserver {
  /** The host's ejection began or ended. */
  onEjection(host: EjectableHost): void;
  onEvent(event: OutlierEvent): void;
}

/** What a detector is made with. */
export interface OutlierDetectorParts {
  readonly config: OutlierConfig;
  readonly stats: OutlierStats;
  readonly random: Random;
  readonly observer: OutlierObserver;
  /** Opens the counts of a host that is new. */
  countsOf(address: string): HostCounts;
}

const STREAK_TYPES: Readonly<Record<Streak, OutlierType>> = {
  '5xx': 'CONSECUTIVE_5XX',
  gateway: 'CONSECUTIVE_GATEWAY_FAILURE',
  'local-origin': 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE',
};
const RATE_TYPES: Readonly<Record<Origin, readonly [OutlierType, OutlierType]>> = {
  external: ['SUCCESS_RATE', 'FAILURE_PERCENTAGE'],
  local: ['SUCCESS_RATE_LOCAL_ORIGIN', 'FAILURE_PERCENTAGE_LOCAL_ORIGIN'],
};

/** See the file's head. Times are monotonic ms. */
export class OutlierDetector {
  readonly #parts: OutlierDetectorParts;
  readonly #hosts = new Map<string, EjectableHost>();

  constructor(parts: OutlierDetectorParts) {
    this.#parts = parts;
  }

  /** Hosts now, by `ip:port`. */
  hosts(): Iterable<EjectableHost> {
    return this.#hosts.values();
  }

  host(address: string): EjectableHost | null {
    return this.#hosts.get(address) ?? null;
  }

  /** The cluster's hosts are these; who stays keeps what is known of it. */
  setHosts(addresses: readonly string[]): void {
    const kept = new Set(addresses);
    for (const [address, host] of this.#hosts) {
      if (kept.has(address)) continue;
      if (host.isEjected) this.#parts.stats.active.dec();
      this.#hosts.delete(address);
    }
    for (const address of kept) {
      if (this.#hosts.has(address)) continue;
      this.#hosts.set(address, new EjectableHost(address, this.#parts.countsOf(address)));
    }
  }

  /** A worker counted as many failures in a row as are allowed. */
  onStreak(address: string, streak: Streak, nowMs: number): void {
    const host = this.#hosts.get(address);
    if (host === undefined || host.isEjected) return;
    this.#convict(host, STREAK_TYPES[streak], { nowMs, rates: null });
    host.counts.resetStreak(streak);
  }

  /** An active health check of the host succeeded (successful_active_health_check_uneject_host). */
  onCheckPassed(address: string, nowMs: number): void {
    const host = this.#hosts.get(address);
    const isFreed = host?.isEjected === true && this.#parts.config.successfulCheckUnejects;
    if (host !== undefined && isFreed) this.#uneject(host, nowMs);
  }

  /** Once every interval. */
  onInterval(nowMs: number): void {
    const { config } = this.#parts;
    for (const host of this.#hosts.values()) {
      if (host.isEjected && host.hasServed(config, nowMs)) this.#uneject(host, nowMs);
    }
    this.#judge('external', nowMs);
    this.#judge('local', nowMs);
    for (const host of this.#hosts.values()) host.relent(config, nowMs);
  }

  #judge(origin: Origin, nowMs: number): void {
    const { config } = this.#parts;
    const buckets: HostBucket<EjectableHost>[] = [];
    for (const host of this.#hosts.values()) {
      // Taken from all: what an ejected host counted must not weigh on its next interval.
      const counted = host.counts.take(origin);
      host.rates[origin] = -1;
      if (!host.isEjected) buckets.push({ host, ...counted });
    }
    const fewest = Math.min(config.successRateMinimumHosts, config.failurePercentageMinimumHosts);
    if (this.#hosts.size < fewest) return;
    const verdict = judgeRates(buckets, config);
    for (const { host, rate } of verdict.rated) host.rates[origin] = rate;
    this.#punish(verdict, origin, nowMs);
  }

  #punish(verdict: RateVerdict<EjectableHost>, origin: Origin, nowMs: number): void {
    const { average, threshold } = verdict;
    const [bySuccess, byFailure] = RATE_TYPES[origin];
    for (const { host, rate } of verdict.belowThreshold) {
      this.#convict(host, bySuccess, { nowMs, rates: { host: rate, average, threshold } });
    }
    for (const { host, rate } of verdict.failing) {
      this.#convict(host, byFailure, { nowMs, rates: { host: rate, average, threshold } });
    }
  }

  #convict(
    host: EjectableHost,
    type: OutlierType,
    at: { readonly nowMs: number; readonly rates: OutlierEvent['rates'] },
  ): void {
    const { config, stats, random, observer } = this.#parts;
    stats.countDetected(type);
    if (host.isEjected) return;
    if (!this.#mayEject()) {
      stats.overflow.inc();
      return;
    }
    stats.countAttempt(type);
    const enforced = randomBelow(random, 100) < config.enforcing[type];
    const msSinceLastAction = sinceLastAction(host, at.nowMs);
    if (enforced) {
      stats.countEjection(type);
      host.eject(config, at.nowMs, randomBelow(random, config.maxEjectionTimeJitterMs + 1));
      observer.onEjection(host);
    }
    const { rates } = at;
    observer.onEvent({ host, action: 'EJECT', type, enforced, msSinceLastAction, rates });
  }

  #mayEject(): boolean {
    const { config, stats } = this.#parts;
    const percent = (100 * (stats.active.value + 1)) / this.#hosts.size;
    if (percent <= config.maxEjectionPercent) return true;
    return config.alwaysEjectOneHost && stats.active.value === 0;
  }

  #uneject(host: EjectableHost, nowMs: number): void {
    const { stats, observer } = this.#parts;
    const msSinceLastAction = sinceLastAction(host, nowMs);
    stats.active.dec();
    host.uneject(nowMs);
    observer.onEjection(host);
    const plain = { type: 'CONSECUTIVE_5XX', enforced: false, rates: null } as const;
    observer.onEvent({ host, action: 'UNEJECT', msSinceLastAction, ...plain });
  }
}

function sinceLastAction(host: EjectableHost, nowMs: number): number | null {
  const lastMs = Math.max(host.ejectedAtMs, host.unejectedAtMs);
  return lastMs === -1 ? null : nowMs - lastMs;
}
