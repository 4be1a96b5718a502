// How long to wait before a lost server is tried again: Envoy's fully jittered exponential back-off.
import type { Random } from '../base/random.ts';

/** GrpcService.retry_policy.retry_back_off, ms. */
export interface BackOffConfig {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Envoy's, for streams that configure none. */
export const DEFAULT_RECONNECT_BACK_OFF: BackOffConfig = Object.freeze({
  baseMs: 500,
  maxMs: 30_000,
});

/** Of one stream. */
export class ReconnectBackOff {
  readonly #config: BackOffConfig;
  readonly #random: Random;
  #intervalMs: number;

  constructor(config: BackOffConfig, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#intervalMs = config.baseMs;
  }

  /** Anything from now to the interval, which doubles each time: many proxies come back spread out. */
  nextMs(): number {
    const delayMs = this.#random.next() * this.#intervalMs;
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#config.maxMs);
    return delayMs;
  }

  /** The server has answered. */
  reset(): void {
    this.#intervalMs = this.#config.baseMs;
  }
}
