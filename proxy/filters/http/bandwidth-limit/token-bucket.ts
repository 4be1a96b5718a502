// Tokens that come back at an even rate, up to those of a second.

const MS_PER_SECOND = 1000;

/** Shared by all streams that are limited together. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledMs: number;

  /** Full at first, where `initial` says nothing else. */
  constructor(perSecond: number, nowMs: number, initial = perSecond) {
    this.#perSecond = perSecond;
    this.#tokens = initial;
    this.#filledMs = nowMs;
  }

  /** Takes up to `wanted` whole tokens; gives how many. */
  take(wanted: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    const filled = this.#tokens + (elapsedMs * this.#perSecond) / MS_PER_SECOND;
    this.#filledMs = Math.max(this.#filledMs, nowMs);
    this.#tokens = Math.min(this.#perSecond, filled);
    const taken = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }
}
