// One host under outlier detection: ejected or not, how often in a row, and until when.
import type { OutlierConfig } from '../../model/outlier.ts';
import type { HostCounts, Origin } from './host-counts.ts';

/** Times are monotonic ms; -1: never. */
export class EjectableHost {
  /** `ip:port` */
  readonly address: string;
  readonly counts: HostCounts;
  isEjected = false;
  /** How often it was ejected since it was created. */
  ejections = 0;
  ejectedAtMs = -1;
  unejectedAtMs = -1;
  /** Last success rates in percent, -1: too few requests to tell. */
  readonly rates: Record<Origin, number> = { external: -1, local: -1 };
  /** The next ejection lasts so many base times; it falls again while the host behaves. */
  #multiplier = 0;
  #jitterMs = 0;

  constructor(address: string, counts: HostCounts) {
    this.address = address;
    this.counts = counts;
  }

  eject(config: OutlierConfig, nowMs: number, jitterMs: number): void {
    this.isEjected = true;
    this.ejections += 1;
    this.ejectedAtMs = nowMs;
    this.#jitterMs = jitterMs;
    const { baseEjectionTimeMs, maxEjectionTimeMs } = config;
    const isBelowMax =
      this.#multiplier * baseEjectionTimeMs < maxEjectionTimeMs + baseEjectionTimeMs;
    if (isBelowMax) this.#multiplier += 1;
  }

  uneject(nowMs: number): void {
    this.isEjected = false;
    this.unejectedAtMs = nowMs;
    for (const streak of ['5xx', 'gateway', 'local-origin'] as const) {
      this.counts.resetStreak(streak);
    }
  }

  /** Its time is over. */
  hasServed(config: OutlierConfig, nowMs: number): boolean {
    const longMs = Math.min(config.baseEjectionTimeMs * this.#multiplier, config.maxEjectionTimeMs);
    return nowMs - this.ejectedAtMs >= longMs + this.#jitterMs;
  }

  /** An interval is over; one that it was back for the whole of makes its next ejection shorter. */
  relent(config: OutlierConfig, nowMs: number): void {
    if (this.isEjected || this.#multiplier === 0 || this.unejectedAtMs < 0) return;
    if (nowMs - this.unejectedAtMs >= config.intervalMs) this.#multiplier -= 1;
  }
}
