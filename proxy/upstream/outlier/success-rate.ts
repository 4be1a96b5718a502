// Which hosts of a cluster did worse than the others in the last interval: by success rate against
// the mean of all, and by failure percentage. Pure arithmetic.
import type { OutlierConfig } from '../../model/outlier.ts';

/** What one host did in an interval. */
export interface HostBucket<H> {
  readonly host: H;
  readonly total: number;
  readonly success: number;
}

/** A host with its success rate in percent. */
export interface RatedHost<H> {
  readonly host: H;
  readonly rate: number;
}

/** Mean and threshold in percent, -1 when too few hosts had enough requests. */
export interface RateLimits {
  readonly average: number;
  readonly threshold: number;
}

/** What an interval shows. */
export interface RateVerdict<H> {
  /** Hosts that had traffic worth looking at. */
  readonly rated: readonly RatedHost<H>[];
  readonly limits: RateLimits;
  /** Rate below the threshold. */
  readonly belowThreshold: readonly RatedHost<H>[];
  /** Failure percentage at or over failure_percentage_threshold. */
  readonly failing: readonly RatedHost<H>[];
}

/** Judges the buckets of hosts that are not ejected. */
export function judgeRates<H>(
  buckets: readonly HostBucket<H>[],
  config: OutlierConfig,
): RateVerdict<H> {
  const active = buckets.filter(({ total }) => total > 0);
  const smallestVolume = Math.min(
    config.successRateRequestVolume,
    config.failurePercentageRequestVolume,
  );
  const rated = active.filter(({ total }) => total >= smallestVolume).map(rate);
  const comparable = atLeast(active, config.successRateRequestVolume).map(rate);
  const countable = atLeast(active, config.failurePercentageRequestVolume).map(rate);
  const limits =
    comparable.length > 0 && comparable.length >= config.successRateMinimumHosts
      ? ejectionThreshold(comparable, config.successRateStdevFactor / 1000)
      : { average: -1, threshold: -1 };
  const hasEnough =
    countable.length > 0 && countable.length >= config.failurePercentageMinimumHosts;
  const failing = countable.filter((it) => 100 - it.rate >= config.failurePercentageThreshold);
  return {
    rated,
    limits,
    belowThreshold: comparable.filter((it) => it.rate < limits.threshold),
    failing: hasEnough ? failing : [],
  };
}

function atLeast<H>(buckets: readonly HostBucket<H>[], volume: number): readonly HostBucket<H>[] {
  return buckets.filter(({ total }) => total >= volume);
}

function rate<H>({ host, total, success }: HostBucket<H>): RatedHost<H> {
  return { host, rate: (success * 100) / total };
}

/** The mean less so many standard deviations of the whole population. */
function ejectionThreshold<H>(hosts: readonly RatedHost<H>[], factor: number): RateLimits {
  const average = hosts.reduce((sum, it) => sum + it.rate, 0) / hosts.length;
  const variance = hosts.reduce((sum, it) => sum + (it.rate - average) ** 2, 0) / hosts.length;
  return { average, threshold: average - factor * Math.sqrt(variance) };
}
