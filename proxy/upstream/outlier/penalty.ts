// How long a host is out: each time longer than the last, up to a limit, and shorter again while it
// behaves. Ejection and degradation are counted apart.
import type { OutlierConfig } from '../../model/outlier.ts';

/** Times are monotonic ms; -1: never. */
export class Penalty {
  isActive = false;
  beganMs = -1;
  endedMs = -1;
  /** The present or last one lasts so many base times. */
  #multiplier = 0;
  #jitterMs = 0;

  /** It begins; `jitterMs` makes it longer. */
  begin(config: OutlierConfig, nowMs: number, jitterMs: number): void {
    this.isActive = true;
    this.beganMs = nowMs;
    this.#jitterMs = jitterMs;
    const { baseEjectionTimeMs, maxEjectionTimeMs } = config;
    const isBelowMax =
      this.#multiplier * baseEjectionTimeMs < maxEjectionTimeMs + baseEjectionTimeMs;
    if (isBelowMax) this.#multiplier += 1;
  }

  end(nowMs: number): void {
    this.isActive = false;
    this.endedMs = nowMs;
  }

  /** It is active, and has lasted long enough. */
  isServed(config: OutlierConfig, nowMs: number): boolean {
    if (!this.isActive) return false;
    const longMs = Math.min(config.baseEjectionTimeMs * this.#multiplier, config.maxEjectionTimeMs);
    return nowMs - this.beganMs >= longMs + this.#jitterMs;
  }

  /** An interval is over; if the host was free for the whole of it, its next penalty is shorter. */
  relent(config: OutlierConfig, nowMs: number): void {
    if (this.isActive || this.#multiplier === 0 || this.endedMs < 0) return;
    if (nowMs - this.endedMs >= config.intervalMs) this.#multiplier -= 1;
  }
}
