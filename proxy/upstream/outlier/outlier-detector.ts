// Outlier detection of one cluster, in the primary: hears of hosts that failed too often in a row,
// judges success rates at each interval, ejects and lets back in. Its owner calls it with the time.
import { type Random, randomBelow } from '../../base/random.ts';
import type { OutlierConfig, OutlierEventType, OutlierType } from '../../model/outlier.ts';
import { EjectableHost } from './ejectable-host.ts';
import type { HostCounts, Origin, Streak } from './host-counts.ts';
import type { OutlierStats } from './outlier-stats.ts';
import { type HostBucket, judgeRates, type RateLimits, type RateVerdict } from './success-rate.ts';

/** What happened to a host, for the event log. */
export interface OutlierEvent {
  readonly host: EjectableHost;
  readonly action: 'EJECT' | 'UNEJECT';
  /** Of an uneject: what it was ejected for is not known any more. */
  readonly type: OutlierEventType;
  /** False: chance (enforcing_*) let it go. */
  readonly enforced: boolean;
  /** Of an ejection since its last return, of a return since its ejection; null: there was none. */
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
  /** `host.flags()` changed. */
  onFlags(host: EjectableHost): void;
  onEvent(event: OutlierEvent): void;
  /** Opens the counts of a host that is new. */
  openCounts(address: string): HostCounts;
  /** The host left; what was said of it is void. */
  onLeft(host: EjectableHost): void;
}

/** What a detector is made with. */
export interface OutlierDetectorParts {
  readonly stats: OutlierStats;
  readonly random: Random;
  readonly observer: OutlierObserver;
}

const STREAK_TYPES: Readonly<Record<Exclude<Streak, 'degraded'>, OutlierType>> = {
  '5xx': 'CONSECUTIVE_5XX',
  gateway: 'CONSECUTIVE_GATEWAY_FAILURE',
  'local-origin': 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE',
};
const RATE_TYPES: Readonly<Record<Origin, readonly [OutlierType, OutlierType]>> = {
  external: ['SUCCESS_RATE', 'FAILURE_PERCENTAGE'],
  local: ['SUCCESS_RATE_LOCAL_ORIGIN', 'FAILURE_PERCENTAGE_LOCAL_ORIGIN'],
};
const UNKNOWN: RateLimits = { average: -1, threshold: -1 };

/** See the file's head. Times are monotonic ms. */
export class OutlierDetector {
  /** May be replaced by the next one: hosts keep what they are. */
  config: OutlierConfig;
  /** What the last interval showed of all hosts; -1: too few had enough requests. */
  readonly limits: Record<Origin, RateLimits> = { external: UNKNOWN, local: UNKNOWN };
  readonly #parts: OutlierDetectorParts;
  readonly #hosts = new Map<string, EjectableHost>();

