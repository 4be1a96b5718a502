// When a name is asked for again: after dns_refresh_rate, or its time to live, or with a growing
// and jittered delay while it fails.
import { type Random, randomBelow } from '../../base/random.ts';
import type { DnsConfig } from '../../model/dns.ts';
import type { DnsAnswer } from './dns-resolver.ts';

/** No name is asked for more often, unless its cluster's own intervals are shorter. */
export const MIN_QUERY_INTERVAL_MS = 5000;

/** How fresh an answer must be for a cluster with this configuration; see MIN_QUERY_INTERVAL_MS. */
export function queryIntervalFloorMs(config: DnsConfig): number {
  return Math.min(MIN_QUERY_INTERVAL_MS, config.refreshMs, config.failureRefreshBaseMs);
}

/** Delays of one name of one cluster. */
export class RefreshSchedule {
  readonly #config: DnsConfig;
  readonly #random: Random;
  /** Upper end of the next delay after a failure. */
  #backOffMs: number;

  constructor(config: DnsConfig, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#backOffMs = config.failureRefreshBaseMs;
  }

  /** Ms until the name is asked for again after `answer`; `isUsable`: the cluster could use it. */
  nextDelayMs(answer: DnsAnswer, isUsable: boolean): number {
    const delayMs = isUsable ? this.#afterSuccess(answer) : this.#afterFailure();
    return Math.max(delayMs, queryIntervalFloorMs(this.#config));
  }

  #afterSuccess(answer: DnsAnswer): number {
    const { failureRefreshBaseMs, refreshMs, respectTtl, minTtlMs, jitterMs } = this.#config;
    this.#backOffMs = failureRefreshBaseMs;
    const ttlMs = answer.status === 'completed' ? answer.ttlMs : null;
    const isUsed = respectTtl && ttlMs !== null && ttlMs > 0;
    const baseMs = isUsed ? Math.max(ttlMs, minTtlMs) : refreshMs;
    return jitterMs > 0 ? baseMs + randomBelow(this.#random, jitterMs) : baseMs;
  }

  #afterFailure(): number {
    const { failureRefreshBaseMs, failureRefreshMaxMs } = this.#config;
    // Without dns_failure_refresh_rate the delay is that of a success, fixed.
    if (failureRefreshMaxMs <= failureRefreshBaseMs) return failureRefreshBaseMs;
    const delayMs = randomBelow(this.#random, this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, failureRefreshMaxMs);
    return delayMs;
  }
}
