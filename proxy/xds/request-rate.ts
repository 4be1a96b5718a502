// How often requests may be sent: core.v3.RateLimitSettings as a token bucket without a timer.

/** RateLimitSettings; what is unset is Envoy's default. */
export interface RequestRateConfig {
  /** Default 100. */
  readonly maxTokens: number;
  /** Tokens per second, above 0. Default 10. */
  readonly fillRate: number;
}

/** Full at first. */
export class RequestRate {
  readonly #config: RequestRateConfig;
  #tokens: number;
  #filledMs: number;

  constructor(config: RequestRateConfig, nowMs: number) {
    this.#config = config;
    this.#tokens = config.maxTokens;
    this.#filledMs = nowMs;
  }

  /** Takes a token if there is one. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until there is a token. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, Math.ceil(((1 - this.#tokens) / this.#config.fillRate) * 1000));
  }

  #fill(nowMs: number): void {
    const { fillRate, maxTokens } = this.#config;
    const tokens = this.#tokens + ((nowMs - this.#filledMs) * fillRate) / 1000;
    this.#tokens = Math.min(maxTokens, tokens);
    this.#filledMs = nowMs;
  }
}