  constructor(config: OutlierConfig, parts: OutlierDetectorParts) {
    this.config = config;
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
  setHosts(addresses: Iterable<string>): void {
    const { stats, observer } = this.#parts;
    const kept = new Set(addresses);
    for (const [address, host] of this.#hosts) {
      if (kept.has(address)) continue;
      if (host.isEjected) stats.active.dec();
      this.#hosts.delete(address);
      observer.onLeft(host);
    }
    for (const address of kept) {
      if (this.#hosts.has(address)) continue;
      this.#hosts.set(address, new EjectableHost(address, observer.openCounts(address)));
    }
  }

  /** A worker counted as many failures in a row as are allowed. */
  onStreak(address: string, streak: Streak, nowMs: number): void {
    const host = this.#hosts.get(address);
    if (host === undefined) return;
    if (streak === 'degraded') {
      this.#degrade(host, nowMs);
    } else if (!host.isEjected) {
      this.#convict(host, STREAK_TYPES[streak], { nowMs, rates: null });
      host.counts.resetStreak(streak);
    }
  }

  /** An active health check of the host succeeded (successful_active_health_check_uneject_host). */
  onCheckPassed(address: string, nowMs: number): void {
    const host = this.#hosts.get(address);
    const isFreed = host?.isEjected === true && this.config.successfulCheckUnejects;
    if (host !== undefined && isFreed) this.#uneject(host, nowMs);
  }

  /** Once every interval. */
  onInterval(nowMs: number): void {
    const { config } = this;
    for (const host of this.#hosts.values()) {
      if (host.ejection.isServed(config, nowMs)) this.#uneject(host, nowMs);
      if (host.degradation.isServed(config, nowMs)) this.#endDegradation(host, nowMs);
    }
    this.#judge('external', nowMs);
    this.#judge('local', nowMs);
    for (const { ejection, degradation } of this.#hosts.values()) {
      ejection.relent(config, nowMs);
      degradation.relent(config, nowMs);
    }
  }

  #judge(origin: Origin, nowMs: number): void {
    const { config } = this;
    const buckets: HostBucket<EjectableHost>[] = [];
    for (const host of this.#hosts.values()) {
      // Taken from all: what an ejected host counted must not weigh on its next interval.
      const counted = host.counts.take(origin);
      host.rates[origin] = -1;
      if (!host.isEjected) buckets.push({ host, ...counted });
    }
    this.limits[origin] = UNKNOWN;
    const fewest = Math.min(config.successRateMinimumHosts, config.failurePercentageMinimumHosts);
    if (this.#hosts.size < fewest) return;
    const verdict = judgeRates(buckets, config);
    this.limits[origin] = verdict.limits;
    for (const { host, rate } of verdict.rated) host.rates[origin] = rate;
    this.#punish(verdict, origin, nowMs);
  }

  #punish(verdict: RateVerdict<EjectableHost>, origin: Origin, nowMs: number): void {
    const { average, threshold } = verdict.limits;
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
    const { stats, random, observer } = this.#parts;
    stats.countDetected(type);
    if (!this.#mayEject()) {
      stats.overflow.inc();
      return;
    }
    stats.countAttempt(type);
    const enforced = randomBelow(random, 100) < this.config.enforcing[type];
    // Guilty by success rate and by failure percentage at once: Envoy ejects it twice, and its gauge
    // does not come down again.
    if (enforced && host.isEjected) return;
    if (enforced) {
      stats.countEjection(type);
      host.ejections += 1;
      host.ejection.begin(this.config, at.nowMs, this.#jitterMs());
      observer.onFlags(host);
    }
    const { rates } = at;
    const msSinceLastAction = since(host.ejection.endedMs, at.nowMs);
    observer.onEvent({ host, action: 'EJECT', type, enforced, msSinceLastAction, rates });
  }

  #jitterMs(): number {
    return randomBelow(this.#parts.random, this.config.maxEjectionTimeJitterMs + 1);
  }

  #mayEject(): boolean {
    const { active } = this.#parts.stats;
    const percent = (100 * (active.value + 1)) / this.#hosts.size;
    if (percent <= this.config.maxEjectionPercent) return true;
    return this.config.alwaysEjectOneHost && active.value === 0;
  }

  #uneject(host: EjectableHost, nowMs: number): void {
    this.#parts.stats.active.dec();
    host.ejection.end(nowMs);
    for (const streak of ['5xx', 'gateway', 'local-origin'] as const) {
      host.counts.resetStreak(streak);
    }
    this.#tellReturn(host, nowMs);
  }

  /** As Envoy, no limit and no chance holds for it, and it counts as no ejection. */
  #degrade(host: EjectableHost, nowMs: number): void {
    const { stats, observer } = this.#parts;
    if (host.degradation.isActive || host.isEjected) {
      // While it is ejected nobody asks; afterwards its next response tells again.
      if (!host.degradation.isActive) host.counts.resetStreak('degraded');
      return;
    }
    stats.detectedDegradation.inc();
    host.degradation.begin(this.config, nowMs, this.#jitterMs());
    observer.onFlags(host);
    const msSinceLastAction = since(host.ejection.endedMs, nowMs);
    const told = { action: 'EJECT', type: 'DEGRADED', enforced: true, rates: null } as const;
    observer.onEvent({ host, msSinceLastAction, ...told });
  }

  #endDegradation(host: EjectableHost, nowMs: number): void {
    host.degradation.end(nowMs);
    host.counts.resetStreak('degraded');
    this.#tellReturn(host, nowMs);
  }

  #tellReturn(host: EjectableHost, nowMs: number): void {
    const { observer } = this.#parts;
    observer.onFlags(host);
    const msSinceLastAction = since(host.ejection.beganMs, nowMs);
    const told = { type: 'CONSECUTIVE_5XX', enforced: false, rates: null } as const;
    observer.onEvent({ host, action: 'UNEJECT', msSinceLastAction, ...told });
  }
}

function since(beforeMs: number, nowMs: number): number | null {
  return beforeMs < 0 ? null : nowMs - beforeMs;
}
