// How long a retry waits: longer from time to time, at random so that not all come back at once, or
// as long as the upstream says.
import { type Random, randomBelow } from '../../../base/random.ts';
import type { ResponseHead } from '../../../http/message.ts';
import type { BackOffConfig, RateLimitedBackOffConfig } from '../../../model/retry-policy.ts';

const MS_PER_SECOND = 1000;
const UNSIGNED = /^\d{1,15}$/;

/** Envoy's fully jittered exponential back-off of one request. */
export class BackOff {
  readonly #config: BackOffConfig;
  #intervalMs: number;

  constructor(config: BackOffConfig) {
    this.#config = config;
    this.#intervalMs = config.baseMs;
  }

  /** From 0 up to base × 2^n, at most the longest. */
  nextMs(random: Random): number {
    const { maxMs } = this.#config;
    const interval = this.#intervalMs;
    this.#intervalMs = Math.min(interval * 2, maxMs);
    return randomBelow(random, interval);
  }
}

/** What an upstream asks for, in ms; null: nothing that is believed. `wallMs` is the time now. */
export function askedBackOffMs(
  config: RateLimitedBackOffConfig,
  { headers }: ResponseHead,
  wallMs: number,
): number | null {
  for (const { name, format } of config.headers) {
    const text = headers.getByName(name) ?? '';
    if (!UNSIGNED.test(text)) continue;
    const seconds = Number(text);
    const now = Math.floor(wallMs / MS_PER_SECOND);
    const ms = (format === 'seconds' ? seconds : seconds - now) * MS_PER_SECOND;
    if (ms >= 0 && ms <= config.maxMs) return ms > 1 ? ms : null;
  }
  return null;
}

/** That, and up to half as much again. */
export function jittered(askedMs: number, random: Random): number {
  return askedMs + randomBelow(random, Math.floor(askedMs / 2));
}
